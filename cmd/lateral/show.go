// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"golang.org/x/term"
)

// A screen is where output goes: a terminal, or something that must not be
// given colours and moving lines.
type screen struct {
	io.Writer
	terminal bool
	colours  bool
	width    int // columns; 0 if it is no terminal
}

func newScreen(f *os.File) *screen {
	s := &screen{Writer: f, terminal: term.IsTerminal(int(f.Fd()))}
	if s.terminal {
		s.width, _, _ = term.GetSize(int(f.Fd()))
	}
	// https://no-color.org: any value but the empty one.
	s.colours = s.terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"
	return s
}

// A color is a number of ECMA-48's Select Graphic Rendition.
type color int

const (
	plain  color = 0
	bold   color = 1
	faint  color = 2
	red    color = 31
	green  color = 32
	yellow color = 33
)

func (s *screen) paint(c color, text string) string {
	if !s.colours || c == plain || text == "" {
		return text
	}
	return fmt.Sprintf("\x1b[%dm%s\x1b[0m", c, text)
}

func (s *screen) printf(format string, args ...any) { fmt.Fprintf(s, format, args...) }

// json prints a value for programs.
func (s *screen) json(v any) error {
	enc := json.NewEncoder(s)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}

// A table is rows whose columns align. Cells are painted after they are
// measured.
type table struct {
	head  []string // may be left out
	rows  [][]cell
	right map[int]bool // columns of numbers
}

type cell struct {
	text  string
	color color
}

func (t *table) add(cells ...any) {
	row := make([]cell, len(cells))
	for i, c := range cells {
		switch c := c.(type) {
		case cell:
			row[i] = c
		default:
			row[i] = cell{text: fmt.Sprint(c)}
		}
		if row[i].text == "" {
			row[i].text = "-"
		}
	}
	t.rows = append(t.rows, row)
}

func (t *table) columns() int {
	if len(t.head) == 0 && len(t.rows) > 0 {
		return len(t.rows[0])
	}
	return len(t.head)
}

// table prints the table, indented.
func (s *screen) table(indent string, t *table) {
	widths := make([]int, t.columns())
	measure := func(i int, text string) { widths[i] = max(widths[i], utf8.RuneCountInString(text)) }
	head := make([]cell, len(t.head))
	for i, h := range t.head {
		measure(i, h)
		head[i] = cell{h, faint}
	}
	for _, row := range t.rows {
		for i, c := range row {
			measure(i, c.text)
		}
	}
	rows := t.rows
	if len(head) > 0 {
		rows = append([][]cell{head}, rows...)
	}
	for _, row := range rows {
		var b strings.Builder
		b.WriteString(indent)
		for i, c := range row {
			pad := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c.text))
			switch {
			case t.right[i]:
				b.WriteString(pad + s.paint(c.color, c.text))
			case i == len(row)-1:
				b.WriteString(s.paint(c.color, c.text))
			default:
				b.WriteString(s.paint(c.color, c.text) + pad)
			}
			if i < len(row)-1 {
				b.WriteString("  ")
			}
		}
		s.printf("%s\n", strings.TrimRight(b.String(), " "))
	}
}

// progress shows a state that changes: on a terminal in one line, elsewhere a
// line each time it is different.
type progress struct {
	*screen
	last string
}

func (p *progress) say(text string) {
	if text == p.last {
		return
	}
	p.last = text
	if !p.terminal {
		p.printf("%s\n", text)
		return
	}
	if p.width > 1 && utf8.RuneCountInString(text) >= p.width {
		text = string([]rune(text)[:p.width-2]) + "…"
	}
	p.printf("\r\x1b[K%s", text)
}

// end takes the line away.
func (p *progress) end() {
	if p.terminal && p.last != "" {
		p.printf("\r\x1b[K")
	}
}

// bytes prints a number of bytes for people.
func bytesText(n int64) string {
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	f, units := float64(n), "KMGT"
	for f /= 1024; f >= 1024 && len(units) > 1; f /= 1024 {
		units = units[1:]
	}
	return fmt.Sprintf("%.1f %ciB", f, units[0])
}
