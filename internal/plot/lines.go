// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"fmt"
	"math"
	"strings"
)

// A Point is one of a line, in order of X.
type Point struct{ X, Y float64 }

// A Series is one line.
type Series struct {
	Name   string
	Points []Point
}

// Lines is a chart of lines over a common axis. What is not finite is left out.
type Lines struct {
	Title, X, Y string // names with units
	Log         bool   // the Y axis is logarithmic; what is not above 0 is left out
	Series      []Series
}

// colours are told apart by those who see no red or green, too.
var colours = []string{"#0b6e4f", "#c1440e", "#3a5fa8", "#8a6d00", "#7a3b8f", "#5b6673"}

const (
	left, right = 76, 700
	low, high   = 50, 250 // of the Y axis, which grows upwards
)

// SVG returns the picture.
func (c *Lines) SVG() string {
	var b strings.Builder
	head(&b, c.Title, high+44+18*((len(c.Series)+2)/3))
	box := c.box()
	fmt.Fprintf(&b, `<path d="M%d %dV%dH%d" fill="none" stroke="%s"/>`+"\n", left, low, high, right, faint)
	for i := range 5 {
		share := float64(i) / 4
		y := high - share*(high-low)
		fmt.Fprintf(&b, `<path d="M%d %.1fH%d" stroke="#e3e7eb"/>`+"\n", left, y, right)
		text(&b, left-6, y+4, "end", faint, "", Number(box.value(share)))
		text(&b, left+share*(right-left), high+16, "middle", faint, "", Number(box.x0+share*(box.x1-box.x0)))
	}
	text(&b, left, low-4, "start", faint, "", c.Y)
	text(&b, right, high+32, "end", faint, "", c.X)
	for i, s := range c.Series {
		colour := colours[i%len(colours)]
		var path strings.Builder
		for _, p := range s.Points {
			if x, y, ok := box.place(p); ok {
				fmt.Fprintf(&path, "%s%.1f %.1f", step(path.Len() == 0), x, y)
			}
		}
		if path.Len() > 0 {
			fmt.Fprintf(&b, `<path d="%s" fill="none" stroke="%s" stroke-width="2"/>`+"\n", path.String(), colour)
		}
		x, y := float64(left+210*(i%3)), float64(high+50+18*(i/3))
		fmt.Fprintf(&b, `<rect x="%.1f" y="%.1f" width="12" height="4" fill="%s"/>`+"\n", x, y-6, colour)
		text(&b, x+18, y, "start", ink, "", s.Name)
	}
	b.WriteString("</svg>\n")
	return b.String()
}

func step(first bool) string {
	if first {
		return "M"
	}
	return "L"
}

// A box is what of the plane is drawn.
type box struct {
	x0, x1, y0, y1 float64 // y as drawn: its logarithm if log
	log            bool
}

func (c *Lines) box() box {
	v := box{x0: math.Inf(1), x1: math.Inf(-1), y1: math.Inf(-1), log: c.Log}
	if c.Log {
		v.y0 = math.Inf(1)
	}
	for _, s := range c.Series {
		for _, p := range s.Points {
			y, ok := v.drawn(p.Y)
			if !ok || !finite(p.X) {
				continue
			}
			v.x0, v.x1 = min(v.x0, p.X), max(v.x1, p.X)
			v.y0, v.y1 = min(v.y0, y), max(v.y1, y)
		}
	}
	if !finite(v.x0) || !finite(v.y1) { // nothing to draw
		return box{x1: 1, y1: 1}
	}
	if v.x0 == v.x1 {
		v.x1++
	}
	if v.y0 == v.y1 {
		v.y1++
	}
	return v
}

func (v box) drawn(y float64) (float64, bool) {
	if v.log {
		return math.Log10(y), finite(y) && y > 0
	}
	return y, finite(y)
}

func (v box) place(p Point) (x, y float64, ok bool) {
	at, ok := v.drawn(p.Y)
	if !ok || !finite(p.X) {
		return 0, 0, false
	}
	return left + (p.X-v.x0)/(v.x1-v.x0)*(right-left), high - (at-v.y0)/(v.y1-v.y0)*(high-low), true
}

// value is what the axis says at a share of its length.
func (v box) value(share float64) float64 {
	y := v.y0 + share*(v.y1-v.y0)
	if v.log {
		return math.Pow(10, y)
	}
	return y
}
