// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/internal/memnet"
)

// two runs two linked stations.
func two(t *testing.T, n *memnet.Net, edit ...func(*Config)) (a, b *station) {
	t.Helper()
	a, b = newStation(t, n, 1, 1, edit...), newStation(t, n, 2, 2, edit...)
	a.knows(b)
	b.knows(a)
	a.run()
	b.run()
	settled(t, time.Second, a, b)
	return a, b
}

func until(t *testing.T, most time.Duration, what string, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		synctest.Wait()
		if ok() {
			return time.Since(began)
		}
		if time.Since(began) > most {
			t.Fatalf("after %v: not %s", most, what)
		}
		time.Sleep(time.Millisecond)
	}
}

func puts(from, to int) (want []string) {
	for i := from; i < to; i++ {
		want = append(want, fmt.Sprint("put k", i))
	}
	return want
}

func smallLog(c *Config) { setLog(c, 64<<10) }
func bigLog(c *Config)   { setLog(c, 4<<20) }

// A node that joins with empty memory is filled by a sync, tombstones
// included, and brings what it has itself.
func TestJoin(t *testing.T) {
	for _, joiner := range []cache.NodeID{1, 9} { // either side of the order of ids
		synctest.Test(t, func(t *testing.T) {
			n := memnet.New()
			a := newStation(t, n, 1, 5, smallLog)
			a.run()
			for i := range 2000 {
				a.put(a.state, fmt.Sprint("k", i), strings.Repeat("v", 100))
			}
			for i := range 10 {
				a.remove(a.state, fmt.Sprint("k", i))
			}
			b := newStation(t, n, 2, joiner, smallLog)
			for i := range 300 {
				b.put(b.state, fmt.Sprint("b", i), strings.Repeat("w", 1000))
			}
			b.knows(a)
			b.run()
			took := until(t, 5*time.Second, "equal", func() bool { return a.state.digest.Root() == b.state.digest.Root() })
			if e, ok := b.state.Lookup("k3"); !ok || e.State != cache.Tombstone || len(b.state.held) != 2300 || len(a.state.held) != 2300 {
				t.Errorf("%d and %d elements, %+v", len(a.state.held), len(b.state.held), e)
			}
			t.Logf("joined in %v, %v", took, b.countersOf())
			if sum := a.counters.syncs.Load() + b.counters.syncs.Load(); sum > 5 { // each after the link and after the gap, one of them put off
				t.Errorf("%d syncs for one join", sum)
			}
			a.close()
			b.close()
		})
	}
}

// Elements larger than a frame of a sync are sent, each whole.
func TestSyncOfLargeElements(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := newStation(t, n, 1, 1), newStation(t, n, 2, 2)
		for i, size := range []int{60 << 10, 63 << 10, 3 << 20, 10, 64 << 10} {
			e := cache.Element{Key: strings.Repeat("k", 60_000) + fmt.Sprint(i), Value: cache.Value{Bytes: strings.Repeat("v", size)}, Attr: &cache.DefaultAttributes,
				Stamp: a.clock.Next(time.Now().UnixMilli())}
			a.state.keepLocked(e)
		}
		a.run()
		b.knows(a)
		b.run()
		until(t, 5*time.Second, "equal", func() bool { return a.state.digest.Root() == b.state.digest.Root() })
		if c := a.countersOf(); c["protocol_errors"] != 0 {
			t.Error(c)
		}
		a.close()
		b.close()
	})
}

// The peer that was killed is missed at once; the one that is silently cut off
// within LinkTimeout, whichever way is cut.
func TestLossIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		for name, cut := range map[string]func(){
			"there": func() { n.Block(at(1), at(2)) },
			"back":  func() { n.Block(at(2), at(1)) },
			"both":  func() { n.Partition(at(1), at(2)) },
		} {
			cut()
			// The side that still hears learns of it when the other gives up.
			took := until(t, 11*time.Second, "noticed", func() bool { return a.peer(2).link() == nil && b.peer(1).link() == nil })
			first := a.peer(2).link() == nil || b.peer(1).link() == nil
			if took > 5*time.Second && name == "both" || !first {
				t.Errorf("%s: noticed after %v", name, took)
			}
			n.HealAll()
			t.Logf("%s: noticed after %v, linked after %v", name, took, settled(t, 4*time.Second, a, b))
			time.Sleep(6 * time.Second)
			oneEach(t, n, a, b)
		}
		b.kill()
		if took := until(t, time.Second, "noticed", func() bool { return a.peer(2).link() == nil }); took > 0 {
			t.Errorf("a killed process is missed after %v", took)
		}
		b.close()
		a.close()
	})
}

// A change is sent to each peer once, and what is received is not sent on.
func TestNoEcho(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		var all []*station
		for i := range 4 {
			all = append(all, newStation(t, n, i+1, cache.NodeID(i+1)))
		}
		for _, s := range all {
			s.knows(all...)
			s.run()
		}
		settled(t, time.Second, all...)
		time.Sleep(100 * time.Millisecond)
		for range 3 {
			all[0].remove(all[0].user, "k")
		}
		synctest.Wait()
		time.Sleep(10 * time.Second)
		for i, s := range all {
			want := 3
			if i == 0 {
				want = 0
			}
			if got := len(s.user.ops()); got != want || s.c.Log.Next() != 1+uint64(3-want) {
				t.Errorf("%d: %d changes applied, want %d; %d in its log", s.id, got, want, s.c.Log.Next()-1)
			}
		}
		for _, s := range all {
			s.close()
		}
	})
}

// What is written right before the end arrives, and the others know that it is
// a leave, not a loss.
func TestGoodbyeFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		b.user.held["kept"] = cache.Element{Key: "kept"}
		for i := range 3000 {
			a.put(a.state, fmt.Sprint("k", i), strings.Repeat("v", 200))
		}
		began := time.Now()
		a.close()
		if took := time.Since(began); took > 100*time.Millisecond {
			t.Errorf("leaving took %v", took)
		}
		synctest.Wait()
		if got := b.state.ops(); !slices.Equal(got, puts(0, 3000)) {
			t.Errorf("%d of 3000 changes arrived", len(got))
		}
		if len(n.Established()) != 0 || b.peer(1).link() != nil {
			t.Errorf("%v", n.Established())
		}
		if b.user.gaps != 0 {
			t.Error("a goodbye counts as a loss")
		}
		for _, p := range b.book.Peers() {
			if p.ID == 1 {
				t.Error("who left is still believed in")
			}
		}
		b.close()
	})
}

// Leaving while peers do not answer takes as long as one of them may, not all.
func TestGoodbyeIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		var all []*station
		for i := range 5 {
			all = append(all, newStation(t, n, i+1, cache.NodeID(i+1)))
		}
		for _, s := range all {
			s.knows(all...)
			s.run()
		}
		settled(t, time.Second, all...)
		for i := 2; i <= 5; i++ {
			n.Partition(at(1), at(i))
		}
		all[0].put(all[0].state, "k", "v")
		began := time.Now()
		all[0].close()
		if took := time.Since(began); took > flushTime+2*farewellTime {
			t.Errorf("leaving took %v", took)
		}
		n.HealAll()
		for _, s := range all[1:] {
			s.close()
		}
	})
}

// Who is forgotten without a goodbye may have taken removals with it.
func TestForgottenWithoutGoodbye(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		a.user.held["stale?"] = cache.Element{Key: "stale?"}
		b.kill()
		b.close()
		time.Sleep(2 * time.Second)
		if a.user.gaps != 0 {
			t.Error("given up on too early")
		}
		a.book.forget(2)
		synctest.Wait()
		if a.user.gaps != 1 || len(a.user.held) != 0 {
			t.Errorf("emptied %d times", a.user.gaps)
		}
		a.book.poke()
		synctest.Wait()
		if a.user.gaps != 1 {
			t.Error("mourned twice")
		}
		kept := func(peers int) {
			t.Helper()
			time.Sleep(2 * keepForgotten)
			a.book.poke()
			synctest.Wait()
			a.Mesh.mu.Lock()
			defer a.Mesh.mu.Unlock()
			if len(a.peers) != peers || len(a.pursuits) != 0 || len(a.failures) != 0 {
				t.Errorf("%d peers, %d pursuits, %v are kept", len(a.peers), len(a.pursuits), a.failures)
			}
		}
		kept(1) // the frontier waits for it, and has its name from there
		if s := a.Silent(); len(s) != 1 || len(a.Forget(s[0].Name)) != 1 {
			t.Errorf("silent: %+v", s)
		}
		kept(0)
		a.close()
	})
}

// Who was forgotten while a way was cut is found again by what a third says of
// its links, though nothing in them changes.
func TestHearsayIsRepeated(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		var all []*station
		for i := range 3 {
			all = append(all, newStation(t, n, i+1, cache.NodeID(i+1)))
		}
		a, b, c := all[0], all[1], all[2]
		a.knows(b)
		c.knows(b) // as from TcpServers: a and c hear of each other from b
		for _, s := range all {
			s.run()
		}
		settled(t, time.Second, all...)
		n.Partition(at(1), at(3))
		until(t, 10*time.Second, "noticed", func() bool { return a.peer(3).link() == nil && c.peer(1).link() == nil })
		a.book.forget(3)
		c.book.forget(1)
		time.Sleep(time.Second)
		n.HealAll()
		t.Logf("linked after %v", settled(t, 2*relearnEvery, all...))
		for _, s := range all {
			s.close()
		}
	})
}

// One way between two of three is cut: each knows which link is missing and why.
func TestPartialPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		var all []*station
		for i := range 3 {
			all = append(all, newStation(t, n, i+1, cache.NodeID(i+1)))
		}
		for _, s := range all {
			s.knows(all...)
			s.run()
		}
		settled(t, time.Second, all...)
		time.Sleep(time.Second)
		for _, s := range all {
			if v := Verdict(status(s)); !v.Complete || v.Expected != 3 {
				t.Errorf("%d before: %+v", s.id, v)
			}
		}
		n.Partition(at(1), at(3))
		time.Sleep(15 * time.Second)
		for _, s := range all {
			v := Verdict(status(s))
			if v.Complete || v.Present != 2 || len(v.Missing) != 1 || v.Missing[0].From.Host+v.Missing[0].To.Host != "h1h3" ||
				!strings.Contains(v.Missing[0].Reason, "does not answer") {
				t.Errorf("%d: %+v", s.id, v)
			}
		}
		n.HealAll()
		settled(t, 5*time.Second, all...)
		time.Sleep(time.Second)
		for _, s := range all {
			if v := Verdict(status(s)); !v.Complete {
				t.Errorf("%d after: %+v", s.id, v)
			}
			if d := s.Mesh.Status().Matrix; len(d) != 3 || len(d[0].Down)+len(d[1].Down)+len(d[2].Down) != 0 {
				t.Errorf("%d after: old reasons are kept: %+v", s.id, d)
			}
		}
	})
}

// A peer that was linked is linked again half a second after a partition at the
// latest, however long that was and whoever dials.
func TestHealIsNoticed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := newStation(t, n, 1, 1), newStation(t, n, 2, 2)
		b.book.closed = true // only one of the two dials
		a.knows(b)
		a.run()
		b.run()
		settled(t, time.Second, a, b)
		for i := range 20 {
			n.Partition(at(1), at(2))
			until(t, 10*time.Second, "cut", func() bool { return !a.book.linked(2) && !b.book.linked(1) })
			time.Sleep(time.Minute + time.Duration(i)*137*time.Millisecond)
			n.HealAll()
			until(t, 3*maxMissed/2, "linked again", func() bool { return a.book.linked(2) && b.book.linked(1) })
		}
	})
}

// status is a node of the one endpoint.
func status(s *station) cache.Status {
	e := s.Mesh.Status()
	for i := range e.Members { // the book knows no names
		e.Members[i].Host = "h" + e.Members[i].ID[15:]
	}
	return cache.Status{Endpoints: []cache.EndpointStatus{e}}
}
