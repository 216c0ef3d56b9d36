// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bufio"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"lateral/cache"
)

// WriteTable prints who hears and reaches whom: for each group its members with
// numbers, then a row for each, with a column for each other.
func WriteTable(w io.Writer, surveys []cache.Survey) error {
	b := bufio.NewWriter(w)
	for _, s := range surveys {
		g := newGroupView(s)
		fmt.Fprintf(b, "%s\n\n", tidy(g.where))
		g.list(b)
		if len(g.Members) < 2 {
			continue
		}
		if g.Group != "" {
			g.matrix(b, "multicast: the interface on which a column's member hears a row's", g.heardCell)
		}
		g.matrix(b, "TCP: whether a row's member can connect to a column's", g.dialCell)
		g.matrix(b, "clocks: how far a row's member sees that of a column's ahead of its own", g.clockCell)
	}
	return b.Flush()
}

// list prints the members.
func (g *groupView) list(b *bufio.Writer) {
	width := 0
	for i := range g.Members {
		width = max(width, utf8.RuneCountInString(tidy(label(&g.Members[i]))))
	}
	for i := range g.Members {
		m := &g.Members[i]
		addr := g.addrOf(m)
		if p := g.portOf(m); p != "" && addr != "" {
			addr += " port " + p
		}
		note := ""
		switch {
		case m.Asked == "":
			note = "not asked: " + m.Why
		case m.Asked != "self" && m.Asked != "link":
			note = "asked by way of " + m.Asked
		}
		fmt.Fprintln(b, strings.TrimRight(fmt.Sprintf("%3d  %s%s  %s  %s", i+1, tidy(label(m)), strings.Repeat(" ", width-utf8.RuneCountInString(tidy(label(m)))), tidy(addr), tidy(note)), " "))
	}
	fmt.Fprintln(b)
}

// matrix prints a cell for each pair.
func (g *groupView) matrix(b *bufio.Writer, title string, cell func(row, column *cache.Surveyed) string) {
	cells := make([][]string, len(g.Members))
	width := 3
	for i := range g.Members {
		for j := range g.Members {
			c := "·"
			if i != j {
				c = tidy(cell(&g.Members[i], &g.Members[j]))
			}
			cells[i] = append(cells[i], c)
			width = max(width, utf8.RuneCountInString(c))
		}
	}
	fmt.Fprintf(b, "%s\n   ", title)
	for j := range g.Members {
		fmt.Fprintf(b, " %*d", width, j+1)
	}
	fmt.Fprintln(b)
	for i, row := range cells {
		fmt.Fprintf(b, "%3d", i+1)
		for _, c := range row {
			fmt.Fprintf(b, " %s%s", strings.Repeat(" ", width-utf8.RuneCountInString(c)), c)
		}
		fmt.Fprintln(b)
	}
	fmt.Fprintln(b)
}

func (g *groupView) heardCell(from, to *cache.Surveyed) string {
	on, known := g.hears(to, from)
	switch {
	case len(on) > 0:
		return strings.Join(on, ",")
	case known:
		return "NO"
	}
	return "?"
}

func (g *groupView) dialCell(from, to *cache.Surveyed) string {
	up, down := reaches(from, to)
	switch {
	case up != nil && down != nil:
		return "part"
	case up != nil:
		return "ok"
	case down != nil:
		return "NO"
	case from.Asked != "" && to.Asked != "" && !to.Receive:
		return "-" // it does not listen
	}
	return "?"
}

// tidy makes a text fit for one line of a terminal.
func tidy(text string) string { return strings.ReplaceAll(indent(text, ""), "\n", " ") }
