// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/internal/memnet"
)

// A peer that is known by its address, and by its id while it is dialled, is linked by that
// dial: the larger id does not begin to wait for it to dial instead.
func TestNamedWhileDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 50 * time.Millisecond
		n := memnet.New()
		a := newStation(t, n, 1, 2, func(c *Config) { c.DialGrace = time.Hour })
		b := newStation(t, n, 2, 1, func(c *Config) { c.DialGrace = time.Hour })
		n.SetDelay(at(1), at(2), delay)
		n.SetDelay(at(2), at(1), delay)
		a.book.fixed = []Peer{{Addrs: []string{b.addr}, Receive: true}}
		a.run()
		b.run()
		time.Sleep(delay) // the connection is on its way
		a.book.Bind(b.addr, b.id)
		t.Logf("linked after %v", settled(t, 8*delay, a, b))
		a.close()
		b.close()
	})
}

// An address that leads to a peer which is linked already tells whose it is, whichever side
// keeps the link that there is: from then on nobody else is looked for there.
func TestLedToLinked(t *testing.T) {
	for _, ids := range [][2]cache.NodeID{{1, 2}, {2, 1}} {
		for what, former := range map[string]cache.NodeID{"an address": 0, "a former life": 77} {
			inBubble := func(t *testing.T) {
				n := memnet.New()
				a, b := newStation(t, n, 1, ids[0]), newStation(t, n, 2, ids[1])
				a.run()
				b.run()
				b.knows(a)
				settled(t, time.Second, a, b)
				p := Peer{ID: former, Addrs: []string{b.addr}, Receive: true}
				a.book.mu.Lock()
				if clear(a.book.bound); former == 0 {
					a.book.fixed = []Peer{p}
				} else {
					a.book.peers[former] = p
				}
				a.book.mu.Unlock()
				a.book.poke()
				time.Sleep(time.Second)
				a.book.mu.Lock()
				defer a.book.mu.Unlock()
				if a.book.bound[b.addr] != b.id {
					t.Errorf("%d has a link with %d and does not find out that it is who it reaches as %s", a.id, b.id, what)
				}
			}
			t.Run(fmt.Sprint(ids, what), func(t *testing.T) { synctest.Test(t, inBubble) })
		}
	}
}

// Nobody is told of an address any more that is not dialled any more.
func TestReasonLetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := newStation(t, n, 1, 1), newStation(t, n, 2, 2)
		a.run()
		b.run()
		b.knows(a)
		settled(t, time.Second, a, b)
		for _, fixed := range [][]Peer{{{Addrs: []string{"10.0.0.2:9"}, Receive: true}}, nil} {
			a.book.mu.Lock()
			a.book.fixed = fixed
			a.book.mu.Unlock()
			a.book.poke()
			time.Sleep(time.Second)
			if down := b.peer(a.id).matrixRow().Down; len(down) != len(fixed) {
				t.Errorf("%d addresses are dialled, of which is told: %v", len(fixed), down)
			}
		}
	})
}

// What was before a link is known: nothing, another one whose place it takes, or a gap.
func TestMeeting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		var met []Meeting
		a := newStation(t, n, 1, 1, func(c *Config) { c.Linking = func(_ map[string]Forgotten, m Meeting) { met = append(met, m) } })
		b := newStation(t, n, 2, 2)
		a.run()
		b.run()
		b.knows(a)
		settled(t, time.Second, a, b)
		a.book.mu.Lock()
		a.book.fixed = []Peer{{Addrs: []string{b.addr}, Receive: true}} // the smaller id's link is kept
		a.book.mu.Unlock()
		a.book.poke()
		time.Sleep(time.Second)
		n.Partition(at(1), at(2))
		time.Sleep(time.Minute)
		n.HealAll()
		settled(t, 10*time.Second, a, b)
		time.Sleep(time.Second)
		if want := []Meeting{First, Instead, AfterGap}; !slices.Equal(met[:min(3, len(met))], want) {
			t.Errorf("%v, want %v", met, want)
		}
	})
}
