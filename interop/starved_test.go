// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"syscall"
	"testing"
	"time"

	"lateral/internal/lab"
)

// TestStarved: a Java node writes a burst to a Lateral node that hardly gets
// the processor: of the lowest priority beside twice as many busy loops as there
// are processors; or stopped for a second and a half in the middle. JCS 3.2.1
// gives a connection up, for good, when a write takes longer than a second, and
// what it has not written is lost; so what counts is how many arrive, however
// late. It is asked for by LATERAL_STARVED, the number of rounds: it takes the
// machine.
func TestStarved(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("LATERAL_STARVED"))
	if rounds == 0 {
		t.Skip("LATERAL_STARVED=rounds is not set: it takes the machine for itself")
	}
	needJava(t)
	for i := range rounds {
		t.Run(fmt.Sprint("stopped ", i), func(t *testing.T) {
			starved(t, nil, func(p *program) func() {
				timer := time.AfterFunc(time.Second, func() {
					p.cmd.Process.Signal(syscall.SIGSTOP)
					time.AfterFunc(1500*time.Millisecond, func() { p.cmd.Process.Signal(syscall.SIGCONT) })
				})
				return func() { timer.Stop() }
			})
		})
		t.Run(fmt.Sprint("crowded out ", i), func(t *testing.T) {
			starved(t, []string{"nice", "-n", "19", "env", "GOMAXPROCS=1"}, func(*program) func() { return busy(t, 2*runtime.NumCPU()) })
		})
	}
}

func starved(t *testing.T, wrap []string, starve func(p *program) (end func())) {
	g, n := generations[2], puts(t)
	a, b := lab.Port(t), lab.Port(t)
	p := runProgram(t, node{g: g, port: a, peers: []int{b}}, wrap...)
	j := start(t, node{g: g, port: b, peers: []int{a}})
	p.linked(g)
	reaches(t, "Java to Lateral", 1, javaPuts(j), func(k string) bool { return p.redis("GET", k) == "v" })
	before := p.size()
	end := starve(p)
	began := time.Now()
	j.ask("fill alpha in %d %d", n, padding)
	filled := time.Since(began)
	last, arrived := 0, time.Now()
	for time.Since(arrived) < 15*time.Second && last < n {
		if now := p.size() - before; now != last {
			last, arrived = now, time.Now()
		}
		time.Sleep(50 * time.Millisecond)
	}
	end()
	t.Logf("of %d puts %d arrived, %d were lost; put in %v, the last arrived after %v", n, last, n-last, filled.Round(time.Millisecond), arrived.Sub(began).Round(time.Millisecond))
}

// size is how many keys it holds.
func (p *program) size() int {
	p.t.Helper()
	n, err := strconv.Atoi(p.redis("DBSIZE"))
	if err != nil {
		p.t.Fatal(err)
	}
	return n
}

// busy takes so many processors until free is called.
func busy(t *testing.T, n int) (free func()) {
	var loops []*exec.Cmd
	for range n {
		c := exec.Command("sh", "-c", "while :; do :; done")
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		loops = append(loops, c)
	}
	free = func() {
		for _, c := range loops {
			c.Process.Kill()
			c.Wait()
		}
		loops = nil
	}
	t.Cleanup(func() { free() })
	return free
}
