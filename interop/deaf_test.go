// SPDX-License-Identifier: Apache-2.0

//go:build linux

package interop

import (
	"cmp"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lateral/internal/lab"
)

// TestDeaf measures how often a JCS 1.3 node is deaf because Lateral dialled it
// while it opened its port (docs/migration.md). It is asked for by LATERAL_DEAF,
// the number of starts of each kind; -parallel says how many at once. That moment
// takes some milliseconds, in which the JVM loads a class; here that one takes
// LATERAL_DEAF_SLOW of them more (100), as on a crowded machine or by a container's
// quota (java/Slow.java). With 0 nothing is slowed.
func TestDeaf(t *testing.T) {
	starts, _ := strconv.Atoi(os.Getenv("LATERAL_DEAF"))
	if starts == 0 {
		t.Skip("LATERAL_DEAF=starts is not set: a start takes a second or two of a processor")
	}
	needJava(t)
	g := generations[0]
	switch slow := cmp.Or(os.Getenv("LATERAL_DEAF_SLOW"), "100"); slow {
	case "0":
	default:
		g.flags = "-Djava.system.class.loader=Slow -Dslow=" + slow
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
							d, after := deafOf(t, g, n, kind.listed)
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
func deafOf(t *testing.T, g generation, times int, listed bool) (deaf int, took time.Duration) {
	t.Helper()
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
		go func() { seen <- listens(j, javaAt) }()
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

// listens waits until a JVM has opened a port, and returns when that was.
func listens(j *jvm, port int) (at time.Time) {
	table := fmt.Sprintf("/proc/%d/net/tcp6", j.cmd.Process.Pid)
	listening := fmt.Sprintf(":%04X 00000000000000000000000000000000:0000 0A", port)
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(time.Millisecond) {
		b, err := os.ReadFile(table)
		if err == nil && strings.Contains(string(b), listening) {
			break
		}
	}
	return time.Now()
}
