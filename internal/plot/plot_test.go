// SPDX-License-Identifier: Apache-2.0

package plot

import (
	"encoding/xml"
	"io"
	"math"
	"strings"
	"testing"
)

// wellFormed reads all of it: what a browser would refuse fails.
func wellFormed(t *testing.T, svg string) {
	t.Helper()
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%v\n%s", err, svg)
		}
		if s, ok := tok.(xml.StartElement); ok && (s.Name.Local == "script" || s.Name.Local == "image" || s.Name.Local == "use") {
			t.Fatalf("<%s> may run or fetch something", s.Name.Local)
		}
	}
}

func TestBars(t *testing.T) {
	c := Bars{Title: "a < b & c", Unit: "µs", Log: true, Bars: []Bar{
		{Label: `"x" <y>`, Value: 1}, {Label: "ours", Value: 1000, Ours: true},
		{Label: "gone", Value: math.Inf(1)}, {Label: "none", Value: math.NaN(), Note: "not offered"}, {Label: "zero"}}}
	got := c.SVG()
	wellFormed(t, got)
	for _, want := range []string{"a &lt; b &amp; c, µs (logarithmic)", "never", "not offered", ours} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	// What has no length has no bar: the ground, and two.
	if n := strings.Count(got, "<rect"); n != 3 {
		t.Errorf("%d rectangles, want 3", n)
	}
	lo, hi := c.span()
	if a, b := c.length(1, lo, hi), c.length(1000, lo, hi); a <= 0 || a > 0.1 || b != 1 {
		t.Errorf("lengths %v and %v", a, b)
	}
	empty := Bars{Title: "none"}
	wellFormed(t, empty.SVG())
}

func TestLines(t *testing.T) {
	c := Lines{Title: "t", X: "s", Y: "ms", Log: true, Series: []Series{
		{Name: "a", Points: []Point{{0, 1}, {1, 10}, {2, 100}, {3, 0}, {4, math.NaN()}}}, {Name: "nothing"}}}
	got := c.SVG()
	wellFormed(t, got)
	if !strings.Contains(got, "M76.0 250.0L388.0 150.0L700.0 50.0\"") {
		t.Errorf("three points in a straight line are missing in\n%s", got)
	}
	if strings.Contains(got, "NaN") || strings.Contains(got, "Inf") {
		t.Error(got)
	}
	for _, c := range []Lines{{}, {Series: []Series{{Points: []Point{{5, 5}}}}}} {
		got := c.SVG()
		wellFormed(t, got)
		if strings.Contains(got, "NaN") || strings.Contains(got, "Inf") {
			t.Error(got)
		}
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 7: "7", 0.25: "0.25", 3.14159: "3.1", 123.4: "123", 9999: "9999", 12345: "12.3 k", 2.5e6: "2.50 M", math.Inf(1): "never"} {
		if got := Number(v); got != want {
			t.Errorf("%v is %q, want %q", v, got, want)
		}
	}
}
