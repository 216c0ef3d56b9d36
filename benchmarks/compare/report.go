// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"

	"lateral/internal/plot"
)

// A cell is one figure of one round. JSON has no infinity: it says "never"; what
// is not offered is null.
type cell float64

// MarshalJSON writes a number, "never" or null.
func (c cell) MarshalJSON() ([]byte, error) {
	switch v := float64(c); {
	case math.IsNaN(v):
		return []byte("null"), nil
	case math.IsInf(v, 0):
		return []byte(`"never"`), nil
	default:
		return json.Marshal(v)
	}
}

// UnmarshalJSON reads the same.
func (c *cell) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "null":
		*c = cell(unknown)
		return nil
	case `"never"`:
		*c = cell(never)
		return nil
	}
	return json.Unmarshal(b, (*float64)(c))
}

// A row is one figure of the tables.
type row struct {
	id, name, unit string
	more           bool // is better; else less is
	ratio          bool
	plot           string // name of its plot, if it has one
}

// A section is a table of the page.
type section struct {
	title, about string
	rows         []row
}

func sections(s settings) []section {
	return []section{
		{"Throughput", fmt.Sprintf("A puts over %d keys for %v or %d puts. All: until B has, of every key, what was put last (where values do not travel: until it no longer has what was before).", s.Keys, s.Fill, s.FillPuts), []row{
			{"put1-100", "1 writer, 100 B: returned", "puts/s", true, true, ""},
			{"all1-100", "… all at B", "puts/s", true, true, "all-100"},
			{"lost1-100", "… keys that never were", "keys", false, false, ""},
			{"put8-100", "8 writers, 100 B: returned", "puts/s", true, true, ""},
			{"all8-100", "… all at B", "puts/s", true, true, "all8-100"},
			{"lost8-100", "… keys that never were", "keys", false, false, ""},
			{"put1-1024", "1 writer, 1 KB: returned", "puts/s", true, true, ""},
			{"all1-1024", "… all at B", "puts/s", true, true, ""},
			{"put8-1024", "8 writers, 1 KB: returned", "puts/s", true, true, ""},
			{"all8-1024", "… all at B", "puts/s", true, true, ""},
			{"lost8-1024", "… keys that never were", "keys", false, false, ""},
		}},
		{"Freshness and stale reads", fmt.Sprintf("%d puts at 500 per second of keys that B holds; B reads each again and again. Stale: B was still given the old value after the put had returned at A.", s.Samples), []row{
			{"fresh50", "put begins → B is given it, p50", "µs", false, true, "fresh"},
			{"fresh99", "… p99", "µs", false, true, "fresh99"},
			{"stale", "puts with stale reads after they returned", "%", false, false, "stale"},
			{"stalemax", "longest time of stale reads", "µs", false, true, ""},
			{"unseen", "never seen within 5 s", "puts", false, false, ""},
			{"unready", "of the keys, not at B to begin with", "keys", false, false, ""},
		}},
		{"Reads", "Random reads at B of keys that are in its memory.", []row{
			{"get1", "1 thread", "gets/s", true, true, "gets"},
			{"get2", "2 threads", "gets/s", true, true, ""},
		}},
		{"Memory and joining", fmt.Sprintf("A alone is given %d elements of 100 bytes under keys of 14, the quickest way it documents. Then B is started with nothing.", s.Hold), []row{
			{"mem", "live memory per element (Redis: used by the server)", "bytes", false, true, "memory"},
			{"rss", "growth of the process per element", "bytes", false, true, ""},
			{"load", "loading", "elements/s", true, true, ""},
			{"join", "B's start → it has all of them", "s", false, true, "join"},
			{"lacks", "… elements that it never had", "elements", false, false, ""},
		}},
		{"A partition under load", fmt.Sprintf("A and B write to the same %d keys, 100 puts per second each, while nothing passes between them for %v (Redis: between B and the server; where values do not travel, to every other key of those that both hold). Then it heals. Older: one of them serves what is older than the last put that the same writer was told had been done.", s.SplitKeys, s.Partition), []row{
			{"splitputs", "puts that were done meanwhile", "puts/s", true, false, ""},
			{"spliterrors", "puts that failed", "puts", false, false, ""},
			{"splitlongest", "longest put", "ms", false, false, ""},
			{"heal", fmt.Sprintf("healed → A and B agree, nothing older (given up after %v)", s.Heal), "s", false, false, "heal"},
			{"diverged", "keys that are different in the end", "keys", false, false, "diverged"},
			{"splitlost", "keys with something older in the end", "keys", false, false, ""},
		}},
		{"A kill -9 under load", fmt.Sprintf("One writer at A, each put acknowledged as strongly as it is offered; after %v A is killed (Redis: the server, which comes back). Lost: acknowledged, and not to be had at B.", s.Failover), []row{
			{"acks", "acknowledged", "puts/s", true, true, "acks"},
			{"acked", "acknowledged in all", "puts", true, false, ""},
			{"acklost", "of these lost", "puts", false, false, "acklost"},
			{"ackback", "kill → B serves what there is", "s", false, false, ""},
		}},
	}
}

// median of the rounds; unknown if one of them is.
func median(cs []cell) float64 {
	if len(cs) == 0 || slices.ContainsFunc(cs, func(c cell) bool { return math.IsNaN(float64(c)) }) {
		return unknown
	}
	s := slices.Sorted(slices.Values(cs))
	n := len(s)
	if a, b := float64(s[(n-1)/2]), float64(s[n/2]); a != b {
		return (a + b) / 2
	}
	return float64(s[n/2])
}

// said is a median in words, with the ratio to ours where that has a meaning:
// over 1 is in Lateral's favour.
func (r *report) said(w row, e *engine) string {
	v := median(r.Figures[w.id][e.short])
	text := plot.Number(v)
	if q := r.ratio(w, e); w.ratio && finite(q) && q > 0 {
		text += fmt.Sprintf(" (×%s)", plot.Number(q))
	}
	return text
}

func (r *report) ratio(w row, e *engine) float64 {
	us, them := median(r.Figures[w.id][e.ours().short]), median(r.Figures[w.id][e.short])
	switch {
	case e.lateral() || !finite(us) || !finite(them):
		return unknown
	case w.more:
		return us / them
	}
	return them / us
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// kinds are the engines of the two kinds, as far as they were measured.
func (r *report) kinds() (whole, part []*engine) {
	for _, e := range engines {
		switch {
		case !slices.Contains(r.Engines, e.short):
		case e.replicates:
			whole = append(whole, e)
		default:
			part = append(part, e)
		}
	}
	return whole, part
}

func (r *report) head() []string {
	network := "in a network namespace of their own with nothing but lo"
	if !r.Private {
		network = "on loopback"
	}
	return []string{
		"machine: " + r.Machine,
		fmt.Sprintf("date: %s, %.0f s, load average %s before, then %s after the parts (what is measured is in these)", r.Date, r.Took, r.Loads[0], strings.Join(r.Loads[1:], ", ")),
		fmt.Sprintf("command: %s; two processes each, %s", r.Command, network),
		fmt.Sprintf("medians of %d interleaved rounds (memory, partition and kill: once); (×N): Lateral's figure is N times as good, below 1 it is behind", r.Rounds),
	}
}

// text is the raw result, with every round.
func (r *report) text() string {
	var b strings.Builder
	b.WriteString("Lateral beside other caches that are kept coherent\n" + strings.Join(r.head(), "\n") + "\n")
	whole, part := r.kinds()
	for _, s := range sections(r.Settings) {
		fmt.Fprintf(&b, "\n%s. %s\n", s.title, s.about)
		for _, es := range [][]*engine{whole, part} {
			if len(es) == 0 {
				continue
			}
			b.WriteString("\n" + r.textTable(s, es))
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(&b, "\nnote: %s\n", n)
	}
	b.WriteString("\nall rounds\n")
	for _, s := range sections(r.Settings) {
		for _, w := range s.rows {
			for _, e := range append(whole, part...) {
				if cs := r.Figures[w.id][e.short]; len(cs) > 1 {
					fmt.Fprintf(&b, "  %-14s %-18s", w.id, e.short)
					for _, c := range cs {
						fmt.Fprintf(&b, " %s", plot.Number(float64(c)))
					}
					b.WriteString("\n")
				}
			}
		}
	}
	b.WriteString("\nsettings\n")
	for _, e := range append(whole, part...) {
		fmt.Fprintf(&b, "  %s: %s. Acknowledged means: %s\n", e.name, e.about, e.says)
	}
	fmt.Fprintf(&b, "  JVMs: -Xmx1024m (memory: %d, partition: 512) %s\n", 2048+r.Settings.Hold/1000, strings.Join(peersJava, " "))
	return b.String()
}

// textTable aligns columns; letters are counted, not bytes.
func (r *report) textTable(s section, es []*engine) string {
	lines := [][]string{{"", "unit"}}
	for _, e := range es {
		lines[0] = append(lines[0], e.name)
	}
	for _, w := range s.rows {
		line := []string{w.name, w.unit}
		for _, e := range es {
			line = append(line, r.said(w, e))
		}
		lines = append(lines, line)
	}
	width := make([]int, len(lines[0]))
	for _, l := range lines {
		for i, c := range l {
			width[i] = max(width[i], utf8.RuneCountInString(c))
		}
	}
	var b strings.Builder
	for _, l := range lines {
		text := " "
		for i, c := range l {
			text += " " + c + strings.Repeat(" ", width[i]-utf8.RuneCountInString(c)+1)
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	return b.String()
}

// machine is the line that every result carries.
func machine() string {
	cpu := "?"
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for l := range strings.Lines(string(b)) {
			if name, v, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
				cpu = strings.TrimSpace(v)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d cores, %s/%s, %s; java %s; redis %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version(), version("java", "-version"), version("redis-server", "--version"))
}

// load is the load average of the last minute, "?" where the system has none.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	return strings.Fields(string(b))[0]
}
