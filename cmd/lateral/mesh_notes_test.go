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

// What holds for all endpoints is said once, what is missing is said with where
// to go on, and members are called by their names.
func TestMeshNotes(t *testing.T) {
	open := func(name, addr string) cache.EndpointStatus {
		return cache.EndpointStatus{Endpoint: name, ID: name, Listen: addr, Security: cache.Security{Open: "no cluster secret: whoever reaches TCP " + addr + " can join this endpoint's regions"},
			Members: []cache.Member{{ID: "665c934f8e2c07f9", Host: "h2", Service: "s", Endpoint: "A", Addr: "10.0.0.2:1"}}}
	}
	nodes := []cache.Status{{Host: "h1", Service: "a", Endpoints: []cache.EndpointStatus{open("A", "[::]:1"), open("B", "[::]:2")}}, {Host: "h1", Service: "b", Endpoints: []cache.EndpointStatus{open("A", "[::]:3")}}}
	var notes []string
	for _, n := range nodes {
		for _, e := range n.Endpoints {
			notes = append(notes, "endpoint "+e.Endpoint+": "+e.Security.Open, "more")
		}
	}
	const want = "no cluster secret: whoever reaches TCP [::]:1, [::]:2 or [::]:3 can join their regions|more|more|more"
	if got := strings.Join(openNotes(notes, nodes), "|"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := openNotes(notes[:2], nodes[1:]); len(got) != 2 || got[0] != notes[0] {
		t.Errorf("a single one: %q", got)
	}
	if got := withNames("no link yet with 665c934f8e2c07f9", nodes); got != "no link yet with h2/s.A" {
		t.Error(got)
	}
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
