// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A report is a whole run. Figures are by row and engine, one for each round.
type report struct {
	Machine  string                       `json:"machine"`
	Date     string                       `json:"date"`
	Command  string                       `json:"command"`
	Loads    []string                     `json:"loads"` // before, and after each part: what is measured is in these
	Took     float64                      `json:"took_seconds"`
	Settings settings                     `json:"settings"`
	Rounds   int                          `json:"rounds"` // that were made
	Private  bool                         `json:"private_network"`
	Engines  []string                     `json:"engines"`
	Figures  map[string]map[string][]cell `json:"figures"` // by row, then engine
	Notes    []string                     `json:"notes"`

	end     time.Time     // nothing is begun after this
	longest time.Duration // of the rounds
}

func (r *report) add(e *engine, f figures) {
	for id, v := range f {
		if r.Figures[id] == nil {
			r.Figures[id] = map[string][]cell{}
		}
		r.Figures[id][e.short] = append(r.Figures[id][e.short], cell(v))
	}
}

// note keeps what went wrong with one engine: the others go on.
func (r *report) note(part string, e *engine, err error) {
	text := strings.TrimSpace(err.Error())
	log.Printf("%s, %s: %s", part, e.name, text)
	first, _, _ := strings.Cut(text, "\n")
	r.Notes = append(r.Notes, fmt.Sprintf("%s, %s: %s", part, e.name, first))
}

// runInside measures, in a network of its own if there could be one.
func runInside(work string) error {
	es, err := wantedEngines()
	if err != nil {
		return err
	}
	todo, err := wantedParts()
	if err != nil {
		return err
	}
	r := &report{Machine: machine(), Date: time.Now().UTC().Format("2006-01-02 15:04 UTC"), Command: "go run ./benchmarks/compare " + strings.Join(os.Args[3:], " "),
		Settings: chosen(), Private: privateNetwork(), Engines: shorts(es), Figures: map[string]map[string][]cell{}, Loads: []string{load()}}
	r.Command = strings.TrimSpace(r.Command)
	if r.Private {
		if err := loopbackUp(); err != nil {
			return err
		}
	}
	began := time.Now()
	if n, err := strconv.ParseInt(os.Getenv("COMPARE_BEGAN"), 10, 64); err == nil {
		began = time.Unix(0, n) // building takes its time, too
	}
	r.end = began.Add(r.Settings.Within + time.Minute)
	if slices.Contains(todo, "rounds") { // one first: what time may cut short is a further one
		r.interleaved(es, work, began, 1)
	}
	for _, part := range todo {
		switch part {
		case "hold":
			r.each(part, es, work, holding)
		case "fail":
			r.each(part, es, work, failing)
		case "split":
			r.splits(es, work)
		case "rounds":
			r.interleaved(es, work, began, r.Settings.Rounds)
			continue
		}
		r.Loads = append(r.Loads, load())
	}
	r.Took = time.Since(began).Seconds()
	return r.publish(len(todo) == len(parts) && len(es) == len(engines))
}

// each runs a part once for each engine.
func (r *report) each(part string, es []*engine, work string, run func(*engine, settings, string) (figures, error)) {
	for _, e := range es {
		began := time.Now()
		if began.After(r.end) {
			r.note(part, e, fmt.Errorf("left out: the %v for everything are over", r.Settings.Within))
			continue
		}
		f, err := run(e, r.Settings, work)
		if err != nil {
			r.note(part, e, err)
		}
		r.add(e, f)
		log.Printf("%s, %s: %.1f s", part, e.name, time.Since(began).Seconds())
	}
}

// interleaved takes each round through all engines, so that whatever else the
// machine does falls on all of them, for as many rounds as there is time for.
func (r *report) interleaved(es []*engine, work string, began time.Time, rounds int) {
	for r.Rounds < rounds {
		if r.Rounds > 0 && time.Since(began)+r.longest > r.Settings.Within {
			r.Notes = append(r.Notes, fmt.Sprintf("%d rounds of %d: another would not have ended within %v", r.Rounds, r.Settings.Rounds, r.Settings.Within))
			return
		}
		at := time.Now()
		r.each(fmt.Sprintf("round %d", r.Rounds+1), es, work, round)
		r.longest = max(r.longest, time.Since(at))
		r.Rounds++
		r.Loads = append(r.Loads, load())
	}
}

// splits partitions all engines at one time, each in a network of its own: they
// do little, but it takes two minutes.
func (r *report) splits(es []*engine, work string) {
	if !r.Private {
		r.Notes = append(r.Notes, "split: left out: a partition needs root, Linux, ip and iptables")
		return
	}
	if time.Now().After(r.end) {
		r.Notes = append(r.Notes, fmt.Sprintf("split: left out: the %v for everything are over", r.Settings.Within))
		return
	}
	began := time.Now()
	got := make([]splitResult, len(es))
	errs := make([]error, len(es))
	var wg sync.WaitGroup
	for i, e := range es {
		cmd, out, err := r.splitter(e, work)
		if err != nil {
			errs[i] = err
			continue
		}
		wg.Go(func() { // started above, by the thread that must outlive it
			err := cmd.Wait()
			if e := json.Unmarshal([]byte(out.String()), &got[i]); e != nil {
				errs[i] = fmt.Errorf("it said %q: %w, %w", out.String(), e, err)
			}
		})
	}
	wg.Wait()
	for i, e := range es {
		if errs[i] == nil && got[i].Note != "" {
			errs[i] = fmt.Errorf("%s", got[i].Note)
		}
		if errs[i] != nil {
			r.note("split", e, errs[i])
		}
		f := figures{}
		for id, text := range got[i].Figures {
			if v, err := strconv.ParseFloat(text, 64); err == nil {
				f[id] = v
			}
		}
		r.add(e, f)
	}
	log.Printf("split, all at once: %.1f s", time.Since(began).Seconds())
}

func (r *report) splitter(e *engine, work string) (*exec.Cmd, *strings.Builder, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(self, append([]string{"-splitone", e.short}, flagsAgain()...)...)
	cmd.Env = append(os.Environ(), "COMPARE_WORK="+work)
	cmd.SysProcAttr = alone()
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	return cmd, &out, cmd.Start()
}

// publish prints the report, and writes it to where the page is, if it is a
// whole one.
func (r *report) publish(whole bool) error {
	if *asJSON {
		enc := json.NewEncoder(os.Stdout)
		enc.SetIndent("", "  ")
		if err := enc.Encode(r); err != nil {
			return err
		}
	} else {
		fmt.Print(r.text())
	}
	if *smoke || !whole && !*write {
		return nil
	}
	dir, err := moduleDir()
	if err != nil {
		return err
	}
	return r.writeFiles(dir)
}

func moduleDir() (string, error) {
	out, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return "", fmt.Errorf("the module of Lateral was not found: %w", err)
	}
	return strings.TrimSpace(string(out)), nil
}

// writeFiles writes the raw results, the plots, and the tables of the page.
func (r *report) writeFiles(dir string) error {
	js, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	files := map[string]string{"benchmarks/results/compare.txt": r.text(), "benchmarks/results/compare.json": string(js) + "\n"}
	for name, svg := range r.plots() {
		files["docs/benchmarks/"+name+".svg"] = svg
	}
	page, err := os.ReadFile(filepath.Join(dir, "docs/benchmarks.md"))
	if err != nil {
		return err
	}
	if files["docs/benchmarks.md"], err = between(string(page), r.markdown()); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(dir, "docs/benchmarks"), 0o755); err != nil {
		return err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			return err
		}
		log.Print("written: ", name)
	}
	return nil
}

// The page's tables stand between these lines.
const (
	beginMark = "<!-- compare: what follows is written by go run ./benchmarks/compare -->\n"
	endMark   = "<!-- compare: end -->\n"
)

func between(page, tables string) (string, error) {
	before, rest, ok := strings.Cut(page, beginMark)
	_, after, ok2 := strings.Cut(rest, endMark)
	if !ok || !ok2 {
		return "", fmt.Errorf("docs/benchmarks.md has not the two lines between which the tables stand: %s and %s", strings.TrimSpace(beginMark), strings.TrimSpace(endMark))
	}
	return before + beginMark + tables + endMark + after, nil
}
