// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// A pairing is a writer and a reader of one generation's protocol.
type pairing struct {
	g    generation
	name string
	a, b *system
}

// A mixture is what the rounds said of a pairing.
type mixture struct {
	Generation string `json:"generation"`
	Pair       string `json:"pair"`
	Rate       figure `json:"arrived_per_second"` // 0 in a round in which some did not
	Lost       figure `json:"lost"`
	CPUA       figure `json:"cpu_writer_us"`
	CPUB       figure `json:"cpu_reader_us"`
	Miss       figure `json:"miss_ms"`
	After      figure `json:"hit_after_miss"` // 1: a get of what the reader holds is answered after the miss
	Seen50     figure `json:"seen_p50_us"`    // put → seen by a polling reader at B
	Seen99     figure `json:"seen_p99_us"`

	rounds [8][]number
}

// mix measures all pairings in turn and prints what it found.
func mix() error {
	if err := checkFlags(); err != nil {
		return err
	}
	if err := toolsMissing(exec.LookPath); err != nil {
		return err
	}
	work, err := os.MkdirTemp(*keep, "lateral-jcs-")
	if err != nil {
		return err
	}
	loads := []string{load()}
	pairs, err := pairings(work)
	if err != nil {
		return err
	}
	out := make([]mixture, len(pairs))
	for round := range *rounds {
		for i, p := range pairs {
			began := time.Now()
			if err := out[i].add(p, work); err != nil {
				return fmt.Errorf("%s, %s, round %d: %w\n(logs and settings of all processes are below %s)", p.g.name, p.name, round+1, err, work)
			}
			fmt.Fprintf(os.Stderr, "round %d of %d, %s, %s: %v\n", round+1, *rounds, p.g.name, p.name, time.Since(began).Round(time.Second/10))
		}
		loads = append(loads, load())
	}
	for i := range out {
		out[i].sum()
	}
	if *keep == "" {
		if err := os.RemoveAll(work); err != nil {
			return err
		}
	}
	if *asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(map[string]any{"machine": machine(), "java": javaVersion(), "date": today(), "loads": loads, "pairs": out})
	}
	return printMixtures(os.Stdout, out, loads)
}

func pairings(work string) (out []pairing, err error) {
	src, err := source()
	if err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	for _, g := range spoken {
		if only := flag.Args()[1:]; len(only) > 0 && !slices.Contains(only, strings.TrimPrefix(g.name, "JCS ")) {
			continue
		}
		fmt.Fprintln(os.Stderr, "building the driver for", g.name)
		java, err := g.build(src, work)
		if err != nil {
			return nil, err
		}
		l := among(self, g)
		out = append(out, pairing{g, "Java → Java", java, java}, pairing{g, "Java → Lateral", java, l}, pairing{g, "Lateral → Java", l, java})
	}
	return out, nil
}

// add measures a pairing once more.
func (m *mixture) add(p pairing, work string) error {
	m.Generation, m.Pair = p.g.name, p.name
	pr, err := open(work, p.a, p.b, nil)
	if err != nil {
		return err
	}
	defer pr.end()
	before := [2]time.Duration{pr.a.cpu(), pr.b.cpu()}
	xs, err := throughput(pr)
	if err != nil {
		return err
	}
	each := func(p *process, before time.Duration, n float64) number {
		return number((p.cpu() - before).Seconds() * 1e6 / max(n, 1))
	}
	arrived := float64(*puts) - xs[3]
	ms, after, err := miss(p, work)
	if err != nil {
		return err
	}
	seen, err := paced(p, work)
	if err != nil {
		return err
	}
	for i, x := range []number{number(xs[1]), number(xs[3]), each(pr.a, before[0], float64(*puts)), each(pr.b, before[1], arrived), number(ms), number(after), number(seen[0]), number(seen[1])} {
		m.rounds[i] = append(m.rounds[i], x)
	}
	return nil
}

func (m *mixture) sum() {
	for i, f := range []*figure{&m.Rate, &m.Lost, &m.CPUA, &m.CPUB, &m.Miss, &m.After, &m.Seen50, &m.Seen99} {
		*f = figure{m.rounds[i], median(m.rounds[i])}
	}
}

// settling is for how long Lateral tells a Java node nothing that it has just
// dialled, and some more.
const settling = 2500 * time.Millisecond

// paced is how long puts at a moderate rate take to be seen at B.
func paced(p pairing, work string) ([]float64, error) {
	pr, err := open(work, p.a, p.b, nil)
	if err != nil {
		return nil, err
	}
	defer pr.end()
	if p.a.name == "Lateral" {
		time.Sleep(settling)
	}
	seen, _, err := polled(pr)
	return []float64{micros(seen, 50), micros(seen, 99)}, err
}

// miss is what a get takes that finds nothing at A or B, in ms, and whether the
// next one is answered that B could answer. A hit comes first, so that A's
// classes are loaded; but to JCS 2.2.1, which closes a connection on which one
// was answered.
func miss(p pairing, work string) (ms float64, after int64, err error) {
	const attr = "jcs.auxiliary.LTCP.attributes."
	pr, err := open(work, p.a, p.b, map[string][]string{
		"a": {attr + "AllowGet=true", attr + "PutOnlyMode=false"},
		"b": {attr + "AllowPut=false"}, // so that A has to ask for what B holds
	})
	if err != nil {
		return 0, 0, err
	}
	defer pr.end()
	if _, err := pr.b.Ask(ordinary, "has held"); err != nil {
		return 0, 0, err
	}
	if p.g.profile != "jcs2" {
		if _, err := pr.b.Ask(ordinary, "has warm"); err != nil {
			return 0, 0, err
		}
		if hit, err := pr.a.Ask(ordinary, "one warm"); err != nil || hit[1] != 1 {
			return 0, 0, fmt.Errorf("what B holds was not found: %v, %w", hit, err)
		}
	}
	got, err := pr.a.Ask(ordinary, "one nothing")
	if err != nil {
		return 0, 0, err
	}
	if got[1] != 0 {
		return 0, 0, fmt.Errorf("what nobody put was found")
	}
	hit, err := pr.a.Ask(ordinary, "one held")
	if err != nil {
		return 0, 0, err
	}
	return float64(got[0]) / 1e6, hit[1], nil
}

// cpu is what the process has used, in ticks of 10 ms; 0 where the system does
// not say.
func (p *process) cpu() time.Duration {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.Cmd.Process.Pid))
	if err != nil {
		return 0
	}
	f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:]))
	user, _ := strconv.ParseInt(f[11], 10, 64)
	system, _ := strconv.ParseInt(f[12], 10, 64)
	return time.Duration(user+system) * 10 * time.Millisecond
}

func printMixtures(w io.Writer, list []mixture, loads []string) error {
	fmt.Fprintf(w, "Lateral and Apache JCS in one cluster, two processes on loopback, each pairing in turn\nmachine: %s\njava: %s\ndate: %s\nload average: %s before, %s after each round\n",
		machine(), javaVersion(), today(), loads[0], strings.Join(loads[1:], ", "))
	fmt.Fprintf(w, "medians of %d rounds [lowest … highest]: %d puts of %d bytes over %d keys in one burst; rate 0: some never arrived\n", *rounds, *puts, *size, *keys)
	fmt.Fprintf(w, "seen: put → seen by a polling reader, %d puts at %d/s\n", *samples, *rate)
	fmt.Fprintf(w, "miss: a get of what neither has, at the caller, after a hit (but 2.2.1: the first get of its JVM); answered after: rounds in which the next get, of what the other has, was answered\n\n")
	tw := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(tw, "\t\tarrived/s\tlost\tCPU of the writer, µs/put\tCPU of the reader, µs/message\tseen p50, µs\tseen p99, µs\tmiss, ms\tanswered after")
	for _, m := range list {
		answered := 0
		for _, x := range m.After.Rounds {
			answered += int(x)
		}
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%d of %d\n", m.Generation, m.Pair, m.Rate, m.Lost, m.CPUA, m.CPUB, m.Seen50, m.Seen99, m.Miss, answered, len(m.After.Rounds))
	}
	return tw.Flush()
}
