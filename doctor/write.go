// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// The marks and their colours (ECMA-48 SGR).
var (
	marks   = [...]string{Ok: "✓", Warning: "!", Failure: "✗"}
	colours = [...]string{Ok: "32", Warning: "33", Failure: "31"}
)

// Write prints the report for people: a line for each finding, under it the
// reason, the remedy and the details, then the sum. Colours are used where
// told; the caller knows about terminals and NO_COLOR.
func (r Report) Write(w io.Writer, color bool) error {
	b := bufio.NewWriter(w)
	width := 0
	for _, f := range r.Findings {
		if f.Because == "" {
			width = max(width, len(f.Check))
		}
	}
	for _, f := range r.Findings {
		if f.Because == "" {
			f.write(b, width, color)
		}
	}
	fmt.Fprintf(b, "%s, %s, %d ok", plural(r.Count(Failure), "failure"), plural(r.Count(Warning), "warning"), r.Count(Ok))
	if n := r.Hidden(); n > 0 {
		fmt.Fprintf(b, "; %s of these not shown", plural(n, "consequence"))
	}
	fmt.Fprintln(b)
	return b.Flush()
}

// write prints one finding:
//
//	✗ multicast-route  no route to 224.0.0.1
//	                   why: …
//	                   run: a command that mends it
//	                   do:  …
func (f Finding) write(b *bufio.Writer, width int, color bool) {
	mark, on, off := "?", "", ""
	if f.Severity >= Ok && f.Severity <= Failure {
		mark = marks[f.Severity]
		if color {
			on, off = "\x1b["+colours[f.Severity]+"m", "\x1b[0m"
		}
	}
	margin := strings.Repeat(" ", width+4)
	fmt.Fprintf(b, "%s%s%s %-*s  %s\n", on, mark, off, width, f.Check, indent(f.Saw, margin))
	if f.Why != "" {
		fmt.Fprintf(b, "%swhy: %s\n", margin, indent(f.Why, margin+"     "))
	}
	for _, line := range f.Run {
		fmt.Fprintf(b, "%srun: %s\n", margin, indent(line, margin+"     "))
	}
	if f.Do != "" {
		fmt.Fprintf(b, "%sdo:  %s\n", margin, indent(f.Do, margin+"     "))
	}
	for _, d := range f.Details {
		fmt.Fprintf(b, "%s%s\n", margin, indent(d, margin))
	}
}

// indent puts a margin before every line but the first. What a finding quotes
// may come from a file or a peer, so control characters are taken out: they
// could repaint the terminal.
func indent(text, margin string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' || r >= 0x7f && r <= 0x9f {
			return '?'
		}
		return r
	}, text)
	return strings.ReplaceAll(text, "\n", "\n"+margin)
}

// plural prints a number of things.
func plural(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
