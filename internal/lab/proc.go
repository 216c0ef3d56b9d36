// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// maxLine is where a line of output is cut, so that one without end cannot
// fill the memory of the test.
const maxLine = 64 << 10

// A Proc is a process in a host. Its methods may be called by many goroutines.
type Proc struct {
	PID int

	host *Host
	what string
	cmd  *exec.Cmd

	mu    sync.Mutex // guards lines and more
	lines []string   // of both outputs, in order of arrival
	more  chan struct{}
	ended chan struct{} // closed when the process is gone and its output is read
	err   error         // of its end; read after ended
}

// Start starts a program in the host. It is killed at the end of the test,
// and what it printed is logged if the test failed.
func (h *Host) Start(name string, args ...string) *Proc {
	h.lab.t.Helper()
	cmd := exec.Command(name, args...)
	p, err := h.StartCmd(cmd)
	if err != nil {
		h.lab.t.Fatal(err)
	}
	return p
}

// StartCmd is Start for a command with an environment or directory of its own,
// and returns the error of a program that can't be started.
func (h *Host) StartCmd(cmd *exec.Cmd) (*Proc, error) {
	if cmd.Dir == "" {
		cmd.Dir = h.Dir
	}
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = syscall.SIGKILL // of the host's thread: it lives as long as the lab
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	errout, err := cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	p := &Proc{host: h, what: cmd.String(), cmd: cmd, more: make(chan struct{}), ended: make(chan struct{})}
	if err := h.space.doErr(cmd.Start); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", h.Name, p.what, err)
	}
	p.PID = cmd.Process.Pid
	h.procsMu.Lock()
	h.procs = append(h.procs, p)
	h.procsMu.Unlock()
	var reading sync.WaitGroup
	reading.Go(func() { p.read(out) })
	reading.Go(func() { p.read(errout) })
	go func() {
		defer close(p.ended)
		reading.Wait()
		p.err = cmd.Wait()
	}()
	return p, nil
}

func (p *Proc) read(r io.Reader) {
	br := bufio.NewReaderSize(r, maxLine)
	for {
		line, err := br.ReadSlice('\n')
		if len(line) > 0 {
			p.mu.Lock()
			p.lines = append(p.lines, strings.TrimSuffix(string(line), "\n"))
			close(p.more)
			p.more = make(chan struct{})
			p.mu.Unlock()
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// Lines returns what the process has printed so far, on both outputs.
func (p *Proc) Lines() []string {
	lines, _ := p.seen()
	return lines
}

func (p *Proc) seen() ([]string, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lines[:len(p.lines):len(p.lines)], p.more
}

// WaitLine returns the first line that contains the text, of those printed
// already or to come. It fails the test if there is none within the timeout,
// or the process ends without.
func (p *Proc) WaitLine(text string, timeout time.Duration) string {
	p.host.lab.t.Helper()
	late := time.NewTimer(timeout)
	defer late.Stop()
	why := ""
	for {
		lines, more := p.seen()
		for _, l := range lines {
			if strings.Contains(l, text) {
				return l
			}
		}
		if why != "" {
			p.host.lab.t.Fatalf("%s: %s: no line with %q %s; it printed\n%s", p.host.Name, p.what, text, why, strings.Join(lines, "\n"))
		}
		select {
		case <-more:
		case <-p.ended:
			why = fmt.Sprintf("before it ended (%v)", p.err)
		case <-late.C:
			why = "within " + timeout.String()
		}
	}
}

// ErrRunning is what Wait returns for a process that did not end in time.
var ErrRunning = errors.New("still running")

// Wait waits for the process to end. Its error is that of exec.Cmd.Wait, or
// ErrRunning.
func (p *Proc) Wait(timeout time.Duration) error {
	late := time.NewTimer(timeout)
	defer late.Stop()
	select {
	case <-p.ended:
		return p.err
	case <-late.C:
		return fmt.Errorf("%s: %s: pid %d %w after %v", p.host.Name, p.what, p.PID, ErrRunning, timeout)
	}
}

// Signal sends a signal to the process itself.
func (p *Proc) Signal(s syscall.Signal) {
	p.host.lab.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.host.lab.t.Fatalf("%s: %s: signal %v: %v", p.host.Name, p.what, s, err)
	}
}

// Kill is kill -9; the process is gone when it returns.
func (p *Proc) Kill() {
	p.host.lab.t.Helper()
	p.Signal(syscall.SIGKILL)
	p.gone()
}

// gone waits for the process alone: a child of its own may hold the outputs.
func (p *Proc) gone() {
	for {
		// WNOWAIT leaves the reaping to cmd.Wait.
		err := unix.Waitid(unix.P_PID, p.PID, nil, unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return // ended just now, or ECHILD: reaped
		}
	}
}

// Stop is SIGSTOP; the process stands still when it returns.
func (p *Proc) Stop() {
	p.host.lab.t.Helper()
	p.Signal(syscall.SIGSTOP)
	for {
		err := unix.Waitid(unix.P_PID, p.PID, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return
		}
	}
}

// Cont lets a stopped process go on.
func (p *Proc) Cont() { p.host.lab.t.Helper(); p.Signal(syscall.SIGCONT) }

// outputGrace is how long output is waited for after the end of a process.
const outputGrace = time.Second

// end is the end of the test.
func (p *Proc) end() {
	t := p.host.lab.t
	select {
	case <-p.ended:
	default:
		_ = p.cmd.Process.Kill() // it may just have ended
		p.gone()
		if err := p.Wait(outputGrace); errors.Is(err, ErrRunning) {
			t.Errorf("%s: %s left a child that holds its output", p.host.Name, p.what)
		}
	}
	if t.Failed() {
		t.Logf("%s: %s (pid %d, %v) printed\n%s", p.host.Name, p.what, p.PID, p.cmd.ProcessState, strings.Join(p.Lines(), "\n"))
	}
}
