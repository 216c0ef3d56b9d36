// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// A figure is what the rounds said of one row for one system.
type figure struct {
	Rounds []number `json:"rounds"`
	Median number   `json:"median"`
}

// A number is infinite for "never", which JSON has no word for but null.
type number float64

// MarshalJSON writes null for never, and for a ratio of two that never were.
func (n number) MarshalJSON() ([]byte, error) {
	if math.IsInf(float64(n), 0) || math.IsNaN(float64(n)) {
		return []byte("null"), nil
	}
	return json.Marshal(float64(n))
}

// A line is a row with its figures, systems in order, ours last.
type line struct {
	row
	Figures []figure `json:"figures"`
	Ratios  []number `json:"ratios,omitempty"` // one per other system; over 1: Lateral is better
}

// A table is one measure.
type table struct {
	Measure string `json:"measure"`
	About   string `json:"about"`
	Lines   []line `json:"lines"`
}

// A report is a whole run.
type report struct {
	Machine  string            `json:"machine"`
	Java     string            `json:"java"`
	Date     string            `json:"date"`
	Loads    []string          `json:"loads"` // before the build, and after each round: ours is in those
	Rounds   int               `json:"rounds"`
	Systems  []string          `json:"systems"`
	Settings map[string]string `json:"settings"`
	Tables   []table           `json:"tables"`
	Notes    []string          `json:"notes,omitempty"`
}

// median is the middle one, or the mean of the two in the middle.
func median(xs []number) number {
	s := slices.Sorted(slices.Values(xs))
	n := len(s)
	if n == 0 {
		return number(math.NaN())
	}
	return (s[(n-1)/2] + s[n/2]) / 2
}

// tabulate makes a table of figures by row and system.
func tabulate(m measure, rounds [][][]number) table { // [row][system][round]
	t := table{Measure: m.name, About: m.about}
	for i, r := range m.rows {
		l := line{row: r}
		for _, ns := range rounds[i] {
			l.Figures = append(l.Figures, figure{ns, median(ns)})
		}
		us := l.Figures[len(l.Figures)-1].Median
		for _, f := range l.Figures[:len(l.Figures)-1] {
			switch r.Good {
			case "more":
				l.Ratios = append(l.Ratios, us/f.Median)
			case "less":
				l.Ratios = append(l.Ratios, f.Median/us)
			}
		}
		t.Lines = append(t.Lines, l)
	}
	return t
}

// print writes a report for people.
func (r *report) print(w io.Writer) error {
	fmt.Fprintf(w, "Lateral and Apache JCS, two processes each on loopback\nmachine: %s\njava: %s\ndate: %s\nload average: %s before, %s after each round (the runs themselves are in these)\n",
		r.Machine, r.Java, r.Date, r.Loads[0], strings.Join(r.Loads[1:], ", "))
	fmt.Fprintf(w, "medians of %d interleaved rounds [lowest … highest]; ratios over 1: Lateral is better\n", r.Rounds)
	us := r.Systems[len(r.Systems)-1]
	for _, t := range r.Tables {
		fmt.Fprintf(w, "\n%s: %s\n\n", t.Measure, t.About)
		tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
		fmt.Fprint(tw, "\tunit\t"+strings.Join(r.Systems, "\t"))
		for _, s := range r.Systems[:len(r.Systems)-1] {
			fmt.Fprintf(tw, "\t%s : %s", us, s)
		}
		fmt.Fprintln(tw)
		for _, l := range t.Lines {
			fmt.Fprintf(tw, "%s\t%s", l.Name, l.Unit)
			for _, f := range l.Figures {
				fmt.Fprintf(tw, "\t%s", f)
			}
			for _, q := range l.Ratios {
				fmt.Fprintf(tw, "\t%s", q.times())
			}
			fmt.Fprintln(tw)
		}
		if err := tw.Flush(); err != nil {
			return err
		}
	}
	for _, n := range r.Notes {
		fmt.Fprintf(w, "\nnote: %s\n", n)
	}
	fmt.Fprintf(w, "\nsettings: A's are as B's without MemoryCacheName, the ports here stand for free ones; what is not named has the default of the system that reads it\n")
	for _, s := range r.Systems {
		fmt.Fprintf(w, "\n%s, cache.ccf of B:\n%s", s, indent(r.Settings[s]))
	}
	return nil
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n  ") + "\n"
}

// String writes the median, and how far the rounds were from each other.
func (f figure) String() string {
	lo, hi := slices.Min(f.Rounds), slices.Max(f.Rounds)
	if lo == hi {
		return f.Median.String()
	}
	return fmt.Sprintf("%s [%s … %s]", f.Median, lo, hi)
}

func (n number) String() string {
	f := float64(n)
	switch {
	case math.IsInf(f, 0):
		return "never"
	case f == math.Trunc(f) || math.Abs(f) >= 1000:
		return fmt.Sprintf("%.0f", f)
	case math.Abs(f) >= 100:
		return fmt.Sprintf("%.1f", f)
	}
	return fmt.Sprintf("%.2f", f)
}

// times writes a ratio; one without bound or meaning is in words.
func (n number) times() string {
	switch f := float64(n); {
	case math.IsNaN(f):
		return "–"
	case math.IsInf(f, 0):
		return "∞"
	case f >= 10:
		return fmt.Sprintf("×%.0f", f)
	default:
		return fmt.Sprintf("×%.2f", f)
	}
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
	return fmt.Sprintf("%s, %d cores, %s/%s, %s", cpu, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// load is the load average of the last minute, "?" where the system has none.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "?"
	}
	return strings.Fields(string(b))[0]
}

func javaVersion() string {
	out, err := exec.Command("java", "-version").CombinedOutput()
	if err != nil {
		return "?"
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return strings.TrimSpace(lines[len(lines)-1]) + ", " + strings.TrimSpace(lines[0])
}

func today() string { return time.Now().UTC().Format("2006-01-02 15:04 UTC") }
