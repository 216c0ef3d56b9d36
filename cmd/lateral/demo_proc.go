// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"lateral/web"
)

// endTime is what a service gets for its goodbye before it is killed.
const endTime = 4 * time.Second

// A proc is a service of the demo.
type proc struct {
	host    *demoHost
	service string
	cmd     *exec.Cmd // nil before the first start and after the end
	ended   chan struct{}
}

func (p *proc) name() string    { return p.host.name + "/" + p.service }
func (p *proc) logFile() string { return filepath.Join(p.host.dir, p.service+".log") }

func (p *proc) socket() string { return filepath.Join(p.host.runtime, p.service+".sock") }

// client asks this service.
func (p *proc) client() *web.Client { return web.NewClient(p.service, p.socket()) }

// start runs the service. The caller is locked to its thread, with which the
// kernel ends the process.
func (p *proc) start() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	log, err := os.OpenFile(p.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd := exec.Command(self, "run", "--service", p.service, "--host", p.host.name,
		"--config", filepath.Join(p.host.dir, p.service), "--runtime-dir", p.host.runtime)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = log, log, childAttr()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start of %s: %w", p.name(), err)
	}
	p.cmd, p.ended = cmd, make(chan struct{})
	go func() {
		cmd.Wait() // why it ended is in its log
		close(p.ended)
	}()
	return nil
}

func (p *proc) running() bool {
	if p.cmd == nil {
		return false
	}
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// kill is kill -9; the process is gone when it returns.
func (p *proc) kill() {
	p.cmd.Process.Kill()
	<-p.ended
}

func (p *proc) terminate() {
	if p.running() {
		p.cmd.Process.Signal(syscall.SIGTERM)
	}
}

// wait returns when the process has ended, by force if need be.
func (p *proc) wait() {
	if p.cmd == nil {
		return
	}
	late := time.AfterFunc(endTime, func() { p.cmd.Process.Kill() })
	<-p.ended
	late.Stop()
}

// tail is the end of the log.
func (p *proc) tail() string {
	b, err := os.ReadFile(p.logFile())
	if err != nil {
		return "  " + err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return "  " + strings.Join(lines[max(0, len(lines)-12):], "\n  ")
}
