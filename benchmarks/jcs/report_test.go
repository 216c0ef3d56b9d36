// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMedian(t *testing.T) {
	for _, c := range []struct {
		in   []number
		want number
	}{
		{[]number{3, 1, 2}, 2},
		{[]number{4, 1, 2, 3}, 2.5},
		{[]number{1, number(never), number(never)}, number(never)},
		{[]number{1, 2, number(never)}, 2},
	} {
		if got := median(c.in); got != c.want {
			t.Errorf("median of %v is %v, want %v", c.in, got, c.want)
		}
	}
}

// A ratio is over 1 where Lateral is better, whichever way better is.
func TestRatios(t *testing.T) {
	m := measure{name: "m", rows: []row{{"rate", "puts/s", "more"}, {"delay", "s", "less"}, {"back", "s", "less"}, {"held", "puts/s", "more"}, {"lost", "puts", ""}}}
	got := tabulate(m, [][][]number{{{100}, {400}}, {{6}, {2}}, {{number(never)}, {2}}, {{0}, {5}}, {{1}, {2}}})
	for i, want := range [][]number{{4}, {3}, {number(math.Inf(1))}, {number(math.Inf(1))}, nil} {
		if l := got.Lines[i]; len(l.Ratios) != len(want) || len(want) == 1 && l.Ratios[0] != want[0] {
			t.Errorf("%s: ratios %v, want %v", l.Name, l.Ratios, want)
		}
	}
}

func TestNever(t *testing.T) {
	f := figure{Rounds: []number{number(never), 20}, Median: number(never)}
	if got := f.String(); got != "never [20 … never]" {
		t.Errorf("text: %q", got)
	}
	b, err := json.Marshal([]number{number(never), number(math.NaN()), 1.5})
	if err != nil || string(b) != "[null,null,1.5]" {
		t.Errorf("JSON: %s, %v", b, err)
	}
}

// The first tenth is warm-up; of nothing there is no percentile.
func TestMicros(t *testing.T) {
	var ns []int64
	for i := range int64(100) {
		ns = append(ns, (100-i)*1000) // the first ten are the slowest
	}
	if p50, p99 := micros(ns, 50), micros(ns, 99); p50 != 46 || p99 != 90 {
		t.Errorf("p50 %v, p99 %v; want 46 and 90", p50, p99)
	}
	if got := micros(nil, 50); got != never {
		t.Errorf("p50 of nothing is %v", got)
	}
}

func TestToolsMissing(t *testing.T) {
	err := toolsMissing(func(name string) (string, error) {
		if name == "mvn" {
			return "", errors.New("not found")
		}
		return name, nil
	})
	if err == nil || !strings.Contains(err.Error(), "mvn is not in PATH") || strings.Contains(err.Error(), "java is not") {
		t.Errorf("got %v", err)
	}
	if err := toolsMissing(func(string) (string, error) { return "", nil }); err != nil {
		t.Errorf("all are there: %v", err)
	}
}

// Only B's memory of JCS has the hook, and 1.3 is not told what it does not know.
func TestSettings(t *testing.T) {
	jcs13, jcs3 := generations[0], generations[1]
	for _, c := range []struct {
		text        string
		hook, bound bool
	}{
		{settings(jcs13, "a", 1, 2), false, false},
		{settings(jcs13, "b", 1, 2), true, false},
		{settings(jcs3, "b", 1, 2), true, true},
		{ours("").ccf("b", 1, 2), false, true},
	} {
		if hook, bound := strings.Contains(c.text, "Counting"), strings.Contains(c.text, "TcpListenerHost"); hook != c.hook || bound != c.bound {
			t.Errorf("hook %v, listener bound %v; want %v and %v in\n%s", hook, bound, c.hook, c.bound, c.text)
		}
	}
}

func TestWanted(t *testing.T) {
	if ms, err := wanted([]string{"get"}); err != nil || len(ms) != 1 || ms[0].name != "get" {
		t.Errorf("get: %v, %v", ms, err)
	}
	if ms, err := wanted(nil); err != nil || len(ms) != 4 {
		t.Errorf("all: %d, %v", len(ms), err)
	}
	if _, err := wanted([]string{"gets"}); err == nil || !strings.Contains(err.Error(), `"gets"`) {
		t.Errorf("gets: %v", err)
	}
}

// A note on lost updates quotes the cause, not what JCS says at every start.
func TestTrouble(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	text := "SEVERE: Could not create sender\nINFO: fine\nSEVERE: Disabling lateral cache\nException in thread \"x\"\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := trouble(path); got != "SEVERE: Disabling lateral cache" {
		t.Errorf("got %q", got)
	}
}
