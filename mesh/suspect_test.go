// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
)

// roll is a Directory that believes in whom the test says.
type roll struct {
	Directory
	peers []Peer
	heard []string
}

func (r *roll) Peers() []Peer { return r.peers }
func (r *roll) Linked(id cache.NodeID, up bool) {
	r.heard = append(r.heard, map[bool]string{true: "up", false: "down"}[up])
}
func (r *roll) Left(cache.NodeID) { r.heard = append(r.heard, "left") }

func TestSuspicion(t *testing.T) {
	for range 20 { // the order of what is missed must not matter
		synctest.Test(t, testSuspicion)
	}
}

func testSuspicion(t *testing.T) {
	r := &roll{peers: []Peer{{ID: 1}, {ID: 2}}}
	s := &Suspicion{Directory: r, Settle: time.Second}
	began := time.Now()
	expect := func(what string, ok bool, after time.Duration, losses uint64) {
		t.Helper()
		since, got := s.Since()
		if got != ok || ok && since.Sub(began) != after || s.Losses() != losses {
			t.Errorf("%s: missed is %v since %v, %d losses; want %v, %v, %d", what, got, since.Sub(began), s.Losses(), ok, after, losses)
		}
	}
	expect("never linked", false, 0, 0)
	s.Linked(1, true)
	s.Linked(2, true)
	expect("linked", false, 0, 0)

	time.Sleep(time.Second)
	s.Linked(1, false)
	expect("one lost", true, time.Second, 1)
	time.Sleep(time.Second)
	s.Linked(2, false)
	s.Left(2)
	expect("another said goodbye", true, time.Second, 1)
	s.Linked(2, true)
	s.Linked(2, false)
	all := r.peers
	r.peers = all[:1]
	s.Peers() // its datagram was quicker than its goodbye
	s.Left(2)
	r.peers = all
	expect("it said goodbye and was forgotten", true, time.Second, 1)
	s.Linked(2, true)
	s.Linked(2, false)
	expect("both lost", true, time.Second, 2)
	time.Sleep(time.Hour)
	s.Peers()
	expect("still believed in", true, time.Second, 2)

	s.Linked(1, true)
	time.Sleep(time.Hour)
	expect("one is back", true, time.Second, 2)
	s.caughtUp(1)
	expect("one has caught up", true, 2*time.Second, 2)
	s.Linked(2, true)
	expect("the other is back", true, 2*time.Second, 2)
	s.caughtUp(2)
	s.caughtUp(2)
	expect("both have caught up", false, 0, 2)

	// Lost again before it has caught up: what it missed first may still be missing.
	at := time.Since(began)
	s.Linked(1, false)
	time.Sleep(time.Second)
	s.Linked(1, true)
	time.Sleep(time.Second / 2)
	s.Linked(1, false)
	time.Sleep(time.Second)
	expect("lost before it has caught up", true, at, 4)
	// Lost again later: since then.
	s.Linked(1, true)
	s.caughtUp(1)
	time.Sleep(time.Second)
	at = time.Since(began)
	s.Linked(1, false)
	expect("lost later", true, at, 5)

	r.peers = r.peers[1:]
	s.Peers()
	expect("forgotten just now", true, at, 5)
	time.Sleep(time.Second)
	expect("forgotten", false, 0, 5)
	if want := []string{"up", "up", "down", "down", "left", "up", "down", "left", "up", "down", "up", "up", "down", "up", "down", "up", "down"}; !slices.Equal(r.heard, want) {
		t.Errorf("the directory heard %v", r.heard)
	}
}
