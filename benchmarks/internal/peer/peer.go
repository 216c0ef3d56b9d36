// SPDX-License-Identifier: Apache-2.0

// Package peer runs the processes that benchmarks compare: each answers questions, one
// line each, on its standard input and output, after a first line "ready".
package peer

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// MaxLine bounds the longest question and answer, in bytes.
const MaxLine = 32 << 20

// A Process is one that answers questions, one at a time. Log is the file with its standard error.
type Process struct {
	Name string
	Cmd  *exec.Cmd
	Log  string

	in  io.WriteCloser
	out *bufio.Scanner
}

// Launch starts a command; what it says on standard error is appended to a file.
func Launch(name string, cmd *exec.Cmd, log string) (*Process, error) {
	p := &Process{Name: name, Cmd: cmd, Log: log}
	f, err := os.OpenFile(log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
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
	p.out.Buffer(nil, MaxLine)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// Ready waits for the first line.
func (p *Process) Ready() error {
	answer, err := p.Answer("(start)", 2*time.Minute)
	if err == nil && answer != "ready" {
		err = fmt.Errorf("%s did not become ready but said %q", p.Name, answer)
	}
	return err
}

// Tell asks a question, whose answer is to be read by Answer or Numbers.
func (p *Process) Tell(format string, args ...any) (question string) {
	question = fmt.Sprintf(format, args...)
	fmt.Fprintln(p.in, question) // a process that is gone gives no answer
	return question
}

// ErrSilent is that a process gave no answer in time, and was ended for it.
var ErrSilent = errors.New("no answer")

// Answer reads one line, for at most so long: then the process is ended. The question is for
// the error.
func (p *Process) Answer(question string, most time.Duration) (string, error) {
	late := time.AfterFunc(most, func() { p.Cmd.Process.Kill() })
	defer late.Stop()
	if len(question) > 60 {
		question = question[:60] + "…"
	}
	if !p.out.Scan() {
		return "", fmt.Errorf("%s: %w to %q (it has ended, or took longer than %v); the end of what it logged:\n%s", p.Name, ErrSilent, question, most, Tail(p.Log))
	}
	if text := p.out.Text(); !strings.HasPrefix(text, "error ") {
		return text, nil
	}
	return "", fmt.Errorf("%s answered %q with %s", p.Name, question, p.out.Text())
}

// Words returns the words of an answer.
func (p *Process) Words(most time.Duration, format string, args ...any) ([]string, error) {
	text, err := p.Answer(p.Tell(format, args...), most)
	return strings.Fields(text), err
}

// Ask returns the numbers of an answer; "ok" is none.
func (p *Process) Ask(most time.Duration, format string, args ...any) ([]int64, error) {
	return p.Numbers(p.Tell(format, args...), most)
}

// Numbers is Ask of a question that has been told.
func (p *Process) Numbers(question string, most time.Duration) ([]int64, error) {
	text, err := p.Answer(question, most)
	if err != nil || text == "ok" {
		return nil, err
	}
	var ns []int64
	for word := range strings.FieldsSeq(text) {
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil {
			return nil, fmt.Errorf("%s answered %q with %.100q, where numbers were expected", p.Name, question, text)
		}
		ns = append(ns, n)
	}
	if len(ns) == 0 {
		return nil, fmt.Errorf("%s answered %q with nothing", p.Name, question)
	}
	return ns, nil
}

// End kills the process, as kill -9 does.
func (p *Process) End() {
	p.in.Close()
	p.Cmd.Process.Kill()
	p.Cmd.Wait()
}

// Tail returns the last lines of a file, for an error.
func Tail(path string) string {
	b, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-10):], "\n")
}
