// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLastOf(t *testing.T) {
	// What fill does, with the simplest bookkeeping.
	for _, c := range []struct{ writers, keys, n int }{{1, 4, 0}, {1, 4, 3}, {1, 4, 9}, {2, 4, 1}, {2, 7, 5}, {3, 10, 100}} {
		want := map[int]int{}
		for w := range c.writers {
			for j := range c.n {
				want[w+c.writers*(j%(c.keys/c.writers))] = j
			}
		}
		for k := range c.keys {
			last, ok := want[k]
			if !ok {
				last = -1
			}
			if got := lastOf(k, c.writers, c.keys, c.n); got != last {
				t.Errorf("%+v: key %d has %d last, want %d", c, k, got, last)
			}
		}
	}
}

func TestCompareDumps(t *testing.T) {
	for _, c := range []struct {
		va, vb      string
		la, lb      int64
		drops       bool
		differ, old int
	}{
		{"A:5", "A:5", 5, 3, false, 0, 0},
		{"B:3", "B:3", 5, 3, false, 0, 0},
		{"A:6", "A:6", 5, 3, false, 0, 0}, // a put that failed, and was done all the same
		{"A:4", "A:4", 5, 3, false, 0, 1},
		{"A:5", "B:3", 5, 3, false, 1, 0},
		{"-", "A:5", 5, -1, false, 1, 1},
		{"-", "A:5", 5, -1, true, 0, 0},
		{"held:1", "A:5", 5, -1, true, 1, 1},
		{"held:1", "held:1", -1, -1, true, 0, 0},
		{"bulk:1", "bulk:1", 1, -1, false, 0, 1},
	} {
		differ, old := compareDumps([]string{c.va}, []string{c.vb}, []int64{c.la}, []int64{c.lb}, c.drops)
		if differ != c.differ || old != c.old {
			t.Errorf("%+v: %d differ, %d older", c, differ, old)
		}
	}
}

func TestTravel(t *testing.T) {
	f := figures{}
	// Fresh before the put returned; stale 2 µs after; never.
	travel([]int64{1000, 9000, 20_000, 30_000, 50_000, 60_000}, []int64{0, 5000, 32_000, 33_000, 70_000, -1}, f)
	if f["fresh50"] != 4 || f["unseen"] != 1 || math.Round(f["stale"]) != 67 || f["stalemax"] != never {
		t.Errorf("%v", f)
	}
	travel([]int64{20_000, 30_000}, []int64{32_000, 33_000}, f)
	if f["stalemax"] != 2 || f["fresh99"] != 13 || f["stale"] != 100 {
		t.Errorf("%v", f)
	}
}

func TestReport(t *testing.T) {
	r := &report{Settings: full, Engines: []string{"jcs13", "lateral", "redis", "lateral-invalidate"}, Loads: []string{"1", "2"}, Rounds: 3, Notes: []string{"a | b"}, Figures: map[string]map[string][]cell{
		"put1-100": {"jcs13": {10, 30, 20}, "lateral": {60, 60, 60}},
		"fresh99":  {"redis": {50}, "lateral-invalidate": {100}},
		"join":     {"jcs13": {cell(never)}, "lateral": {2}, "redis": {cell(unknown)}},
	}}
	text, page := r.text(), r.markdown()
	for _, want := range []string{"20 (×3)", "10 30 20", "never", "50 (×0.5)"} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	// Where Lateral is behind it is in bold, and notes cannot break a table.
	for _, want := range []string{"| **50 (×0.5)** | 100 |", "| never | 2 |", `a \| b`, "](benchmarks/join.svg)"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in\n%s", want, page)
		}
	}
	if svg := r.plots()["join"]; !strings.Contains(svg, "never") || !strings.Contains(svg, "not offered") {
		t.Error(svg)
	}
	for id := range r.Figures { // what is written is read again
		b, err := json.Marshal(r.Figures[id])
		back := map[string][]cell{}
		if err == nil {
			err = json.Unmarshal(b, &back)
		}
		if fmt.Sprint(back) != fmt.Sprint(r.Figures[id]) || err != nil {
			t.Errorf("%s became %s, then %v; error %v", fmt.Sprint(r.Figures[id]), b, back, err)
		}
	}
	for _, s := range sections(full) {
		for _, w := range s.rows {
			if w.plot != "" && titles[w.plot] == "" {
				t.Errorf("plot %s has no title", w.plot)
			}
		}
	}
}

func TestWriteFiles(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"docs", "benchmarks/results"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	page := filepath.Join(dir, "docs/benchmarks.md")
	r := &report{Settings: full, Engines: []string{"lateral"}, Loads: []string{"1"}, Figures: map[string]map[string][]cell{"join": {"lateral": {2}}}}
	if err := os.WriteFile(page, []byte("before\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.writeFiles(dir); err == nil {
		t.Error("a page without the marks was written to")
	}
	if err := os.WriteFile(page, []byte("before\n"+beginMark+"WAS\n"+endMark+"after\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := r.writeFiles(dir); err != nil {
		t.Fatal(err)
	}
	text, _ := os.ReadFile(page)
	if s := string(text); !strings.HasPrefix(s, "before\n"+beginMark+"- machine") || !strings.HasSuffix(s, endMark+"after\n") || strings.Contains(s, "WAS") {
		t.Error(s)
	}
	for _, name := range []string{"docs/benchmarks/join.svg", "benchmarks/results/compare.txt", "benchmarks/results/compare.json"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestMissing(t *testing.T) {
	err := missing(engines, func(string) (string, error) { return "", errors.New("no") })
	for _, want := range []string{"java", "javac", "mvn", "redis-server"} {
		if err == nil || !strings.Contains(err.Error(), want+" is not in PATH") {
			t.Errorf("%s: %v", want, err)
		}
	}
	if err := missing([]*engine{engineOf("lateral")}, func(string) (string, error) { return "", errors.New("no") }); err != nil {
		t.Error(err)
	}
}
