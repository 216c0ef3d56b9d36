// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"lateral/cache"
)

// A frame is how a look is drawn.
type frame struct {
	by            column
	colours       bool
	width, height int // of the window; 0: there is no end to it
	keys          bool
}

// draw returns the lines of a look, no wider and no more than there is room for.
func (f *frame) draw(now, before *look) []byte {
	var b bytes.Buffer
	s := &screen{Writer: &b, colours: f.colours, width: f.width}
	f.summary(s, now)
	s.printf("\n")
	rows := rowsOf(now, before)
	f.by.order(rows)
	f.regions(s, rows)
	if t := f.links(now); len(t.rows) > 0 {
		s.printf("\n")
		s.table("", f.fit(t, linkRanks))
	}
	if t := f.disputes(now); len(t.rows) > 0 {
		s.printf("\n")
		s.table("", f.fit(t, disputeRanks))
	}
	if f.keys {
		s.printf("\n%s\n", s.paint(faint, f.cut(keyHelp())))
	}
	return f.crop(s, b.Bytes())
}

// summary says in a line or two how it is.
func (f *frame) summary(s *screen, now *look) {
	var at time.Time
	var unready []string
	for _, n := range now.nodes {
		at = n.Now
		if len(n.Unready()) > 0 {
			unready = append(unready, n.Service)
		}
	}
	if len(now.nodes) == 0 {
		s.printf("%s\n", s.paint(red, f.cut("no service answers")))
		return
	}
	r := meshReport{MeshStatus: now.mesh}
	c := green
	text := fmt.Sprintf("%s  services here: %d, %s", at.Format("15:04:05"), len(now.nodes), r.summary())
	if len(now.silent) > 0 {
		text += ", silent: " + strings.Join(now.silent, ", ")
	}
	if len(unready) > 0 {
		text += ", not ready: " + strings.Join(unready, ", ")
		c = yellow
	}
	if !now.mesh.Complete || len(now.silent) > 0 {
		c = red
	}
	s.printf("%s\n", s.paint(c, f.cut(text)))
}

func (f *frame) regions(s *screen, rows []topRow) {
	t := &table{right: map[int]bool{}}
	var ranks []int
	for i, c := range columns {
		head := c.head
		if c.name == f.by.name {
			head = "▾" + head
		}
		t.head = append(t.head, head)
		t.right[i] = c.right
		rank := c.rank
		if c.name == f.by.name {
			rank = 0
		}
		ranks = append(ranks, rank)
	}
	for i := range rows {
		var cells []any
		for _, c := range columns {
			x := cell{text: c.text(&rows[i])}
			if c.name == "region" && !rows[i].now.Ready {
				x.color = yellow
			}
			cells = append(cells, x)
		}
		t.add(cells...)
	}
	s.table("", f.fit(t, ranks))
}

// linkRanks are like column.rank.
var linkRanks = []int{2, 0, 0, 3, 1, 4}

func (f *frame) links(now *look) *table {
	t := &table{head: []string{"service", "peer", "lag", "behind", "takes (p50, p99, max)", "clock skew"}}
	for _, n := range now.nodes {
		for _, e := range n.Endpoints {
			for _, l := range e.Links {
				lag := cell{text: lagText(l.Lag)}
				if l.Lag.Millis > 1000 && l.Lag.Changes > 0 {
					lag.color = yellow
				}
				t.add(n.Service, printable(partyName(l.To)), lag, behindText(l), travelText(l.Travel.Minute), skewText(l))
			}
		}
	}
	return t
}

func skewText(l cache.LinkStatus) string {
	if l.Protocol != "mesh" {
		return ""
	}
	return l.Skew.Round(time.Millisecond).String()
}

// fit leaves columns out until the table is no wider than the window, and then
// shortens texts.
func (f *frame) fit(t *table, ranks []int) *table {
	if f.width <= 0 {
		return t
	}
	for {
		over := t.width() - f.width
		if over <= 0 {
			return t
		}
		last := slices.Index(ranks, slices.Max(ranks))
		if ranks[last] == 0 {
			t.narrow(over)
			return t
		}
		t.drop(last)
		ranks = slices.Delete(slices.Clone(ranks), last, last+1)
	}
}

// width is that of the widest line.
func (t *table) width() int {
	sum := 0
	for i := range t.head {
		sum += t.columnWidth(i) + 2
	}
	return sum - 2
}

func (t *table) columnWidth(i int) int {
	w := utf8.RuneCountInString(t.head[i])
	for _, r := range t.rows {
		w = max(w, utf8.RuneCountInString(r[i].text))
	}
	return w
}

// drop leaves a column out.
func (t *table) drop(i int) {
	right := map[int]bool{}
	for j, on := range t.right {
		switch {
		case j < i:
			right[j] = on
		case j > i:
			right[j-1] = on
		}
	}
	t.right, t.head = right, slices.Delete(t.head, i, i+1)
	for j := range t.rows {
		t.rows[j] = slices.Delete(t.rows[j], i, i+1)
	}
}

// narrow shortens the widest column by so much, as far as that goes.
func (t *table) narrow(over int) {
	widest := 0
	for i := range t.head {
		if t.columnWidth(i) > t.columnWidth(widest) {
			widest = i
		}
	}
	room := max(t.columnWidth(widest)-over, 1)
	t.head[widest] = shorten(t.head[widest], room)
	for _, r := range t.rows {
		r[widest].text = shorten(r[widest].text, room)
	}
}

// printable keeps what others have named from moving the cursor.
func printable(name string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return '�'
		}
		return r
	}, name)
}

// shorten cuts a text to so many characters, the last of which says so.
func shorten(text string, room int) string {
	if utf8.RuneCountInString(text) <= room {
		return text
	}
	return string([]rune(text)[:room-1]) + "…"
}

func (f *frame) cut(text string) string {
	if f.width <= 0 {
		return text
	}
	return shorten(text, max(f.width, 1))
}

// crop leaves out the lines for which the window is too low, and says so.
func (f *frame) crop(s *screen, text []byte) []byte {
	lines := bytes.SplitAfter(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
	if f.height <= 1 || len(lines) <= f.height {
		return text
	}
	more := f.cut(fmt.Sprintf("… %d more lines", len(lines)-f.height+1))
	return append(bytes.Join(lines[:f.height-1], nil), s.paint(faint, more)+"\n"...)
}

// keyHelp marks the key of each column in its name.
func keyHelp() string {
	var b strings.Builder
	b.WriteString("sort:")
	for _, c := range columns {
		switch i := strings.IndexByte(c.name, c.key); {
		case c.key == 0:
		case i < 0:
			fmt.Fprintf(&b, " [%c] %s", c.key, c.name)
		default:
			fmt.Fprintf(&b, " %s[%c]%s", c.name[:i], c.key, c.name[i+1:])
		}
	}
	return b.String() + "  [q]uit"
}
