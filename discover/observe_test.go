// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"lateral/beacon"
)

// TestObserve: who observes says what Also returns and not a byte more, asks
// once, is told of every datagram, knows no members, and is known to none.
func TestObserve(t *testing.T) {
	inBubble(t, func(b *bubble) {
		g, heard := tap(b, 9)
		var told atomic.Int64
		words := map[Kind]string{Announce: "announce", Solicit: "solicit", Withdraw: "withdraw"}
		o := b.start(1, anna, func(c *Config) {
			c.Observe = true
			c.Also = func(k Kind) (front, alone [][]byte) { return nil, [][]byte{[]byte(words[k])} }
			c.Alien = func(from beacon.Source, _ []byte) {
				if from.Addr.Addr() == host(2) {
					told.Add(1)
				}
			}
		})
		passes(time.Minute)
		var said []string
		for _, d := range heard() {
			said = append(said, string(d))
		}
		if n := len(said); n < 6 || said[0] != "solicit" || slices.Contains(said[1:], "solicit") {
			t.Errorf("%q", said)
		}
		two := b.start(2, bert, nil)
		passes(time.Minute)
		two.knows("")
		o.knows("")
		if told.Load() < 6 {
			t.Errorf("it was told of %d datagrams", told.Load())
		}
		end(o)
		if list := heard(); string(list[len(list)-1]) != "withdraw" {
			t.Errorf("its last word is %q", list[len(list)-1])
		}
		end(two)
		g.Close()
	})
}

// TestObserveInSilence: where nothing is to be said, nothing is.
func TestObserveInSilence(t *testing.T) {
	inBubble(t, func(b *bubble) {
		g, heard := tap(b, 9)
		o := b.start(1, anna, func(c *Config) { c.Observe = true })
		passes(time.Minute)
		end(o)
		if list := heard(); len(list) > 0 {
			t.Errorf("it said %q", list[0])
		}
		g.Close()
	})
}
