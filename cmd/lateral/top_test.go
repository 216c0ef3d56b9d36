// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"lateral/cache"
)

// looks are what top sees: of two services, at a time, when so much has happened.
func looks(at time.Duration, n uint64) *look {
	now := time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC).Add(at)
	l := &look{mesh: cache.MeshStatus{Complete: true, Expected: 1, Present: 1, Nodes: 2}}
	for i, service := range []string{"groupware", "admindaemon"} {
		st := cache.Status{Service: service, Node: service, Now: now}
		for j, region := range []string{"User", "SessionCache", "OXFolderCache"} {
			k := n * uint64(j+1) * uint64(i+1)
			st.Regions = append(st.Regions, cache.RegionStatus{Region: region, Mode: "replicate", Elements: 10 * (3 - j), Bytes: int64(1000 * j), Ready: true,
				Stats: cache.Stats{Hits: 3 * k, Misses: k, Puts: k / 4}})
		}
		st.Endpoints = []cache.EndpointStatus{{Links: []cache.LinkStatus{{To: cache.Party{Host: "oxgw02", Service: "groupware", Endpoint: "LTCP"}, Protocol: "mesh"}}}}
		l.nodes = append(l.nodes, st)
	}
	return l
}

// regionsIn are the regions of a frame, top down, with their services.
func regionsIn(text string) (out []string) {
	for _, m := range regexp.MustCompile(`(?m)^(\w+) +(User|SessionCache|OXFolderCache) `).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1][:1]+"/"+m[2][:1])
	}
	return out
}

// TestTopRates: what happened is told per second of the interval, and sorted by
// what was asked for.
func TestTopRates(t *testing.T) {
	before, now := looks(0, 100), looks(2*time.Second, 300)
	for name, want := range map[string]string{"gets": "a/O a/S g/O g/S a/U g/U", "region": "a/O g/O a/S g/S a/U g/U", "elements": "a/U g/U a/S g/S a/O g/O", "stale": "a/O g/O a/S g/S a/U g/U"} {
		f := frame{by: columnOf(name)}
		text := string(f.draw(now, before))
		if got := strings.Join(regionsIn(text), " "); got != want {
			t.Errorf("by %s: %s, want %s\n%s", name, got, want, text)
		}
		if !strings.Contains(text, "▾"+columnOf(name).head) {
			t.Errorf("by %s: no mark\n%s", name, text)
		}
		if !regexp.MustCompile(`groupware +User +replicate +30 +0 B +400 +75% +25 `).MatchString(text) {
			t.Errorf("rates are wrong\n%s", text)
		}
	}
	f := frame{by: columnOf("gets")}
	for what, was := range map[string]*look{"at first": nil, "of another incarnation": looks(0, 0)} {
		if was != nil {
			was.nodes[0].Node, was.nodes[1].Node = "x", "y"
		}
		if text := string(f.draw(now, was)); !regexp.MustCompile(`groupware +User +replicate +30 +0 B +- +- +- `).MatchString(text) {
			t.Errorf("%s there are no rates\n%s", what, text)
		}
	}
}

// TestTopFits any window: no line is wider and there are no more of them, the
// region and what it is sorted by stay.
func TestTopFits(t *testing.T) {
	now := looks(time.Second, 1)
	now.nodes[0].Regions[0].Region = strings.Repeat("long", 30) + "\x1b[2J"
	for width := 1; width < 200; width += 3 {
		for _, height := range []int{2, 5, 24, 100} {
			f := frame{by: columnOf("removes"), width: width, height: height, keys: true}
			text := strings.TrimSuffix(string(f.draw(now, looks(0, 0))), "\n")
			lines := strings.Split(text, "\n")
			if len(lines) > height {
				t.Errorf("%d×%d: %d lines", width, height, len(lines))
			}
			for _, l := range lines {
				if n := utf8.RuneCountInString(l); n > width && width > 20 {
					t.Errorf("%d×%d: %d columns: %s", width, height, n, l)
				}
			}
			if strings.Contains(text, "\x1b") {
				t.Errorf("a region's name reaches the terminal: %q", text)
			}
			if width > 30 && height > 20 && (!strings.Contains(text, "region") || !strings.Contains(text, "▾removes/s")) {
				t.Errorf("%d×%d:\n%s", width, height, text)
			}
		}
	}
}

// TestTopSays what is wrong in its first line.
func TestTopSays(t *testing.T) {
	l := looks(0, 0)
	l.mesh.Complete, l.silent, l.nodes[0].Stopping = false, []string{"web"}, true
	f := frame{by: columnOf("gets"), colours: true}
	line, _, _ := strings.Cut(string(f.draw(l, nil)), "\n")
	if want := "\x1b[31m12:00:00  services here: 2, mesh incomplete: 1 of 1 links, 2 nodes, silent: web, not ready: groupware\x1b[0m"; line != want {
		t.Errorf("%q, want %q", line, want)
	}
	if line := string(f.draw(&look{}, nil)); !strings.HasPrefix(line, "\x1b[31mno service answers\x1b[0m\n") {
		t.Errorf("%q", line)
	}
}

// TestTopLive: a frame is written at once over the last one, a key sorts anew,
// services that are away for a while come back, and q ends it.
func TestTopLive(t *testing.T) {
	keys, ticks, frames := make(chan byte), make(chan time.Time), make(chan string)
	n := 0
	top := &top{by: columnOf("gets"), keys: keys, tick: ticks, size: func() (int, int) { return 120, 30 },
		out: &screen{Writer: writer(func(p []byte) { frames <- string(p) }), terminal: true},
		look: func(context.Context) (*look, error) {
			if n++; n == 3 {
				return nil, errors.New("gone")
			}
			return looks(time.Duration(n)*time.Second, uint64(n)*100), nil
		}}
	ended := make(chan error)
	go func() { ended <- top.live(t.Context()) }()
	expect := func(what string, parts ...string) string {
		t.Helper()
		f := <-frames
		for _, p := range parts {
			if !strings.Contains(f, p) {
				t.Errorf("%s: no %q in %q", what, p, f)
			}
		}
		return f
	}
	expect("begin", enter)
	first := expect("first", home, "▾gets/s", below, "[q]uit")
	if strings.Contains(first, "\x1b[2J") || strings.Count(first, restOf+"\r\n")+1 != strings.Count(first, "\n")+1 {
		t.Errorf("it flickers, or a line is not ended: %q", first)
	}
	ticks <- time.Time{}
	expect("second", "12:00:02", "75%")
	keys <- 'e'
	expect("sorted", "12:00:02", "▾elements")
	keys <- 'z'
	expect("no such key", "▾elements")
	ticks <- time.Time{}
	expect("gone", "no service answers")
	ticks <- time.Time{}
	expect("back", "12:00:04")
	keys <- 'q'
	expect("end", leave)
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

type writer func(p []byte)

func (w writer) Write(p []byte) (int, error) { w(bytes.Clone(p)); return len(p), nil }

// TestTopPlain prints as many texts as asked for, one per interval.
func TestTopPlain(t *testing.T) {
	ticks := make(chan time.Time, 3)
	var b bytes.Buffer
	n := 0
	top := &top{by: columnOf("gets"), n: 3, tick: ticks, out: &screen{Writer: &b},
		look: func(context.Context) (*look, error) { n++; return looks(time.Duration(n)*time.Second, uint64(n)), nil }}
	for range 3 {
		ticks <- time.Time{}
	}
	if err := top.plain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := regexp.MustCompile(`(?m)^12:00:0\d`).FindAllString(b.String(), -1); !slices.Equal(got, []string{"12:00:02", "12:00:03", "12:00:04"}) {
		t.Errorf("%v in\n%s", got, b.String())
	}
	if strings.Contains(b.String(), "\x1b") || strings.Contains(b.String(), "[q]uit") {
		t.Errorf("%q", b.String())
	}
}

// TestTopKeys: each letter means one column.
func TestTopKeys(t *testing.T) {
	seen := map[byte]string{'q': "quit"}
	for _, c := range columns {
		if c.key != 0 && seen[c.key] != "" {
			t.Errorf("%c is %s and %s", c.key, seen[c.key], c.name)
		}
		seen[c.key] = c.name
	}
	if got, want := keyHelp(), "sort: [r]egion"; !strings.HasPrefix(got, want) || !strings.Contains(got, "re[c]eived") {
		t.Errorf("%s", got)
	}
	if _, ok := columnBy(0); ok {
		t.Error("a closed channel sorts")
	}
}

// TestTopDisputes: keys on which Java nodes disagree have a table, of which no
// part reaches the terminal as it is; without any there's none.
func TestTopDisputes(t *testing.T) {
	now := looks(0, 0)
	f := frame{by: columnOf("gets")}
	if text := string(f.draw(now, nil)); strings.Contains(text, "disputed") {
		t.Errorf("nobody disagrees\n%s", text)
	}
	o := &cache.Observed{Crossed: 9}
	for range 7 {
		o.Latest = append(o.Latest, cache.Dispute{Region: "User", KeyName: cache.NameKey("424242:3\x1b[2J"), Gap: 3 * time.Millisecond, Said: []cache.Said{{Node: "10.0.0.1:22001"}, {Node: "10.0.0.2:22001"}}})
	}
	now.nodes[1].Endpoints = append(now.nodes[1].Endpoints, cache.EndpointStatus{Observed: o})
	text := string(f.draw(now, nil))
	if n := len(regexp.MustCompile(`(?m)^admindaemon +User +424242:3.\[2J +10.0.0.1:22001, 10.0.0.2:22001 +3ms$`).FindAllString(text, -1)); n != maxDisputes || strings.Contains(text, "\x1b") {
		t.Errorf("%d of the keys are named\n%s", n, text)
	}
	if !regexp.MustCompile(`(?m)^admindaemon +- +… 4 more: lateral verify`).MatchString(text) {
		t.Errorf("others are not counted\n%s", text)
	}
	for width := 20; width < 120; width += 7 {
		f := frame{by: columnOf("gets"), width: width}
		for l := range strings.SplitSeq(string(f.draw(now, nil)), "\n") {
			if n := utf8.RuneCountInString(l); n > width {
				t.Errorf("%d columns of %d: %s", n, width, l)
			}
		}
	}
}
