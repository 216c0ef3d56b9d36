// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"lateral/internal/plot"
)

var versionNumber = regexp.MustCompile(`\d+\.\d+[.\d]*`)

// version is the number in what a program says of itself, "?" if there is none.
func version(name string, args ...string) string {
	out, err := exec.Command(name, args...).CombinedOutput()
	if n := versionNumber.Find(out); err == nil && n != nil {
		return string(n)
	}
	return "?"
}

// titles of the plots; a row's name alone does not say what it goes on from.
var titles = map[string]string{
	"all-100":  "1 writer, 100 bytes: puts that are at the other node, too",
	"all8-100": "8 writers, 100 bytes: puts that are at the other node, too",
	"fresh":    "From the put's begin until the other node is given it, median",
	"fresh99":  "From the put's begin until the other node is given it, 99 %",
	"stale":    "Puts after whose return the other node was still given the old value",
	"gets":     "Gets of what is in memory, one thread",
	"memory":   "Live memory per element of 100 bytes",
	"join":     "From a node's start until it has all elements",
	"heal":     "From the end of the partition until both agree",
	"diverged": "Keys that are different at the two nodes in the end",
	"acks":     "Acknowledged puts of one writer",
	"acklost":  "Acknowledged puts that the kill lost",
}

// again writes the page and the plots anew from the results of an earlier run.
func again() error {
	dir, err := moduleDir()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(filepath.Join(dir, "benchmarks/results/compare.json"))
	if err != nil {
		return err
	}
	var r report
	if err := json.Unmarshal(text, &r); err != nil {
		return fmt.Errorf("compare.json: %w", err)
	}
	return r.writeFiles(dir)
}

// markdown is the tables of the page, with its plots.
func (r *report) markdown() string {
	var b strings.Builder
	for _, line := range r.head() {
		b.WriteString("- " + line + "\n")
	}
	whole, part := r.kinds()
	drawn := r.plots()
	for _, s := range sections(r.Settings) {
		fmt.Fprintf(&b, "\n### %s\n\n%s\n", s.title, s.about)
		for _, es := range [][]*engine{whole, part} {
			if len(es) > 0 {
				b.WriteString("\n" + r.markdownTable(s, es))
			}
		}
		for _, w := range s.rows {
			if _, ok := drawn[w.plot]; ok {
				fmt.Fprintf(&b, "\n![%s](benchmarks/%s.svg)\n", titles[w.plot], w.plot)
			}
		}
	}
	b.WriteString("\n### Settings\n\nBeyond defaults, each system's documented best for the task:\n\n")
	for _, e := range append(whole, part...) {
		fmt.Fprintf(&b, "- **%s**: %s. Acknowledged means: %s.\n", e.name, e.about, e.says)
	}
	if len(r.Notes) > 0 {
		b.WriteString("\nNotes of the run:\n\n")
		for _, n := range r.Notes {
			fmt.Fprintf(&b, "- %s\n", strings.ReplaceAll(n, "|", "\\|"))
		}
	}
	return b.String() + "\n"
}

func (r *report) markdownTable(s section, es []*engine) string {
	var b strings.Builder
	b.WriteString("| | ")
	for _, e := range es {
		b.WriteString("| " + e.name + " ")
	}
	b.WriteString("|\n|---|---" + strings.Repeat("|---", len(es)) + "|\n")
	for _, w := range s.rows {
		fmt.Fprintf(&b, "| %s | %s ", w.name, w.unit)
		for _, e := range es {
			text := r.said(w, e)
			if q := r.ratio(w, e); w.ratio && finite(q) && q < 1 {
				text = "**" + text + "**" // where Lateral is behind
			}
			b.WriteString("| " + text + " ")
		}
		b.WriteString("|\n")
	}
	return b.String()
}

// plots are by the name of their file.
func (r *report) plots() map[string]string {
	out := map[string]string{}
	whole, part := r.kinds()
	for _, s := range sections(r.Settings) {
		for _, w := range s.rows {
			if w.plot == "" || len(r.Figures[w.id]) == 0 {
				continue
			}
			c := plot.Bars{Title: titles[w.plot], Unit: w.unit, Log: w.ratio || w.id == "heal"}
			for _, e := range append(whole, part...) {
				v := median(r.Figures[w.id][e.short])
				bar := plot.Bar{Label: e.name, Value: v, Ours: e.lateral()}
				if v != v {
					bar.Note = "not offered, or not measured"
				}
				c.Bars = append(c.Bars, bar)
			}
			out[w.plot] = c.SVG()
		}
	}
	return out
}
