// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/internal/memnet"
)

// oneEach fails unless every pair has exactly one connection, on which both
// ends agree.
func oneEach(t *testing.T, n *memnet.Net, stations ...*station) {
	t.Helper()
	if got, want := len(n.Established()), len(stations)*(len(stations)-1)/2; got != want {
		t.Errorf("%d connections, want %d: %v", got, want, n.Established())
	}
	for _, a := range stations {
		for _, b := range stations {
			if a == b {
				continue
			}
			la, lb := a.peer(b.id).link(), b.peer(a.id).link()
			if la == nil || lb == nil || la.conn.LocalAddr().String() != lb.conn.RemoteAddr().String() || la.out == lb.out {
				t.Errorf("%d and %d do not speak of the same link", a.id, b.id)
			}
		}
	}
}

// Whoever dials when, in the end there is one link per pair. The ways are slow
// by seed, so that hellos cross in every order, and nobody waits politely.
func TestSimultaneousDials(t *testing.T) {
	for seed := range uint64(100) {
		synctest.Test(t, func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 1))
			n := memnet.New()
			var all []*station
			for i := 1; i <= 4; i++ {
				s := newStation(t, n, i, cache.NodeID(rnd.Uint64()>>8|1), func(c *Config) {
					c.DialGrace, c.Logger = -1, nil
				})
				for j := 1; j < i; j++ {
					n.SetDelay(at(i), at(j), time.Duration(rnd.IntN(3))*time.Millisecond)
					n.SetDelay(at(j), at(i), time.Duration(rnd.IntN(3))*time.Millisecond)
				}
				all = append(all, s)
			}
			for _, s := range all {
				s.knows(all...)
			}
			for _, s := range all {
				s.run()
			}
			took := settled(t, time.Second, all...)
			time.Sleep(3 * time.Second) // whatever was still under way
			settled(t, 0, all...)
			oneEach(t, n, all...)
			for _, s := range all {
				// One link in place of another is no outage.
				if trace := fmt.Sprint(s.book.trace); strings.Contains(trace, "false") {
					t.Errorf("the directory of %d heard %s", s.id, trace)
				}
			}
			if t.Failed() {
				t.Fatalf("seed %d, settled after %v", seed, took)
			}
			for _, s := range all {
				s.close()
			}
		})
	}
}

// With the grace, most pairs are made by one dial.
func TestGraceSavesDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		var all []*station
		for i := 1; i <= 4; i++ {
			all = append(all, newStation(t, n, i, cache.NodeID(i)))
		}
		dials := int64(0)
		for _, s := range all {
			s.knows(all...)
			s.run()
		}
		if took := settled(t, time.Second, all...); took > 10*time.Millisecond {
			t.Errorf("settled after %v", took)
		}
		for _, s := range all {
			dials += s.counters.dialled.Load()
			s.close()
		}
		if dials != 6 {
			t.Errorf("%d dials for 6 links", dials)
		}
	})
}

// A static address is pursued as an address until it has led to an id. That
// this makes another pursuit of it must not cost the link that taught us.
func TestStaticAddressIsOneLink(t *testing.T) {
	for seed := range 30 {
		synctest.Test(t, func(t *testing.T) {
			n := memnet.New()
			a, b := newStation(t, n, 1, cache.NodeID(1+seed%2)), newStation(t, n, 2, cache.NodeID(2-seed%2))
			if a.id == b.id {
				t.Fatal(a.id)
			}
			a.book.fixed = []Peer{{Addrs: []string{b.addr}, Receive: true}, {Addrs: []string{a.addr}, Receive: true}}
			a.run()
			b.run()
			settled(t, 100*time.Millisecond, a, b)
			since := a.peer(b.id).link().since
			time.Sleep(3 * time.Second)
			settled(t, 0, a, b)
			oneEach(t, n, a, b)
			if l := a.peer(b.id).link(); !l.since.Equal(since) || a.counters.dialled.Load() != 2 {
				t.Errorf("the link is from %v, not %v; %d dials", l.since, since, a.counters.dialled.Load())
			}
			a.close()
			b.close()
		})
	}
}

// prefer is a strict order that both ends compute alike.
func TestPreferIsSymmetric(t *testing.T) {
	mk := func(own, peer, dial uint64, out bool) *link {
		l := &link{out: out, own: hello{identity: identity{ID: id(own)}}, peerHello: hello{identity: identity{ID: id(peer)}}}
		if out {
			l.own.Dial = dial
		} else {
			l.peerHello.Dial = dial
		}
		return l
	}
	type dial struct {
		by uint64
		nr uint64
	}
	dials := []dial{{1, 1}, {1, 2}, {2, 1}, {2, 7}}
	for _, x := range dials {
		for _, y := range dials {
			atOne := prefer(mk(1, 2, x.nr, x.by == 1), mk(1, 2, y.nr, y.by == 1))
			atTwo := prefer(mk(2, 1, x.nr, x.by == 2), mk(2, 1, y.nr, y.by == 2))
			back := prefer(mk(1, 2, y.nr, y.by == 1), mk(1, 2, x.nr, x.by == 1))
			if atOne != atTwo || x != y && atOne == back || x == y && atOne {
				t.Errorf("%v over %v: %v at one end, %v at the other, %v reversed", x, y, atOne, atTwo, back)
			}
		}
	}
}

// A link that the listener refuses as a duplicate is never one for the
// dialler: its log says nothing of a link that came and went.
func TestRefusedDuplicateIsNoLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := newStation(t, n, 1, 1), newStation(t, n, 2, 2)
		a.knows(b)
		a.run()
		b.run()
		settled(t, time.Second, a, b)
		for range 3 {
			if _, err := b.dial(t.Context(), a.addr, b.turn(t.Context())); fmt.Sprint(err) != a.addr+": "+errDuplicate.Error() {
				t.Errorf("%v", err)
			}
		}
		time.Sleep(time.Second)
		oneEach(t, n, a, b)
		if got := fmt.Sprint(a.book.trace, b.book.trace); got != fmt.Sprint([]string{b.id.String() + " true"}, []string{a.id.String() + " true"}) {
			t.Errorf("the directories heard %s", got)
		}
		a.close()
		b.close()
	})
}
