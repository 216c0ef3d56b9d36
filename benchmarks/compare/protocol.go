// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The questions that driver.go and java/src/peers/Driver.java both answer, one
// line each, after a first line "ready". Times that are given are in ms, times
// that are answered in ns. A key has one writing thread: the last put is known.
//
//	fill RUN THREADS KEYS SIZE MS MAX        put for MS, at most MAX       → ns, puts of each thread
//	settle RUN THREADS KEYS QUIET MAX DROPS N…  wait for the last of these puts; DROPS: none is as good → good, all, ns
//	bulk N SIZE                              put N keys, the quickest way   → ns
//	prime N SIZE                             read N keys from their source  → how many are there now
//	seed N SIZE RATE                         put old values                 → ok
//	ready N MAX                              have N of them in memory       → how many
//	paced RATE N SIZE                        put new ones                   → wall clock before and after each
//	poll N MAX DROPS                         read until they are not old    → of each: last time an old one was asked for and had, first time not (-1: never)
//	gets THREADS KEYS MS                     read random keys               → reads, ns, misses
//	heap                                     collect garbage                → bytes in use
//	write RUN KEYS RATE MS SIZE EVERY FROM   put random keys of FROM, FROM+EVERY, … → puts, errors, ns of the longest
//	last                                     what write has put             → the last of each key, -1 for none
//	dump KEYS                                what can be read               → RUN:NUMBER of each key, - for none
//	acked FILE SIZE                          put until killed, acknowledged; their number is in FILE → ok
//	survive N                                of these                       → how many cannot be read
//
// maxAnswer bounds the longest answer.
const maxAnswer = 16 << 20

// ordinary is how long a question may take that has no time of its own.
const ordinary = time.Minute

// A process is one of the two.
type process struct {
	name string
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Scanner
	log  string // file with its standard error
}

func launch(name string, cmd *exec.Cmd, log string) (*process, error) {
	p := &process{name: name, cmd: cmd, log: log}
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	cmd.Stderr, cmd.SysProcAttr = f, child()
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
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// ready waits for the first line.
func (p *process) ready() error {
	answer, err := p.answer("(start)", 2*time.Minute)
	if err == nil && answer != "ready" {
		err = fmt.Errorf("%s did not become ready but said %q", p.name, answer)
	}
	return err
}

func (p *process) tell(format string, args ...any) (question string) {
	question = fmt.Sprintf(format, args...)
	fmt.Fprintln(p.in, question) // a process that is gone gives no answer
	return question
}

// errSilent is that a process gave no answer in time, and was ended for it.
var errSilent = errors.New("no answer")

// answer reads one line, for at most so long: then the process is ended.
func (p *process) answer(question string, most time.Duration) (string, error) {
	late := time.AfterFunc(most, func() { p.cmd.Process.Kill() })
	defer late.Stop()
	if len(question) > 60 {
		question = question[:60] + "…"
	}
	if !p.out.Scan() {
		return "", fmt.Errorf("%s: %w to %q (it has ended, or took longer than %v); the end of what it logged:\n%s", p.name, errSilent, question, most, tail(p.log))
	}
	if text := p.out.Text(); !strings.HasPrefix(text, "error ") {
		return text, nil
	}
	return "", fmt.Errorf("%s answered %q with %s", p.name, question, p.out.Text())
}

func (p *process) words(most time.Duration, format string, args ...any) ([]string, error) {
	text, err := p.answer(p.tell(format, args...), most)
	return strings.Fields(text), err
}

// ask returns the numbers of an answer; "ok" is none.
func (p *process) ask(most time.Duration, format string, args ...any) ([]int64, error) {
	return p.numbers(p.tell(format, args...), most)
}

func (p *process) numbers(question string, most time.Duration) ([]int64, error) {
	text, err := p.answer(question, most)
	if err != nil || text == "ok" {
		return nil, err
	}
	var ns []int64
	for word := range strings.FieldsSeq(text) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s answered %q with %.100q, where numbers were expected", p.name, question, text)
		}
		ns = append(ns, n)
	}
	if len(ns) == 0 {
		return nil, fmt.Errorf("%s answered %q with nothing", p.name, question)
	}
	return ns, nil
}

// end kills the process, as kill -9 does.
func (p *process) end() {
	p.in.Close()
	p.cmd.Process.Kill()
	p.cmd.Wait()
}

// resident is the memory of the process that is in RAM, in bytes; 0 where the
// system does not tell.
func (p *process) resident() int64 {
	text, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p.cmd.Process.Pid), "status"))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if v, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kb, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(v), " kB"), 10, 64)
			return kb << 10
		}
	}
	return 0
}

// freePorts finds TCP ports of loopback that nobody listens on, nor on the one
// after (JGroups' failure detector has that).
func freePorts(n int) (ports []int, err error) {
	for len(ports) < n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		port := l.Addr().(*net.TCPAddr).Port
		next, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port+1))
		if err != nil {
			continue
		}
		defer next.Close()
		ports = append(ports, port)
	}
	return ports, nil
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
