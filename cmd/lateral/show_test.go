// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os"
	"reflect"
	"strings"
	"testing"

	"lateral/cache"
	"lateral/ccf"
)

// onto is a screen that a test reads.
func onto(b *bytes.Buffer, colours bool) *screen { return &screen{Writer: b, colours: colours} }

// TestTable has columns align whatever is in them and however it is painted.
func TestTable(t *testing.T) {
	tab := &table{head: []string{"name", "n", "last"}, right: map[int]bool{1: true}}
	tab.add(cell{"größe", red}, 7, "x")
	tab.add("", 1234, cell{"", green})
	var plain, painted bytes.Buffer
	onto(&plain, false).table("  ", tab)
	if want := "  name      n  last\n  größe     7  x\n  -      1234  -\n"; plain.String() != want {
		t.Errorf("got\n%swant\n%s", plain.String(), want)
	}
	onto(&painted, true).table("  ", tab)
	bare := painted.String()
	for _, c := range []string{"\x1b[31m", "\x1b[32m", "\x1b[2m", "\x1b[0m"} {
		if !strings.Contains(bare, c) {
			t.Errorf("painted without %q", c)
		}
		bare = strings.ReplaceAll(bare, c, "")
	}
	if strings.TrimRight(bare, " ") != plain.String() {
		t.Errorf("painted it aligns otherwise:\n%s", bare)
	}
}

// TestNoTerminal has files get neither colours nor moving lines.
func TestNoTerminal(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	s := newScreen(f)
	if s.terminal || s.colours || s.paint(red, "x") != "x" {
		t.Errorf("a file is taken for a terminal: %+v", s)
	}
	var b bytes.Buffer
	p := &progress{screen: onto(&b, false)}
	for _, text := range []string{"1 of 2", "1 of 2", "2 of 2"} {
		p.say(text)
	}
	p.end()
	if b.String() != "1 of 2\n2 of 2\n" {
		t.Errorf("progress: %q", b.String())
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 64 << 20: "64.0 MiB", 5 << 40: "5.0 TiB", 1 << 62: "4194304.0 TiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("%d: %s, want %s", n, got, want)
		}
	}
}

// TestGroupMatrix marks what is missing, and only that.
func TestGroupMatrix(t *testing.T) {
	member := func(id, host string, receive bool) cache.Member {
		return cache.Member{ID: id, Host: host, Service: "gw", Endpoint: "L", Addr: host + ":1", PID: 7, Node: id, Source: "self", Receive: receive}
	}
	a, b, c := member("a", "h1", true), member("b", "h2", true), member("c", "h3", false)
	d := member("d", "h4", false)
	st := cache.Status{Endpoints: []cache.EndpointStatus{{Endpoint: "L", ID: "a", Cluster: "x", Group: "224.0.0.1:1", Members: []cache.Member{a, b, c, d},
		Matrix: []cache.Row{{ID: "a", Up: []string{"b"}, Down: map[string]string{"c": "refused"}}, {ID: "b", Up: []string{"a", "c", "d"}}, {ID: "c", Up: []string{"b"}}, {ID: "d", Up: []string{"b"}}}}}}
	gs := groups([]cache.Status{st})
	if len(gs) != 1 || gs[0].Expected != 5 || gs[0].Present != 3 {
		t.Fatalf("%+v", gs)
	}
	var out bytes.Buffer
	onto(&out, false).group(gs[0])
	want := []string{"group 224.0.0.1:1 in cluster x: 3 of 5 links", "1  2  3  4", "1  h1/gw L :1 pid 7  ·  ✓  ✗  ✗",
		"2  h2/gw L :1 pid 7  ✓  ·  ✓  ✓", "3  h3/gw L :1 pid 7  ✗  ✓  ·  –", "4  h4/gw L :1 pid 7  ✗  ✓  –  ·"}
	for i, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		if strings.TrimSpace(line) != want[i] {
			t.Errorf("line %d: %q, want %q", i, line, want[i])
		}
	}
}

// TestChanges tells each line of a file that counts otherwise once.
func TestChanges(t *testing.T) {
	parse := func(text string) []ccf.Setting {
		t.Helper()
		c, err := ccf.Parse(ccf.Source{Name: "c", Data: []byte(text)})
		if err != nil {
			t.Fatal(err)
		}
		return c.Effective()
	}
	const before = "jcs.default=\njcs.default.cacheattributes.MaxObjects=5\njcs.region.A=\njcs.region.B=\njcs.region.B.cacheattributes.MaxObjects=9\n"
	for _, c := range []struct {
		now  string
		want []change
	}{
		{before, nil},
		{"# moved\n" + before, nil},
		{strings.Replace(before, "=5", "=6", 1), []change{{"jcs.default.cacheattributes.MaxObjects", "c:2", "5", "6", 1}}},
		{before + "jcs.region.C=\n", []change{{"jcs.region.C", "c:6", absent, "", 0}}},
		{before + "jcs.region.C=\njcs.region.C.cacheattributes.MaxObjects=1\n", []change{{"jcs.region.C", "c:6", absent, "", 0},
			{"jcs.region.C.cacheattributes.MaxObjects", "c:7", absent, "1", 0}}},
		{strings.Replace(before, "jcs.region.A=\n", "", 1), []change{{"jcs.region.A", "c:3 before", "", absent, 0}}},
		{strings.Replace(before, "jcs.region.B.cacheattributes.MaxObjects=9\n", "", 1), []change{{"jcs.region.B.cacheattributes.MaxObjects", "c:2", "9", "5", 0}}},
	} {
		if got := changes(parse(before), parse(c.now)); !reflect.DeepEqual(got, c.want) {
			t.Errorf("to\n%s\n%+v, want\n%+v", c.now, got, c.want)
		}
	}
}
