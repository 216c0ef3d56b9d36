// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"lateral/internal/lab"
)

// TestManual: mandoc finds nothing to say about the page, and everything is in it.
func TestManual(t *testing.T) {
	t.Parallel()
	m := newParser(&commands{}).Model
	text := manual(m, time.Unix(1_795_000_000, 0).UTC())
	if !strings.HasPrefix(text, ".TH LATERAL 1 2026-11-18 ") {
		t.Errorf("begins with %.60q", text)
	}
	if _, err := exec.LookPath("mandoc"); err != nil {
		lab.Missing(t, "man", "needs mandoc")
	}
	mandoc := func(args ...string) string {
		c := exec.CommandContext(t.Context(), "mandoc", args...)
		c.Stdin = strings.NewReader(text)
		out, err := c.CombinedOutput()
		if err != nil {
			t.Errorf("mandoc %v: %v\n%s", args, err, out)
		}
		return string(out)
	}
	mandoc("-T", "lint", "-W", "warning")
	shown := mandoc("-T", "ascii", "-O", "width=400")
	shown = regexp.MustCompile(".\b").ReplaceAllString(shown, "") // bold and underlined
	shown = strings.Join(strings.Fields(shown), " ")
	has := func(what string) {
		if what = strings.Join(strings.Fields(strings.ReplaceAll(strings.ReplaceAll(what, "…", "..."), "–", "-")), " "); !strings.Contains(shown, what) {
			t.Errorf("the page does not show %q", what)
		}
	}
	for _, c := range m.Leaves(true) {
		has("lateral " + c.Summary() + " " + c.Help)
		has(c.Detail)
		for _, f := range c.Flags {
			has(f.String() + " " + f.Help)
		}
	}
	if strings.Contains(shown, "lateral complete --") {
		t.Error("the page shows a hidden command")
	}
}

// TestExamples: every command has examples of itself, and each can be parsed.
func TestExamples(t *testing.T) {
	t.Parallel()
	for _, c := range newParser(&commands{}).Model.Leaves(true) {
		_, list, ok := strings.Cut(c.Detail, "Examples:\n\n")
		if !ok {
			t.Errorf("lateral %s: no examples", c.Path())
			continue
		}
		own := false
		for line := range strings.SplitSeq(list, "\n") {
			line, _, _ = strings.Cut(strings.TrimSpace(line), "   ") // a remark
			words := split(line)
			if len(words) == 0 || words[0] != "lateral" {
				t.Errorf("lateral %s: %q is no example", c.Path(), line)
				continue
			}
			own = own || strings.HasPrefix(line+" ", "lateral "+c.Path()+" ")
			parser := newParser(&commands{})
			kong.Exit(func(int) { t.Errorf("%s: ends at once", line) }).Apply(parser)
			if _, err := parser.Parse(words[1:]); err != nil {
				t.Errorf("%s: %v", line, err)
			}
		}
		if !own {
			t.Errorf("lateral %s: no example of it", c.Path())
		}
	}
}

// split makes words of a line as a shell does, up to what goes to another program.
func split(line string) (words []string) {
	for _, w := range regexp.MustCompile(`'[^']*'|"[^"]*"|[^ ]+`).FindAllString(line, -1) {
		if strings.ContainsAny(w[:1], "|<>&") {
			break
		}
		words = append(words, strings.Trim(w, `'"`))
	}
	return words
}
