// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/internal/memnet"
)

// keep gives a station's region an element that no log has.
func (s *station) keep(r *shelf, key string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keepLocked(cache.Element{Key: key, Attr: &cache.DefaultAttributes, Stamp: s.clock.Next(time.Now().UnixMilli())})
}

func (s *station) holds(r *shelf, key string) bool {
	_, ok := r.Lookup(key)
	return ok
}

// A round that begins after a moment brings what the peer held then, in both
// directions, and is waited for even if another was under way; both may ask.
func TestRound(t *testing.T) {
	for _, both := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := memnet.New()
			a, b := two(t, n)
			n.SetDelay(at(1), at(2), 20*time.Millisecond)
			n.SetDelay(at(2), at(1), 20*time.Millisecond)
			time.Sleep(time.Second)
			pa, pb := a.peer(2), b.peer(1)
			pa.link().syncShared()
			time.Sleep(30 * time.Millisecond) // under way
			a.keep(a.state, "a")
			b.keep(b.state, "b")
			began, done := pa.syncBegun(), b.peer(1).syncBegun()
			if pa.syncedSince(began) {
				t.Error("complete before it began")
			}
			pa.link().syncShared()
			if both {
				pb.link().syncShared()
			}
			until(t, time.Second, "synced", func() bool { return pa.syncedSince(began) && (!both || pb.syncedSince(done)) })
			if !a.holds(a.state, "b") || !b.holds(b.state, "a") {
				t.Error("a complete round, and something is missing")
			}
			if pa.syncedRegion("State") != began+1 || pa.syncedRegion("User") != 0 {
				t.Errorf("regions of the round: %v", pa.rounds.regions)
			}
			if got := pb.heldThrough(); got != a.Logged()+1 {
				t.Errorf("the answerer holds the log before number %d, want %d", got, a.Logged()+1)
			}
			a.close()
			b.close()
		})
	}
}

// A link that ends leaves the round undone; the next link begins it again,
// without being asked.
func TestRoundSurvivesItsLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		time.Sleep(time.Second)
		began := b.peer(1).syncBegun()
		n.Partition(at(1), at(2))
		a.keep(a.state, "k")
		b.peer(1).link().syncShared()
		until(t, 10*time.Second, "noticed", func() bool { return b.peer(1).link() == nil && a.peer(2).link() == nil })
		if b.peer(1).syncedSince(began) || b.peer(1).syncBegun() != began+1 {
			t.Error("complete without the peer")
		}
		n.HealAll()
		took := until(t, 5*time.Second, "synced", func() bool { return b.peer(1).syncedSince(began + 1) })
		if !b.holds(b.state, "k") {
			t.Errorf("synced after %v, and nothing is here", took)
		}
		a.close()
		b.close()
	})
}

// A peer that is silent in the middle of a sync, but alive, is asked again.
func TestRoundIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a := newStation(t, n, 1, 1)
		a.keep(a.state, "k")
		a.run()
		c, in := greet(t, n, 2, a)
		c.Write(fr(frameChanges, uint64(1)))
		var asked []time.Time
		var ended bool
		began := time.Now()
		alive, stop := context.WithCancel(t.Context())
		defer stop()
		go func() {
			for alive.Err() == nil {
				c.Write(fr(frameBeat, uint64(1), uint64(0), uint64(0)))
				pause(alive, time.Second)
			}
		}()
		p := a.peer(102)
		for !ended {
			ft, f, err := readFrame(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			sc := &scan{s: string(f)}
			switch ft {
			case frameRoot:
				if asked = append(asked, time.Now()); len(asked) == 1 {
					continue // no answer
				}
				c.Write(fr(frameSame, 1)) // far too late, to the first
				synctest.Wait()
				if p.syncedSince(0) {
					t.Error("an answer to a sync that was given up counts")
				}
				c.Write(fr(frameSame, int(sc.uvarint())))
			case frameEnd:
				synctest.Wait()
				if p.syncedSince(0) {
					t.Error("complete, and the peer has not said so")
				}
				c.Write(fr(frameEnded, int(sc.uvarint())))
				ended = true
			}
		}
		synctest.Wait()
		if len(asked) != 2 || asked[1].Sub(began) > syncPatience+time.Second || !p.syncedSince(1) || p.syncedSince(2) {
			t.Errorf("asked at %v, %+v", asked, p.rounds)
		}
		c.Close()
		a.close()
	})
}

// With who does not receive, a round is complete without a frame; a region
// that is made later is compared by a round of its own.
func TestRoundOfNothingAndOfLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := newStation(t, n, 1, 1), newStation(t, n, 2, 2, func(c *Config) { c.Receive = false })
		c := newStation(t, n, 3, 3)
		late := map[*station]*shelf{a: newShelf("Late", true), c: newShelf("Late", true)}
		made := map[*station]bool{}
		for _, s := range []*station{a, c} {
			regions := s.c.Regions
			s.c.Regions = func() []Region {
				if made[s] {
					return append(regions(), late[s])
				}
				return regions()
			}
			find := s.c.Region
			s.c.Region = func(name string) (Region, bool) {
				if name == "Late" {
					return late[s], true
				}
				return find(name)
			}
		}
		b.knows(a)
		c.knows(a)
		for _, s := range []*station{a, b, c} {
			s.run()
		}
		settled(t, time.Second, a, b)
		settled(t, time.Second, a, c)
		time.Sleep(time.Second)
		syncs := a.counters.syncs.Load()
		began := a.peer(2).syncBegun()
		a.peer(2).link().syncShared()
		synctest.Wait()
		if !a.peer(2).syncedSince(began) || a.counters.syncs.Load() != syncs || b.countersOf()["syncs"] != 0 {
			t.Errorf("%+v, %d syncs", a.peer(2).rounds, a.counters.syncs.Load()-syncs)
		}
		for i := range 5 {
			c.keep(late[c], fmt.Sprint("k", i))
		}
		made[a] = true
		a.RegionsChanged()
		synctest.Wait()
		if !a.holds(late[a], "k0") || a.peer(3).syncedRegion("Late") == 0 {
			t.Error("a region made later is not compared")
		}
		for _, s := range []*station{a, b, c} {
			s.close()
		}
	})
}

// Who is to be compared with, and has no link, is compared with when there is one.
func TestCompareLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		n.Partition(at(1), at(2))
		until(t, time.Minute, "cut off", func() bool { return a.peer(2).link() == nil })
		b.keep(b.state, "b")
		a.Compare()
		n.HealAll()
		until(t, 10*time.Second, "compared", func() bool { return a.holds(a.state, "b") })
		a.close()
		b.close()
	})
}
