// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"lateral/benchmarks/internal/peer"
)

// A pair is the two processes of an engine, and its server if it has one.
type pair struct {
	e      *engine
	work   string
	dir    string
	ports  []int
	heapMB int
	aof    bool // the server keeps what it acknowledged, for about a second
	a, b   *process
	server *exec.Cmd
	log    string
}

func newPair(e *engine, work string, heapMB int) (*pair, error) {
	dir, err := os.MkdirTemp(work, e.short+"-")
	if err != nil {
		return nil, err
	}
	ports, err := peer.FreePorts(2)
	return &pair{e: e, work: work, dir: dir, ports: ports, heapMB: heapMB}, err
}

// open starts both and waits until each is ready and B follows A; what was
// started is ended if it can't be.
func open(e *engine, work string, heapMB int) (*pair, error) {
	p, err := newPair(e, work, heapMB)
	if err != nil {
		return nil, err
	}
	return p, p.up()
}

func (p *pair) up() error {
	for _, step := range []func() error{p.startServer, p.startBoth, p.linked} {
		if err := step(); err != nil {
			p.end()
			return err
		}
	}
	return nil
}

func (p *pair) startBoth() (err error) {
	if p.b, err = p.start("b"); err != nil {
		return err
	}
	if err := p.b.Ready(); err != nil { // who comes second finds the first
		return err
	}
	if p.a, err = p.start("a"); err != nil {
		return err
	}
	return p.a.Ready()
}

// start starts A or B, anew if need be.
func (p *pair) start(role string) (*process, error) {
	dir := filepath.Join(p.dir, role)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	own, other := p.ports[0], p.ports[1]
	if role == "b" {
		own, other = other, own
	}
	if p.e.redis {
		other = p.ports[0] // the server's
	}
	cmd, err := p.e.command(p.work, dir, role, own, other, p.heapMB)
	if err != nil {
		return nil, err
	}
	return launch(p.e.short+" "+role, cmd, filepath.Join(dir, "stderr.log"))
}

func (p *pair) startServer() error {
	if !p.e.redis {
		return nil
	}
	p.log = filepath.Join(p.dir, "redis.log")
	aof := "no"
	if p.aof {
		aof = "yes"
	}
	p.server = exec.Command("redis-server", "--bind", "127.0.0.1", redisForB, "--port", strconv.Itoa(p.ports[0]), "--save", "", "--appendonly", aof, "--appendfsync", "everysec",
		"--dir", p.dir, "--logfile", p.log)
	p.server.SysProcAttr = child()
	if err := p.server.Start(); err != nil {
		return err
	}
	for giveUp := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if pong(p.ports[0]) {
			return nil
		}
		if time.Now().After(giveUp) {
			return fmt.Errorf("redis-server did not answer; the end of what it logged:\n%s", peer.Tail(p.log))
		}
	}
}

// pong reports whether the server answers, and has read what it had on disk.
func pong(port int) bool {
	c, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(port), time.Second)
	if err != nil {
		return false
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	fmt.Fprint(c, "PING\r\n")
	buf := make([]byte, 64)
	n, err := c.Read(buf)
	return err == nil && strings.HasPrefix(string(buf[:n]), "+PONG")
}

func (p *pair) killServer() {
	if p.server != nil && p.server.Process != nil {
		p.server.Process.Kill()
		p.server.Wait()
		p.server = nil
	}
}

func (p *pair) end() {
	for _, x := range []*process{p.a, p.b} {
		if x != nil {
			x.End()
		}
	}
	p.killServer()
}

// linked puts until B is seen to follow A: JCS tells a new peer nothing for a while.
func (p *pair) linked() error {
	if !p.e.replicates {
		return nil // each reads from the source, or is ready when it says so
	}
	for giveUp := time.Now().Add(ordinary); time.Now().Before(giveUp); {
		if _, err := p.a.Ask(ordinary, "seed 1 40 1000"); err != nil {
			return err
		}
		n, err := p.b.Ask(ordinary, "ready 1 500")
		if err != nil {
			return err
		}
		if n[0] == 1 {
			return nil
		}
	}
	return fmt.Errorf("%s: nothing that A put arrived at B within %v: there is no link; the end of what A logged:\n%s", p.e.name, ordinary, peer.Tail(p.a.Log))
}
