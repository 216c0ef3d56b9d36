// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"lateral/resp"
)

// notCompared are the commands, or subcommands, that the comparison with a real
// redis-server leaves out, and why.
var notCompared = []struct{ name, why string }{
	{"CLIENT SETINFO", "came with Redis 7.2, and Debian's is 7.0"},
	{"CLIENT NO-TOUCH", "came with Redis 7.2"},
	{"LATERAL.SET", "Redis has not: TestJavaValues"},
	{"LATERAL.TYPE", "Redis has not: TestJavaValues"},
	{"LATERAL.TREE", "Redis has not: TestJavaObjects"},
}

// requests are what the comparison sends, as far as words that are drawn at
// random are not concerned.
func requests() (out [][]string) {
	for _, shape := range append(slices.Clone(shapes), messageShapes...) {
		out = append(out, strings.Fields(shape))
	}
	for _, p := range pipelines {
		for line := range strings.SplitSeq(p, "|") {
			out = append(out, strings.Fields(line))
		}
	}
	for _, scene := range scenes {
		for line := range strings.FieldsFuncSeq(scene.lines, func(r rune) bool { return r == '|' || r == '\n' }) {
			out = append(out, strings.Fields(line)[1:])
		}
	}
	return out
}

// names are what a row of the table must be compared by: a command, or each of
// its subcommands.
func names(row resp.Row) (out []string) {
	switch row.Name {
	case "CLIENT", "COMMAND", "CONFIG", "PUBSUB", "SCRIPT":
		subs, _, _ := strings.Cut(strings.TrimPrefix(row.Args, "["), " ")
		for sub := range strings.SplitSeq(subs, "|") {
			out = append(out, row.Name+" "+sub)
		}
		return out
	}
	return []string{row.Name}
}

// Every row of the table is compared with Redis, or said not to be, and why.
func TestEveryCommandIsCompared(t *testing.T) {
	compared := map[string]bool{}
	for _, words := range requests() {
		compared[words[0]] = true
		if len(words) > 1 {
			compared[words[0]+" "+strings.ToUpper(words[1])] = true
		}
	}
	left := map[string]string{}
	for _, n := range notCompared {
		left[n.name] = n.why
	}
	for _, row := range resp.Rows() {
		for _, name := range names(row) {
			switch why, isLeft := left[name]; {
			case compared[name] && isLeft:
				t.Errorf("%s is compared with Redis, though notCompared says why not: %s", name, why)
			case !compared[name] && !isLeft:
				t.Errorf("%s is not compared with Redis: add it to shapes or scenes, or to notCompared with the reason", name)
			}
			delete(left, name)
		}
	}
	for name := range left {
		t.Errorf("notCompared has %s, which the table has not", name)
	}
}

// Where Redis has a row, its arity and keys are ours: clients that ask COMMAND
// send keys to the right node, and proxies know what they forward.
func TestTableAsRedis(t *testing.T) {
	c := dial(t, redis(t))
	ours := dial(t, newSite(t, 1).socks[0])
	for _, row := range resp.Rows() {
		if strings.HasPrefix(row.Name, "LATERAL.") {
			continue // Redis has them not
		}
		ask := []string{"COMMAND", "INFO", row.Name}
		theirs := strings.Join(strings.SplitN(keySpecs(c.do(ask...)), ";", 3)[:2], ";") // without its subcommands
		switch row.Name {
		case "EVAL", "EVALSHA": // the known scripts have one key; of others COMMAND cannot tell
			theirs = strings.Replace(theirs, "#0 #0 #0", "#3 #3 #1", 1)
		}
		if got := keySpecs(ours.do(ask...)); got != theirs {
			t.Errorf("%s: Redis %s, lateral %s", row.Name, theirs, got)
		}
	}
}

// The documentation's list of differences is that of the comparison.
func TestDifferencesInDocs(t *testing.T) {
	var b strings.Builder
	for _, d := range intended {
		fmt.Fprintf(&b, "- %s%s.\n", strings.ToUpper(d.what[:1]), d.what[1:])
	}
	for _, n := range notCompared {
		fmt.Fprintf(&b, "- Not compared: `%s`, which %s.\n", n.name, n.why)
	}
	resp.InDocs(t, "differences", b.String())
}
