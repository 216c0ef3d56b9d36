// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"html"
	"strings"

	"lateral/internal/plot"
)

// benchRow is a figure in words, for the text and for the page.
type benchRow struct{ part, what, is string }

// rows are all figures of a report.
func (r *benchReport) rows() (rows []benchRow) {
	add := func(part, what, format string, args ...any) {
		rows = append(rows, benchRow{part, what, fmt.Sprintf(format, args...)})
	}
	if t := r.Throughput; t != nil {
		add("throughput", "puts returned", "%s per second (%d in %.2f s)", plot.Number(t.Rate), t.Puts, t.Seconds)
		switch {
		case len(r.Services) == 1:
			add("throughput", "at the other services", "there is none on this host")
		case t.Lost > 0:
			add("throughput", "keys without their last put", "%d of %d", t.Lost, t.Keys)
		case t.Arrived > 0:
			add("throughput", "at all other services", "%s per second, %.1f ms after the last put", plot.Number(t.Arrived), 1000*t.Behind)
			add("throughput", "keys without their last put", "none of %d", t.Keys)
		}
	}
	if t := r.Propagation; t != nil {
		for _, x := range []struct {
			what string
			p    percentiles
		}{{"put returns", t.Put}, {"first other service", t.First}, {"all " + counted(t.Peers, "other service"), t.All}} {
			if x.p.N > 0 {
				add("propagation", x.what, "p50 %.2f ms, p90 %.2f ms, p99 %.2f ms, max %.2f ms (%d puts)", x.p.P50, x.p.P90, x.p.P99, x.p.Max, x.p.N)
			}
		}
		if t.Late > 0 {
			add("propagation", "not seen within "+reachTime.String(), "%d puts", t.Late)
		}
	}
	if t := r.Recovery; t != nil {
		add("recovery", "kill -9 noticed", "after %.1f ms", 1000*t.Noticed)
		add("recovery", "mesh complete again", "%.0f ms after its new start", 1000*t.Complete)
		if t.Whole > 0 {
			add("recovery", fmt.Sprintf("holds all %d elements", t.Elements), "%.0f ms after its new start", 1000*t.Whole)
		} else {
			add("recovery", fmt.Sprintf("of %d elements", t.Elements), "%d were missing", t.Missing)
		}
	}
	for _, t := range r.Failover {
		must := "; it may lose some"
		if t.Must {
			must = ""
		}
		add("failover", "with acks "+t.Acks, "%d of %d acknowledged puts lost (%s per second)%s", t.Lost, t.Acknowledged, plot.Number(t.Rate), must)
	}
	return rows
}

func (r *benchReport) about() []string {
	whose := "running services"
	if r.Own {
		whose = "a cluster of its own on loopback"
	}
	return []string{"machine: " + r.Machine + ", " + r.Began.Format("2006-01-02 15:04 UTC"),
		fmt.Sprintf("cluster: %s: %s; region %s (%s), values of %d bytes, %d keys, %d writers at %s", whose, strings.Join(r.Services, ", "), r.Region, r.Mode, r.Size, r.Keys, r.Writers, r.Services[0])}
}

// bench prints a report for people.
func (s *screen) bench(r *benchReport) {
	for _, line := range r.about() {
		s.printf("%s\n", s.paint(faint, line))
	}
	s.printf("\n")
	t := &table{}
	last := ""
	for _, row := range r.rows() {
		part := cell{row.part, bold}
		if row.part == last {
			part.text = " "
		}
		last = row.part
		t.add(part, row.what, row.is)
	}
	s.table("", t)
	for _, l := range r.Left {
		s.printf("%s %s\n", s.paint(yellow, "left out:"), l)
	}
	if !r.OK && !r.Interrupted {
		s.printf("%s\n", s.paint(red, "something was lost that must not be"))
	}
}

// page is a report as one HTML file: no scripts, nothing to be fetched.
func (r *benchReport) page() string {
	var b strings.Builder
	b.WriteString(`<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width">
<title>lateral bench</title>
<style>body{font:16px/1.5 sans-serif;max-width:46rem;margin:2rem auto;padding:0 1rem;color:#1c2530;background:#fff}
table{border-collapse:collapse;width:100%}td,th{padding:.3rem .6rem;border-bottom:1px solid #d5dae0;text-align:left;vertical-align:top}svg{max-width:100%;height:auto;margin:1rem 0}</style>
<h1>lateral bench</h1>
`)
	for _, line := range r.about() {
		fmt.Fprintf(&b, "<p>%s</p>\n", html.EscapeString(line))
	}
	b.WriteString("<table>\n<tr><th>part<th>what<th>measured\n")
	for _, row := range r.rows() {
		fmt.Fprintf(&b, "<tr><td>%s<td>%s<td>%s\n", html.EscapeString(row.part), html.EscapeString(row.what), html.EscapeString(row.is))
	}
	b.WriteString("</table>\n")
	for _, l := range r.Left {
		fmt.Fprintf(&b, "<p>Left out: %s</p>\n", html.EscapeString(l))
	}
	for _, svg := range r.plots() {
		b.WriteString(svg)
	}
	b.WriteString("</html>\n")
	return b.String()
}

func (r *benchReport) plots() (out []string) {
	if t := r.Throughput; t != nil {
		c := plot.Lines{Title: "Puts per second while it was measured", X: "s", Y: "puts/s", Series: []plot.Series{{Name: "returned at " + r.Services[0]}}}
		for i, v := range t.PerSlice {
			c.Series[0].Points = append(c.Series[0].Points, plot.Point{X: (float64(i) + 0.5) * t.SliceTime, Y: v})
		}
		out = append(out, c.SVG())
	}
	if t := r.Propagation; t != nil {
		c := plot.Lines{Title: "Propagation of one put", X: "percent of the puts are there within", Y: "ms, logarithmic", Log: true}
		for _, x := range []struct {
			name string
			p    percentiles
		}{{"put returns", t.Put}, {"first service", t.First}, {"all services", t.All}} {
			s := plot.Series{Name: x.name}
			for percent, v := range x.p.Line {
				s.Points = append(s.Points, plot.Point{X: float64(percent), Y: v})
			}
			c.Series = append(c.Series, s)
		}
		out = append(out, c.SVG())
	}
	if t := r.Recovery; t != nil {
		out = append(out, (&plot.Bars{Title: "Kill and return of a service", Unit: "ms", Log: true, Bars: []plot.Bar{
			{Label: "kill noticed", Value: 1000 * t.Noticed, Ours: true}, {Label: "mesh complete", Value: 1000 * t.Complete, Ours: true},
			{Label: "holds everything", Value: 1000 * t.Whole, Ours: true}}}).SVG())
	}
	if len(r.Failover) > 0 {
		c := plot.Bars{Title: "Acknowledged puts that a kill -9 lost", Unit: "puts"}
		for _, t := range r.Failover {
			c.Bars = append(c.Bars, plot.Bar{Label: "acks " + t.Acks, Value: float64(t.Lost), Note: fmt.Sprintf("%d of %d", t.Lost, t.Acknowledged), Ours: t.Must})
		}
		out = append(out, c.SVG())
	}
	return out
}
