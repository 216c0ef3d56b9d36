// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/converge"
	"lateral/internal/memnet"
)

// donors are linked stations that hold the same, and a joiner that knows them.
func donors(t *testing.T, n *memnet.Net, count, elements int) (joiner *station, all []*station) {
	t.Helper()
	for i := range count {
		all = append(all, newStation(t, n, i+1, cache.NodeID(i+1)))
	}
	value := strings.Repeat("v", 100)
	for i := range elements {
		e := cache.Element{Key: fmt.Sprint("key", i), Value: cache.Value{Bytes: value}, Attr: &cache.DefaultAttributes, Stamp: all[0].clock.Next(time.Now().UnixMilli())}
		for _, s := range all {
			s.state.keepLocked(e)
		}
	}
	for _, s := range all {
		s.knows(all...)
		s.run()
	}
	settled(t, time.Second, all...)
	time.Sleep(time.Second)
	joiner = newStation(t, n, count+1, cache.NodeID(count+1))
	joiner.knows(all...)
	for i := range count {
		n.SetDelay(at(i+1), at(count+1), 5*time.Millisecond)
		n.SetDelay(at(count+1), at(i+1), 5*time.Millisecond)
	}
	return joiner, all
}

// An empty node is filled by several peers, each element by one of them and
// without a list of keys; a sync with each then finds nothing more.
func TestFillInShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		const elements = 20_000
		j, all := donors(t, n, 3, elements)
		j.run()
		until(t, time.Minute, "synced with all", func() bool {
			return j.peer(1).syncedSince(0) && j.peer(2).syncedSince(0) && j.peer(3).syncedSince(0)
		})
		sum := uint64(0)
		for _, s := range all {
			out := s.Synced("State").ElementsOut
			if sum += out; out < elements/shares {
				t.Errorf("%d gave %d of %d", s.id, out, elements)
			}
			if !equal(s, j) {
				t.Errorf("%d is not equal", s.id)
			}
		}
		if tr := j.Synced("State"); sum != elements || tr.ElementsIn != elements || tr.ElementsOut != 0 || tr.BytesOut > 2000 {
			t.Errorf("%d were given, %+v", sum, tr)
		}
		if _, _, ok := j.fills.percent("State"); ok || j.fills.fresh("State") {
			t.Error("the fill is not over")
		}
		for _, s := range append(all, j) {
			s.close()
		}
	})
}

// The share of a donor that goes away in the middle is asked of another, and
// writers go on meanwhile.
func TestFillSurvivesDonors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		j, all := donors(t, n, 3, 30_000)
		j.run()
		until(t, time.Second, "giving", func() bool { _, k, ok := j.fills.percent("State"); return ok && k == 3 })
		all[2].kill()
		all[1].kill()
		all[0].put(all[0].state, "key7", "new")
		j.put(j.state, "key8", "own")
		until(t, time.Minute, "filled", func() bool { return equal(j, all[0]) && j.peer(1).syncedSince(0) })
		if e, _ := j.state.Get(0, "key7"); e.Value.Bytes != "new" {
			t.Errorf("%+v", e)
		}
		for _, s := range append(all, j) {
			s.close()
		}
	})
}

// Nodes that start together with nothing neither fill nor wait for each other;
// who is being filled gives nothing, and is not compared with before.
func TestFillOfNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		until(t, time.Second, "synced", func() bool { return a.peer(2).syncedSince(0) && b.peer(1).syncedSince(0) })
		full := newStation(t, n, 3, 3)
		for i := range 500 {
			full.keep(full.state, fmt.Sprint("k", i))
		}
		full.knows(a, b)
		full.run()
		until(t, time.Second, "all equal", func() bool { return equal(a, full) && equal(b, full) })
		for _, s := range []*station{a, b, full} {
			s.close()
		}
	})
}

// The bookkeeping of shares: none is lost or given twice, whoever goes.
func TestShares(t *testing.T) {
	f := fills{active: map[string]*fill{}, filled: map[string]bool{}}
	a, b, c := &link{}, &link{}, &link{}
	if _, turn := f.share(a, "r", false); turn != compares {
		t.Error("nothing is to be filled")
	}
	seen := map[converge.Range]int{}
	take := func(l *link) turn {
		g, turn := f.share(l, "r", true)
		if turn == asks {
			seen[g]++
		}
		return turn
	}
	take(a)
	take(b)
	f.progress(a, "r", 100, 50)
	if p, n, ok := f.percent("r"); !ok || p != 100/shares/2 || n != 2 {
		t.Error(p, n, ok)
	}
	f.gave(b, "r", true)
	f.lost(b) // between two shares: it has none to give back
	f.gave(a, "r", false)
	if _, _, ok := f.percent("r"); ok || !f.fresh("r") {
		t.Error("nobody gives, and it goes on")
	}
	clear(seen)
	for take(a) == asks { // from the beginning
		if take(c) == asks {
			f.lost(c)
		}
		f.gave(a, "r", true)
		if !f.fresh("r") {
			break
		}
	}
	if len(seen) != shares {
		t.Errorf("%v", seen)
	}
	f.share(a, "r", true)
	if _, turn := f.share(a, "none", false); turn != compares {
		t.Error(turn)
	}
}
