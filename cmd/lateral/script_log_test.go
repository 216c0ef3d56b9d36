// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// logged FILE REGEXP [N] waits until a log has N lines that match, one if N is
// not given.
func logged(ts *testscript.TestScript, neg bool, args []string) {
	re := regexp.MustCompile(args[1])
	want := 1
	if len(args) > 2 {
		want, _ = strconv.Atoi(args[2])
	}
	for late := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		text, _ := os.ReadFile(ts.MkAbs(args[0]))
		n := 0
		for line := range strings.Lines(string(text)) {
			if strings.HasSuffix(line, "\n") && re.MatchString(line) {
				n++
			}
		}
		if n >= want {
			return
		}
		if time.Now().After(late) {
			ts.Fatalf("%s has %d lines with %s, want %d:\n%s", args[0], n, args[1], want, text)
		}
	}
}

// logs FILE COUNTS wants a log of JSON and nothing else, in which each change
// of state is one line with the keys that docs/operations.md says, as often as
// the file COUNTS does, and every row of the documentation's table somewhere.
func logs(ts *testscript.TestScript, neg bool, args []string) {
	rows := logTable(ts)
	counts, first, last := map[string]int{}, "", ""
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var l map[string]any
		if err := json.Unmarshal([]byte(line), &l); err != nil {
			ts.Fatalf("%s: %v: %s", args[0], err, line)
		}
		msg, _ := l["msg"].(string)
		level, _ := l["level"].(string)
		stamp, _ := l["time"].(string)
		if _, err := time.Parse(time.RFC3339Nano, stamp); err != nil || msg == "" || !slices.Contains([]string{"INFO", "WARN", "ERROR"}, level) {
			ts.Fatalf("%s: time, level or msg: %s", args[0], line)
		}
		for _, key := range []string{"time", "level", "msg"} {
			delete(l, key)
		}
		if want, ok := rows[msg]; ok {
			if got := slices.Sorted(maps.Keys(l)); !slices.Equal(got, want) {
				ts.Fatalf("%s: keys %v, docs/operations.md says %v: %s", args[0], got, want, line)
			}
		}
		counts[msg]++
		if first == "" {
			first = msg
		}
		last = msg
	}
	if first != "starting" || last != "stopped" {
		ts.Fatalf("%s begins with %q and ends with %q", args[0], first, last)
	}
	for msg := range rows {
		if counts[msg] == 0 {
			ts.Fatalf("%s: no line %q, which docs/operations.md has", args[0], msg)
		}
	}
	for line := range strings.Lines(ts.ReadFile(args[1])) {
		n, msg, _ := strings.Cut(strings.TrimSpace(line), " ")
		if want, _ := strconv.Atoi(n); counts[msg] != want {
			ts.Fatalf("%s: %d lines %q, want %d:\n%s", args[0], counts[msg], msg, want, ts.ReadFile(args[0]))
		}
	}
}

// logTable is the table of docs/operations.md: keys by message.
func logTable(ts *testscript.TestScript) map[string][]string {
	page, err := os.ReadFile(filepath.Join(root, "docs", "operations.md"))
	ts.Check(err)
	_, section, _ := strings.Cut(string(page), "\n| message | keys | when |\n|---|---|---|\n")
	section, _, _ = strings.Cut(section, "\n\n")
	rows := map[string][]string{}
	for line := range strings.Lines(section) {
		cells := strings.Split(line, "|")
		keys := []string{}
		if text := strings.TrimSpace(cells[2]); text != "" {
			keys = strings.Split(text, ", ")
		}
		slices.Sort(keys)
		rows[strings.Trim(cells[1], " `")] = keys
	}
	if len(rows) < 12 {
		ts.Fatalf("docs/operations.md has no table of log lines: %v", rows)
	}
	return rows
}
