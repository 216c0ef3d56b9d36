// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// trapsElsewhere are the checks whose traps are not in TestTraps, and the test
// that has them: real Java nodes, and what takes several members.
var trapsElsewhere = map[string]string{
	"jcs-nodes": "../../interop/traps_test.go", "jcs-address": "../../interop/traps_test.go", "jcs-listener": "../../interop/traps_test.go", "jcs-regions": "../../interop/traps_test.go",
	"members": "doctor_cluster_linux_test.go", "multicast": "doctor_cluster_linux_test.go", "tcp": "doctor_cluster_linux_test.go",
	"services": "testdata/doctor.txtar", // no ailment: it says what was not looked at
	"clocks":   "doctor_cluster_linux_test.go", "mtu": "doctor_cluster_linux_test.go",
}

// checkNames are how checks get their names, in doctor and here.
var checkNames = regexp.MustCompile(`Check\{Name: "([a-z-]+)"|\{Name: "(jcs-[a-z]+)"|\bcheck[A-Z]\w* += "([a-z-]+)"|lent\("([a-z]+)"`)

// TestEachCheckHasATrap: there is no check that was not seen to find what it is
// for, on a host that was broken in just that way.
func TestEachCheckHasATrap(t *testing.T) {
	var names []string
	for _, dir := range []string{"../../doctor", "."} {
		files, err := filepath.Glob(filepath.Join(dir, "*.go"))
		must(t, err)
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			b, err := os.ReadFile(file)
			must(t, err)
			for _, m := range checkNames.FindAllStringSubmatch(string(b), -1) {
				names = append(names, strings.Join(m[1:], ""))
			}
		}
	}
	if len(names) < 30 {
		t.Fatalf("only %d checks: %q", len(names), names)
	}
	list, err := os.ReadFile("../../doctor/doc.go")
	must(t, err)
	for _, name := range names {
		if !regexp.MustCompile(`(?m)^//.*\b` + name + `\b`).Match(list) {
			t.Errorf("doctor/doc.go does not list %s", name)
		}
		if slices.ContainsFunc(traps, func(x trap) bool { return x.check == name }) {
			continue
		}
		file := trapsElsewhere[name]
		if file == "" {
			t.Errorf("%s has no trap", name)
			continue
		}
		b, err := os.ReadFile(file)
		must(t, err)
		if !strings.Contains(string(b), `"`+name) {
			t.Errorf("%s has no trap in %s", name, file)
		}
	}
}
