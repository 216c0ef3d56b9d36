// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
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
//
// maxAnswer bounds the longest answer: 20 digits for each of maxSamples.
const maxAnswer = 20*maxSamples + 1024

// A system is one of what is compared.
type system struct {
	name    string
	command func(role, dir string) *exec.Cmd // a process whose cache.ccf is in dir
	ccf     func(role string, port, peer int) string
	tells   string // role of the process that answers "told"
}

// A process is one of the two of a pair.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	log  string // file with its standard error
}

// start runs a process and waits until it is ready.
func (s *system) start(role, dir string) (*process, error) {
	cmd := s.command(role, dir)
	p := &process{name: s.name + " " + role, cmd: cmd, log: filepath.Join(dir, "stderr.log")}
	f, err := os.OpenFile(p.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stderr = f
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = bufio.NewScanner(out)
	p.out.Buffer(nil, maxAnswer)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	if answer, err := p.answer("(start)", time.Minute); err != nil || answer != "ready" {
		p.end()
		return nil, fmt.Errorf("%s did not become ready: %q, %w", p.name, answer, err)
	}
	return p, nil
}

func (p *process) tell(format string, args ...any) (question string) {
	question = fmt.Sprintf(format, args...)
	fmt.Fprintln(p.in, question) // a process that is gone gives no answer
	return question
}

// answer reads one line, for at most max: then the process is ended.
func (p *process) answer(question string, max time.Duration) (string, error) {
	late := time.AfterFunc(max, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	if !p.out.Scan() {
		return "", fmt.Errorf("%s gave no answer to %q within %v; the end of what it logged:\n%s", p.name, question, max, tail(p.log))
	}
	if text := p.out.Text(); !strings.HasPrefix(text, "error ") {
		return text, nil
	}
	return "", fmt.Errorf("%s answered %q with %s", p.name, question, p.out.Text())
}

// ask returns the numbers of an answer; words count as none.
func (p *process) ask(max time.Duration, format string, args ...any) ([]int64, error) {
	q := p.tell(format, args...)
	return p.numbers(q, max)
}

func (p *process) numbers(question string, max time.Duration) ([]int64, error) {
	text, err := p.answer(question, max)
	if err != nil {
		return nil, err
	}
	var ns []int64
	for word := range strings.FieldsSeq(text) {
		if n, err := strconv.ParseInt(word, 10, 64); err == nil {
			ns = append(ns, n)
		}
	}
	if len(ns) == 0 && text != "ok" {
		return nil, fmt.Errorf("%s answered %q with %q, where numbers were expected", p.name, question, text)
	}
	return ns, nil
}

// end kills the process, as kill -9 does.
func (p *process) end() {
	p.cmd.Process.Kill()
	p.cmd.Wait()
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
	ports, err := freePorts(2)
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
		pr.b.end()
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
	if _, err := pr.b.ask(ordinary, "reset warm"); err != nil {
		return err
	}
	if _, err := pr.a.ask(*longest, "fill warm %d %d %d", warmPuts, *keys, *size); err != nil {
		return err
	}
	got, err := pr.b.ask(ordinary+*longest, "arrived %d %d %d", warmPuts, quiet.Milliseconds(), longest.Milliseconds())
	if err != nil {
		return err
	}
	if got[0] == 0 {
		return fmt.Errorf("%s: nothing that A put arrived at B: there is no link; the end of what A logged:\n%s", pr.s.name, tail(pr.a.log))
	}
	if got[0] < warmPuts {
		pr.note = fmt.Sprintf("%s: only %d of the %d puts of the warm-up arrived", pr.s.name, got[0], warmPuts)
	}
	return nil
}

func (pr *pair) end() {
	pr.a.end()
	pr.b.end()
}

// freePorts finds TCP ports of loopback that nobody listens on.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
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

// tail returns the last lines of a file, for an error.
func tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
