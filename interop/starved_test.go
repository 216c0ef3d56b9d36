// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"testing"
	"time"
)

// TestStarved: a Java node writes a burst to a Lateral node that hardly gets
// the processor. JCS 3.2.1 gives a connection up, for good, when a write takes
// longer than a second, and what it has not written is lost; so what counts is
// whether all arrive, however late. It is asked for by LATERAL_STARVED, the
// number of rounds: it has busy loops take the machine.
func TestStarved(t *testing.T) {
	rounds, _ := strconv.Atoi(os.Getenv("LATERAL_STARVED"))
	if rounds == 0 {
		t.Skip("LATERAL_STARVED=rounds is not set: it takes the machine for itself")
	}
	needJava(t)
	g := generations[2]
	n := puts(t)
	for range rounds {
		a, b := freePort(t), freePort(t)
		p := runProgram(t, node{g: g, port: a, peers: []int{b}}, "nice", "-n", "19", "env", "GOMAXPROCS=1")
		j := start(t, node{g: g, port: b, peers: []int{a}})
		p.linked(g)
		reaches(t, "Java to Lateral", 1, javaPuts(j), func(k string) bool { return p.redis("GET", k) == "v" })
		before := p.size()
		free := busy(t, 2*runtime.NumCPU())
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
		free()
		t.Logf("of %d puts %d arrived, %d were lost; put in %v, the last arrived after %v", n, last, n-last, filled.Round(time.Millisecond), arrived.Sub(began).Round(time.Millisecond))
		if last < n {
			t.Errorf("%d were lost", n-last)
		}
		j.kill()
	}
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
