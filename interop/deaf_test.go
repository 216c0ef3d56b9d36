// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lateral/internal/lab"
)

// TestDeaf measures how often a JCS 1.3 node is deaf because Lateral dialled it
// while it opened its port (docs/migration.md). It is asked for by LATERAL_DEAF,
// the number of starts of each kind; -parallel says how many at once. That moment
// takes some milliseconds; here the JVM loses the processor for held of them,
// as on a crowded machine or by a container's quota. LATERAL_DEAF_HELD=0s leaves it
// alone.
func TestDeaf(t *testing.T) {
	starts, _ := strconv.Atoi(os.Getenv("LATERAL_DEAF"))
	if starts == 0 {
		t.Skip("LATERAL_DEAF=starts is not set: a start takes a second or two of a processor")
	}
	needJava(t)
	held, err := time.ParseDuration(os.Getenv("LATERAL_DEAF_HELD"))
	if err != nil {
		held = 100 * time.Millisecond
	}
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
			var deaf, all, took atomic.Int64
			defer func() {
				t.Logf("%s: %d of %d starts deaf; the others dialled after %v in the mean", kind.name, deaf.Load(), all.Load(),
					time.Duration(took.Load()/max(all.Load()-deaf.Load(), 1)).Round(time.Millisecond))
			}()
			const lives = 10 // of one Lateral node
			t.Run("starts", func(t *testing.T) {
				for range starts / lives {
					t.Run("", func(t *testing.T) {
						t.Parallel()
						for i := 0; i < lives; {
							n := lives
							if kind.anew {
								n = 1
							}
							d, after := deafOf(t, n, kind.listed, held)
							deaf.Add(int64(d))
							took.Add(int64(after))
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
// how often it was deaf, and how long the dials took in all.
func deafOf(t *testing.T, times int, listed bool, held time.Duration) (deaf int, took time.Duration) {
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
		seen := make(chan time.Time, 1)
		go func() { seen <- hold(j, javaAt, held) }()
		j.open()
		opened := <-seen
		if j.deaf() {
			deaf++
		} else {
			linked(t, l, g, 1)
			took += time.Since(opened)
		}
		j.kill()
	}
	return deaf, took
}

// hold stops a JVM for a while as soon as it has opened a port, and returns
// when that was.
func hold(j *jvm, port int, d time.Duration) (opened time.Time) {
	table := fmt.Sprintf("/proc/%d/net/tcp6", j.cmd.Process.Pid)
	listening := fmt.Sprintf(":%04X 00000000000000000000000000000000:0000 0A", port)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		b, err := os.ReadFile(table)
		if err == nil && strings.Contains(string(b), listening) {
			break
		}
	}
	opened = time.Now()
	if d > 0 {
		j.cmd.Process.Signal(syscall.SIGSTOP)
		time.Sleep(d)
		j.cmd.Process.Signal(syscall.SIGCONT)
	}
	return opened
}
