// SPDX-License-Identifier: Apache-2.0

package interop

import (
	"os"
	"strconv"
	"sync/atomic"
	"testing"

	"lateral/internal/lab"
)

// TestDeaf measures how often a JCS 1.3 node is deaf because Lateral dialled it
// while it opened its port (docs/migration.md). It is asked for by LATERAL_DEAF,
// the number of starts of each kind; -parallel says how many at once.
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
		j := launch(t, java).open()
		if j.deaf() {
			deaf++
		} else {
			linked(t, l, g, 1)
		}
		j.kill()
	}
	return deaf
}
