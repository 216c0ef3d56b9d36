// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"lateral/cache"
)

// TestSetsOf: files are found from the directory of their service, and those
// that are not are told of.
func TestSetsOf(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("directories of processes are seen on Linux only")
	}
	t.Parallel()
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	list, unseen := setsOf([]cache.Status{
		{Service: "whole", PID: 1 << 30, Files: []string{"/etc/a.ccf"}},
		{Service: "own", PID: os.Getpid(), Files: []string{"a.ccf", "/b.ccf"}},
		{Service: "gone", PID: 1 << 30, Files: []string{"a.ccf"}},
	})
	want := []set{{"whole", []string{"/etc/a.ccf"}}, {"own", []string{filepath.Join(here, "a.ccf"), "/b.ccf"}}}
	if !reflect.DeepEqual(list, want) || len(unseen) != 1 {
		t.Errorf("%v %v, want %v", list, unseen, want)
	}
}
