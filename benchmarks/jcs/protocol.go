// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"lateral/benchmarks/internal/peer"
)

// The questions that java/src/driver/Driver.java and lateral.go both answer,
// one line each, after a first line "ready". Durations are in ms, answers in ns.
//
//	fill RUN PUTS KEYS SIZE   put PUTS values over KEYS keys      → ns it took
//	reset RUN                 count arrivals of RUN from here     → ok
//	arrived N QUIET MAX       wait for N arrivals                 → how many came, ns since the last
//	check RUN PUTS KEYS       keys that hold the last value of RUN → how many
//	paced RATE PUTS SIZE      put "lat0" … with the time in them  → ok
//	poll PUTS MAX             ask for "lat0" … until it is there  → ns each, -1 for never
//	told                      what the system itself says         → ns each
//	gets THREADS KEYS MS      read random keys                    → reads, ns, misses
//	beat                      put "beat" every 10 ms from now on  → ok
//	beats                     how often that was                  → number
//	await SEQ MAX             wait for a beat after SEQ           → yes or never
//	has KEY                   put it                              → ok
//	one KEY                   ask for it                          → ns it took, 1 if it was there

// A system is one of what is compared.
type system struct {
	name    string
	command func(role, dir string) *exec.Cmd // a process whose cache.ccf is in dir
	ccf     func(role string, port, peer int) string
	tells   string // role of the process that answers "told"
}

// A process is one of the two of a pair.
type process struct{ *peer.Process }

// start runs a process and waits until it is ready.
func (s *system) start(role, dir string) (*process, error) {
	p, err := peer.Launch(s.name+" "+role, s.command(role, dir), filepath.Join(dir, "stderr.log"))
	if err != nil {
		return nil, err
	}
	if err := p.Ready(); err != nil {
		p.End()
		return nil, err
	}
	return &process{p}, nil
}

// A pair is two processes of a system, or of two, that are linked.
type pair struct {
	s          *system // of A
	a, b       *process
	adir, bdir string
	note       string // what the reader of the report should know of it
}

// open starts B, then A, and puts until the link is seen to work and both are
// warm: a JVM compiles what it has seen run.
func (s *system) open(work string) (*pair, error) { return open(work, s, s, nil) }

// open is that of two systems, with more in the ccf of each role.
func open(work string, a, b *system, more map[string][]string) (*pair, error) {
	dir, err := os.MkdirTemp(work, "pair-")
	if err != nil {
		return nil, err
	}
	ports, err := peer.FreePorts(2)
	if err != nil {
		return nil, err
	}
	pr := &pair{s: a, adir: filepath.Join(dir, "a"), bdir: filepath.Join(dir, "b")}
	for i, d := range []string{pr.adir, pr.bdir} {
		if err := os.Mkdir(d, 0o700); err != nil {
			return nil, err
		}
		role := filepath.Base(d)
		text := map[string]*system{"a": a, "b": b}[role].ccf(role, ports[i], ports[1-i]) + strings.Join(more[role], "\n") + "\n"
		if err := os.WriteFile(filepath.Join(d, "cache.ccf"), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	if pr.b, err = b.start("b", pr.bdir); err != nil {
		return nil, err
	}
	if pr.a, err = a.start("a", pr.adir); err != nil {
		pr.b.End()
		return nil, err
	}
	if more != nil {
		return pr, nil
	}
	if err := pr.warm(); err != nil {
		pr.end()
		return nil, err
	}
	return pr, nil
}

const warmPuts = 50_000

func (pr *pair) warm() error {
	if _, err := pr.b.Ask(ordinary, "reset warm"); err != nil {
		return err
	}
	if _, err := pr.a.Ask(*longest, "fill warm %d %d %d", warmPuts, *keys, *size); err != nil {
		return err
	}
	got, err := pr.b.Ask(ordinary+*longest, "arrived %d %d %d", warmPuts, quiet.Milliseconds(), longest.Milliseconds())
	if err != nil {
		return err
	}
	if got[0] == 0 {
		return fmt.Errorf("%s: nothing that A put arrived at B: there is no link; the end of what A logged:\n%s", pr.s.name, peer.Tail(pr.a.Log))
	}
	if got[0] < warmPuts {
		pr.note = fmt.Sprintf("%s: only %d of the %d puts of the warm-up arrived", pr.s.name, got[0], warmPuts)
	}
	return nil
}

func (pr *pair) end() {
	pr.a.End()
	pr.b.End()
}

var troubled = regexp.MustCompile(`(?m)^(SEVERE: Disabling|Exception in thread).*|^.*level=ERROR.*`)

// trouble returns the first line of a log that says why updates were lost.
func trouble(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(troubled.Find(b))
}
