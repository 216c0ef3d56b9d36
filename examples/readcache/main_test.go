// SPDX-License-Identifier: Apache-2.0

package main

import (
	"net"
	"path/filepath"
	"strings"
	"testing"
)

// TestRun: a thousand reads are one query, and what the other instance changed
// is read as it is.
func TestRun(t *testing.T) {
	var out strings.Builder
	if err := run(&out, filepath.Join(t.TempDir(), "users.db"), free(t), free(t)); err != nil {
		t.Fatal(err)
	}
	want := "two read Anna 1000 times, with 1 queries so far\ntwo read Berta 1000 times, with 2 queries so far\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

// free finds a port that nobody has.
func free(t *testing.T) string {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, err := net.SplitHostPort(ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return port
}
