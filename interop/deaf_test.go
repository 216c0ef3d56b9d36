// SPDX-License-Identifier: Apache-2.0

//go:build unix

package interop

import (
	"os"
	"strconv"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lateral/internal/lab"
)

// TestDeaf measures how often a JCS 1.3 node is deaf because Lateral dialled it
// while it opened its port (docs/migration.md). It is asked for by LATERAL_DEAF,
// the number of starts of each kind; -parallel says how many at once. The Java
// node gets a fifth of a processor, in slices, as from a crowded machine or a
// container's quota: that makes the moment longer.
func TestDeaf(t *testing.T) {
	starts, _ := strconv.Atoi(os.Getenv("LATERAL_DEAF"))
	if starts == 0 {
		t.Skip("LATERAL_DEAF=starts is not set: a start takes a second or two of a processor")
	}
	needJava(t)
	for _, kind := range []struct {
		name   string
		listed bool // by the Java node
		anew   bool // the Lateral node is started with each Java node
	}{
		{"both list each other, Java is restarted", true, false},
		{"both list each other, both are started", true, true},
		{"only Lateral lists, Java is restarted", false, false},
		{"only Lateral lists, both are started", false, true},
	} {
		t.Run(kind.name, func(t *testing.T) {
			var deaf, all atomic.Int64
			defer func() { t.Logf("%s: %d of %d starts deaf", kind.name, deaf.Load(), all.Load()) }()
			t.Run("starts", func(t *testing.T) {
				const lives = 10 // of one Lateral node
				for range starts / lives {
					t.Run("", func(t *testing.T) {
						t.Parallel()
						for i := 0; i < lives; {
							n := lives
							if kind.anew {
								n = 1
							}
							d := deafOf(t, n, kind.listed)
							deaf.Add(int64(d))
							all.Add(int64(n))
							i += n
						}
					})
				}
			})
		})
	}
}

// deafOf starts a Java node so many times beside one Lateral node, and returns
// how often it was deaf.
func deafOf(t *testing.T, times int, listed bool) (deaf int) {
	t.Helper()
	g := generations[0]
	at, javaAt := lab.Port(t), lab.Port(t)
	java := node{g: g, port: javaAt, more: []string{".UdpDiscoveryEnabled=false"}}
	if listed {
		java.peers = []int{at}
	}
	l := open(t, node{g: g, port: at, peers: []int{javaAt}})
	defer l.Close()
	for range times {
		j := launch(t, java)
		full := slices20(j)
		j.open()
		full()
		if j.deaf() {
			deaf++
		} else {
			linked(t, l, g, 1)
		}
		j.kill()
	}
	return deaf
}

// slices20 lets a JVM run for 4 ms of every 20, until full is called.
func slices20(j *jvm) (full func()) {
	stop, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		p := j.cmd.Process
		defer p.Signal(syscall.SIGCONT)
		for {
			p.Signal(syscall.SIGSTOP)
			select {
			case <-stop:
				return
			case <-time.After(16 * time.Millisecond):
			}
			p.Signal(syscall.SIGCONT)
			time.Sleep(4 * time.Millisecond)
		}
	}()
	return func() { close(stop); <-done }
}
