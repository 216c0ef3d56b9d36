// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"time"
)

var (
	puts    = flag.Int("puts", 300_000, "puts of the throughput run")
	keys    = flag.Int("keys", 100_000, "different keys of the throughput and get runs")
	size    = flag.Int("size", 100, "bytes of a value")
	rate    = flag.Int("rate", 500, "puts per second of the latency run")
	samples = flag.Int("samples", 3000, "puts of the latency run; the first tenth does not count")
	reading = flag.Duration("reading", 2*time.Second, "length of a get run")
	rounds  = flag.Int("rounds", 3, "rounds")
	quiet   = flag.Duration("quiet", 25*time.Second, "B is given up on when nothing arrived for so long; JCS retries a link every 20 s")
	longest = flag.Duration("longest", 3*time.Minute, "a throughput run ends after this")
	giveUp  = flag.Duration("giveup", time.Minute, "recovery is given up on after this")
	keep    = flag.String("keep", "", "keep the processes' logs and settings in this directory")
	asJSON  = flag.Bool("json", false, "print the report as JSON")
	role    = flag.String("serve", "", "internal: be this process of Lateral")
	file    = flag.String("ccf", "", "internal: its cache.ccf")
	alone   = flag.Bool("alone", false, "internal: with no peer of its own kind")
)

func main() {
	flag.Parse()
	err := error(nil)
	if *role != "" {
		err = serve(*role, *file, os.Stdin, os.Stdout)
	} else if flag.Arg(0) == "mixed" {
		err = mix()
	} else {
		err = compare()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "jcs:", err)
		os.Exit(1)
	}
}

// wanted returns the measures named as arguments, all if none is.
func wanted(names []string) ([]measure, error) {
	all := measures()
	for _, n := range names {
		if !slices.ContainsFunc(all, func(m measure) bool { return m.name == n }) {
			return nil, fmt.Errorf("there is no measure %q; there are throughput, latency, get, recovery and, alone, mixed", n)
		}
	}
	return slices.DeleteFunc(all, func(m measure) bool { return len(names) > 0 && !slices.Contains(names, m.name) }), nil
}

func checkFlags() error {
	switch {
	case *puts < *keys:
		return fmt.Errorf("-puts %d is less than -keys %d: some keys would never be written; raise -puts or lower -keys", *puts, *keys)
	case *keys < 1 || *rounds < 1 || *rate < 1:
		return fmt.Errorf("-keys, -rounds and -rate must be at least 1")
	case *samples < 10 || *samples > maxSamples:
		return fmt.Errorf("-samples %d: a p99 wants at least 10, and answers of more than %d are not taken", *samples, maxSamples)
	}
	return nil
}

func compare() error {
	ms, err := wanted(flag.Args())
	if err != nil {
		return err
	}
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
	before := load() // building is load, too, but ours
	systems, err := build(work)
	if err != nil {
		return err
	}
	r := &report{Machine: machine(), Java: javaVersion(), Date: today(), Loads: []string{before}, Rounds: *rounds, Settings: map[string]string{}}
	for _, s := range systems {
		r.Systems = append(r.Systems, s.name)
		r.Settings[s.name] = s.ccf("b", 1110, 1111)
	}
	if err = r.run(systems, ms, work); err != nil {
		return fmt.Errorf("%w\n(logs and settings of all processes are below %s)", err, work)
	}
	if *keep == "" {
		if err := os.RemoveAll(work); err != nil {
			return err
		}
	}
	if *asJSON {
		e := json.NewEncoder(os.Stdout)
		e.SetIndent("", "  ")
		return e.Encode(r)
	}
	return r.print(os.Stdout)
}

// build makes the three systems ready to start, ours last.
func build(work string) ([]*system, error) {
	src, err := source()
	if err != nil {
		return nil, err
	}
	var systems []*system
	for _, g := range generations {
		fmt.Fprintln(os.Stderr, "building the driver for", g.name)
		s, err := g.build(src, work)
		if err != nil {
			return nil, err
		}
		systems = append(systems, s)
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return append(systems, ours(self)), nil
}

// run takes each round through all measures, and each measure through all
// systems, so that they share whatever the machine's mood is.
func (r *report) run(systems []*system, ms []measure, work string) error {
	figures := make([][][][]number, len(ms)) // [measure][row][system][round]
	for i, m := range ms {
		figures[i] = make([][][]number, len(m.rows))
		for j := range m.rows {
			figures[i][j] = make([][]number, len(systems))
		}
	}
	for round := range *rounds {
		for i, m := range ms {
			for k, s := range systems {
				began := time.Now()
				xs, note, err := once(s, m, work)
				if err != nil {
					return fmt.Errorf("%s, round %d: %w", m.name, round+1, err)
				}
				if note != "" {
					r.Notes = append(r.Notes, fmt.Sprintf("%s, round %d: %s", m.name, round+1, note))
				}
				for j, x := range xs {
					figures[i][j][k] = append(figures[i][j][k], number(x))
				}
				fmt.Fprintf(os.Stderr, "round %d of %d, %s, %s: %v\n", round+1, *rounds, m.name, s.name, time.Since(began).Round(time.Second/10))
			}
		}
		r.Loads = append(r.Loads, load())
	}
	for i, m := range ms {
		r.Tables = append(r.Tables, tabulate(m, figures[i]))
	}
	return nil
}

// once runs a measure on a fresh pair, and ends the pair.
func once(s *system, m measure, work string) (xs []float64, note string, err error) {
	pr, err := s.open(work)
	if err != nil {
		return nil, "", err
	}
	defer pr.end()
	xs, err = m.run(pr)
	return xs, pr.note, err
}
