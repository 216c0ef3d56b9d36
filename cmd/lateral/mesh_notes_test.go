// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lateral/cache"
)

// What holds for all endpoints is said once, and what is missing is said with
// where to go on.
func TestMeshNotes(t *testing.T) {
	var b bytes.Buffer
	s := &screen{Writer: &b}
	r := &meshReport{Seen: []seen{{Name: "a", Stable: cache.StableStatus{Holder: "x"}}, {Name: "b", Stable: cache.StableStatus{Holder: "y"}}, {Name: "c"}}}
	r.Nodes, r.Expected, r.Present = 2, 1, 0
	s.mesh(r)
	for _, line := range []string{"c: no other member is known\n", "2 endpoints remember removals", "lateral doctor says what is wrong", "mesh incomplete: 0 of 1 links, 2 nodes\n"} {
		if !strings.Contains(b.String(), line) {
			t.Errorf("no %q in\n%s", line, &b)
		}
	}
	if strings.Contains(b.String(), "remote") || strings.Contains(b.String(), "x has said") {
		t.Errorf("a table of nothing, or what is usual for each:\n%s", &b)
	}
	r.Nodes, r.Expected, r.Complete = 1, 0, true
	if h := r.hint(); !strings.Contains(h, "if there should be others") || !strings.HasSuffix(r.summary(), ", 1 node") {
		t.Errorf("%q, %q", h, r.summary())
	}
}

// Whoever types a get of what is not there is told so; a program is not.
func TestGetOfNothing(t *testing.T) {
	for _, terminal := range []bool{true, false} {
		var out, errs bytes.Buffer
		s := &streams{out: &screen{Writer: &out, terminal: terminal}, err: &screen{Writer: &errs, terminal: terminal}}
		if err := (&one{}).show(s, &cache.Reply{}, false); err != no || out.Len() > 0 || (errs.String() == "not there\n") != terminal {
			t.Errorf("terminal %v: %v, %q, %q", terminal, err, &out, &errs)
		}
	}
}

// Who looks where only services of his own would be is told of the system's.
func TestNobody(t *testing.T) {
	t.Setenv("LATERAL_RUNTIME_DIR", "")
	system := t.TempDir()
	for _, c := range []struct {
		asked, system, want string
	}{
		{"", system, "services of the system have theirs in " + system},
		{"", filepath.Join(system, "none"), "as the user who runs it"},
		{"/elsewhere", system, "as the user who runs it"},
	} {
		p := &place{RuntimeDir: c.asked}
		if why := problemOf(p.nobody(c.system)).why; !strings.Contains(why, c.want) {
			t.Errorf("%+v: %s", c, why)
		}
	}
	os.Setenv("LATERAL_RUNTIME_DIR", "/elsewhere") // t.Setenv above puts it back
	if why := problemOf((&place{}).nobody(system)).why; !strings.Contains(why, "as the user who runs it") {
		t.Error(why)
	}
}
