// SPDX-License-Identifier: Apache-2.0

// Package plot writes the two kinds of picture that measurements need, bars and
// lines, as SVG without scripts and without anything to be fetched: they are
// read in a browser, in a repository's page and in an HTML file that was mailed.
package plot

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
)

// A Bar is one figure. Labels come from outside and are escaped.
type Bar struct {
	Label string
	Value float64 // infinite or NaN: no bar, only the Note
	Note  string  // in place of the value's text
	Ours  bool    // painted in the other colour
}

// Bars is a chart of horizontal bars, one per line.
type Bars struct {
	Title string
	Unit  string
	Log   bool // the axis is logarithmic: for what differs by thousands
	Bars  []Bar
}

// Sizes are in pixels; the text is 12 high.
const (
	width    = 720
	lineHigh = 22
	labelEnd = 230
	barEnd   = 600
	top      = 44
)

const (
	ours, theirs = "#0b6e4f", "#8a97a6"
	ink, faint   = "#1c2530", "#5b6673"
)

// head begins a picture on a white ground, for pages that are dark.
func head(b *strings.Builder, title string, height int) {
	fmt.Fprintf(b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="sans-serif" font-size="12">`+"\n", width, height, width, height)
	fmt.Fprintf(b, "<title>%s</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n", html.EscapeString(title))
	text(b, 12, 22, "start", ink, `font-size="14" font-weight="bold"`, title)
}

func text(b *strings.Builder, x, y float64, anchor, fill, more, s string) {
	fmt.Fprintf(b, `<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s" %s>%s</text>`+"\n", x, y, anchor, fill, more, html.EscapeString(s))
}

// SVG returns the picture.
func (c *Bars) SVG() string {
	var b strings.Builder
	title := c.Title
	if c.Unit != "" {
		title += ", " + c.Unit
	}
	if c.Log {
		title += " (logarithmic)"
	}
	head(&b, title, top+lineHigh*len(c.Bars)+10)
	lo, hi := c.span()
	for i, bar := range c.Bars {
		y := float64(top + lineHigh*i)
		fill := theirs
		if bar.Ours {
			fill = ours
		}
		text(&b, labelEnd-8, y+14, "end", ink, "", bar.Label)
		w := c.length(bar.Value, lo, hi) * (barEnd - labelEnd)
		if w > 0 {
			fmt.Fprintf(&b, `<rect x="%d" y="%.1f" width="%.1f" height="%d" fill="%s"/>`+"\n", labelEnd, y+2, w, lineHigh-6, fill)
		}
		note := bar.Note
		if note == "" {
			note = Number(bar.Value)
		}
		text(&b, labelEnd+w+6, y+14, "start", ink, "", note)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

// finite reports whether a value can be drawn.
func finite(v float64) bool { return !math.IsInf(v, 0) && !math.IsNaN(v) }

// span is the least and the largest value that is drawn.
func (c *Bars) span() (lo, hi float64) {
	lo = math.Inf(1)
	for _, bar := range c.Bars {
		if finite(bar.Value) && bar.Value > 0 {
			lo, hi = min(lo, bar.Value), max(hi, bar.Value)
		}
	}
	return lo, hi
}

// length is the share of the axis that a value takes. The shortest bar of a
// logarithmic axis is a tenth of a decade, so that it is seen.
func (c *Bars) length(v, lo, hi float64) float64 {
	switch {
	case !finite(v) || v <= 0 || hi <= 0:
		return 0
	case !c.Log:
		return v / hi
	}
	from := math.Log10(lo) - 0.1
	return (math.Log10(v) - from) / (math.Log10(hi) - from)
}

// Number writes a figure for people: three digits that count, and the words for
// what is none.
func Number(v float64) string {
	switch a := math.Abs(v); {
	case math.IsNaN(v):
		return "–"
	case math.IsInf(v, 0):
		return "never"
	case a >= 1e6:
		return strconv.FormatFloat(v/1e6, 'f', 2, 64) + " M"
	case a >= 1e4:
		return strconv.FormatFloat(v/1e3, 'f', 1, 64) + " k"
	case a >= 100 || v == math.Trunc(v):
		return strconv.FormatFloat(v, 'f', 0, 64)
	case a >= 1:
		return strconv.FormatFloat(v, 'f', 1, 64)
	}
	return strconv.FormatFloat(v, 'g', 2, 64)
}
