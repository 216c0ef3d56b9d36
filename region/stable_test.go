// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"strings"
	"testing"

	"lateral/cache"
)

// What every node has need not be remembered, and only that.
func TestSettle(t *testing.T) {
	for _, shards := range []int{1, manyShards} {
		stable := uint64(0)
		g := open(t, Replicate, Settings{MaxObjects: -1, Stable: func() uint64 { return stable }})
		g.mem = newTable(byStamp, shards, -1, 0, g.seed, g.evicted)
		for i := range 500 {
			key := fmt.Sprint("k", i)
			g.put(key, "v")
			g.remove(key)
			g.now++
			if i%3 == 0 {
				g.put(key, "again") // an empty grave
			}
		}
		g.do(cache.Command{Op: cache.RemoveGroup, Key: "g"})
		g.do(cache.Command{Op: cache.RemoveTag, Key: "x"})
		g.now++
		last := g.do(cache.Command{Op: cache.Remove, Key: "p:"}).Stamp
		before := g.Status()
		if g.Settle() != 0 || before.Tombstones != 333+3 {
			t.Fatalf("%+v", before)
		}
		stable = at(250, 0).Time // of the 250 before: 166 are dead
		if n := g.Settle(); n != 166 {
			t.Errorf("%d went", n)
		}
		g.mustAudit()
		stable = last.Time // floors go with the millisecond after theirs
		if n := g.Settle(); n != 333-166 || g.Status().Tombstones != 1 {
			t.Errorf("%d went, %+v", n, g.Status())
		}
		stable = at(last.UnixMilli()-base+1, 0).Time
		if g.Settle(); g.Status().Tombstones != 0 || g.Status().Elements != 167 {
			t.Errorf("%+v", g.Status())
		}
		g.mustAudit()
		// A removal that all have says nothing new where it removes nothing.
		g.do(cache.Command{Op: cache.Remove, Origin: cache.FromLateral, Key: "nothing", Stamp: cache.Stamp{Time: last.Time, Node: 9}})
		g.do(cache.Command{Op: cache.Merge, Origin: cache.FromSync, Key: "new", Stamp: at(1, 2), State: cache.Tombstone})
		g.do(cache.Command{Op: cache.RemoveGroup, Origin: cache.FromLateral, Key: "g", Stamp: cache.Stamp{Time: last.Time, Node: 9}})
		if st := g.Status(); st.Tombstones != 0 || st.Elements != 167 || st.Stats.Stale != 3 {
			t.Errorf("%+v", st)
		}
		g.arrives("new", "v", at(1, 2))
		g.see("new", "v")
		// An answer to a get may have been overtaken by a removal that is forgotten.
		c := cache.Command{Origin: cache.FromLateral, Key: "answered", Value: text("v"), Stamp: at(3, 2)}
		if ok, err := g.Fill(g.now, c, 0, g.Ticket(c.Key)); ok || err != nil {
			t.Error("an answer from before is kept", err)
		}
		c.Stamp.Time = stable + 1
		if ok, _ := g.Fill(g.now, c, 0, g.Ticket(c.Key)); !ok {
			t.Error("a later one is not")
		}
		g.mustAudit()
	}
}

// The graves of a shard are bounded by what it holds.
func TestGravesAreBounded(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	for range 10_000 {
		g.put("k", "v")
		g.remove("k")
	}
	if n := len(g.mem.(*table).shard(hashOf("k", g.seed)).graves.list); n > 2+minGraves+1 {
		t.Errorf("%d graves of one tombstone", n)
	}
}

// Where capacity pushed out a tombstone that somebody may lack, what is older
// does not come back when there is room again: not here, and, by a floor, not
// where it still is. Where all have the tombstone it may.
func TestBuried(t *testing.T) {
	for _, known := range []bool{false, true} {
		stable := uint64(0)
		g := open(t, Replicate, Settings{MaxObjects: 2, Stable: func() uint64 { return stable }})
		g.arrives("k", "v", at(1, 2))
		g.now += 10
		s := g.remove("k").Stamp
		if known {
			stable = s.Time
		}
		g.now += 10
		g.putFor("x", cache.Attributes{MaxLife: second})
		g.putFor("y", cache.Attributes{MaxLife: second})
		g.arrives("k", "v", at(1, 2)) // without room it is pushed out at once
		g.see("k", "")
		if len(g.floors.elements()) != 0 {
			t.Error("a floor that was not needed")
		}
		g.now += 2000
		g.Shrink(g.now)
		g.arrives("other", "v", at(2, 2))
		floors := g.floors.elements()
		if known {
			g.see("other", "v")
			if len(floors) != 0 {
				t.Errorf("%+v", floors)
			}
			continue
		}
		g.see("other", "")
		if told := g.disk.take(); !strings.Contains(told, "remove-all") {
			t.Errorf("the disk is told %q: what is there may be older", told)
		}
		if len(floors) != 1 || floors[0].Stamp.Time != s.Time {
			t.Errorf("%+v", floors)
		}
		g.arrives("later", "v", at(s.UnixMilli()-base+1, 2))
		g.see("later", "v")
		g.mustAudit()
	}
}

// A node that the others did not count when it removed something has met them:
// that counts where it removes what is older, and is remembered until all have
// what is known by then.
func TestLateRemovals(t *testing.T) {
	stable := at(1000, 0).Time
	g := open(t, Replicate, Settings{MaxObjects: -1, Stable: func() uint64 { return stable }})
	g.now += 2000
	for _, key := range []string{"k", "g:1", "g:2", "newer"} {
		g.arrives(key, "v", at(10, 2))
	}
	g.arrives("newer", "v", at(30, 2))
	late := func(c cache.Command) { c.Origin, c.Stamp = cache.FromLateral, at(20, 3); g.do(c) }
	late(cache.Command{Op: cache.Remove, Key: "k"})
	late(cache.Command{Op: cache.Remove, Key: "newer"})
	late(cache.Command{Op: cache.Remove, Key: "g:"})
	for _, key := range []string{"k", "g:1", "g:2"} {
		g.see(key, "")
		g.arrives(key, "v", at(10, 2)) // of a peer that has not met it yet
		g.see(key, "")
	}
	g.see("newer", "v")
	g.Settle()
	stable = at(1999, 0).Time
	if g.Settle(); g.Status().Tombstones == 0 {
		t.Error("forgotten before all have met it")
	}
	g.arrives("k", "v", at(10, 2))
	g.arrives("g:1", "v", at(10, 2))
	g.see("k", "")
	g.see("g:1", "")
	stable = at(2001, 0).Time
	if g.Settle(); g.Status().Tombstones != 0 {
		t.Errorf("%+v", g.Status())
	}
	g.mustAudit()
}

// In a bounded region a tombstone takes room. A removal of a node that the others had
// not met, late and of nothing that is held here, pushes out elsewhere what this
// node would keep: it takes room here, too, until all have met it. The echo of one
// that all had does not.
func TestLateRemovalTakesRoom(t *testing.T) {
	stable, present := at(1000, 0).Time, at(1000, 0).Time
	g := open(t, Replicate, Settings{MaxObjects: 2, Stable: func() uint64 { return stable }, Present: func() uint64 { return present }})
	g.now += 2000
	late := func(key string) {
		g.do(cache.Command{Op: cache.Remove, Key: key, Origin: cache.FromSync, Stamp: at(900, 3)})
	}
	g.arrives("old", "v", at(10, 2))
	g.arrives("new", "v", at(950, 2))
	late("echo")
	g.see("old", "v")
	present = at(500, 0).Time // somebody is new
	late("gone")
	g.see("old", "")
	g.see("new", "v")
	stable = at(1999, 0).Time
	if g.Settle(); g.Status().Tombstones != 1 {
		t.Errorf("before all have met it: %+v", g.Status())
	}
	stable, present = at(2001, 0).Time, at(2001, 0).Time
	if g.Settle(); g.Status().Tombstones != 0 {
		t.Errorf("for ever: %+v", g.Status())
	}
	late("gone")
	if g.Status().Tombstones != 0 {
		t.Errorf("an echo is remembered: %+v", g.Status())
	}
	g.mustAudit()
}

// What a tombstone had no room for may be brought by peers once it is
// forgotten: that is to be compared, once for each time.
func TestLacks(t *testing.T) {
	stable := uint64(0)
	g := open(t, Replicate, Settings{MaxObjects: 2, Stable: func() uint64 { return stable }})
	if g.put("a", "v"); g.Lacks() {
		t.Error("nothing was pushed out")
	}
	g.now++
	g.put("b", "v")
	g.now++
	last := g.remove("c").Stamp // pushes out a
	if g.Lacks() {
		t.Error("there is no room")
	}
	stable = last.Time
	if n := g.Settle(); n != 1 {
		t.Fatalf("%d tombstones went", n)
	}
	if !g.Lacks() {
		t.Error("a may be somewhere")
	}
	if g.Lacks() {
		t.Error("it was said already")
	}
}

// A removal that a sync brings, or that is late, and that finds something: who
// got that from here may hold it still, and have forgotten the removal.
func TestStruck(t *testing.T) {
	stable := uint64(0)
	g := open(t, Replicate, Settings{MaxObjects: -1, Stable: func() uint64 { return stable }})
	removal := func(op cache.Op, o cache.Origin, key string, ms int64) {
		g.do(cache.Command{Op: op, Origin: o, Key: key, Stamp: at(ms, 2)})
	}
	for i, c := range []struct {
		op     cache.Op
		origin cache.Origin
		key    string
		stable int64 // ms after base
		want   bool
	}{
		{cache.Remove, cache.FromLateral, "k", 0, false}, // as it should be
		{cache.Remove, cache.FromSync, "k", 0, true},
		{cache.Remove, cache.FromSync, "nothing", 0, false},
		{cache.RemoveAll, cache.FromSync, "", 0, true},
		{cache.Remove, cache.FromLateral, "k", 5, true}, // late
		{cache.RemoveAll, cache.FromLateral, "", 5, true},
		{cache.Remove, cache.FromLateral, "nothing", 5, false},
	} {
		ms := int64(i * 10)
		stable = 0
		g.arrives("k", "v", at(ms+1, 2))
		if c.stable > 0 {
			stable = at(ms+c.stable, 0).Time
		}
		removal(c.op, c.origin, c.key, ms+3)
		if got := g.Struck(); got != c.want {
			t.Errorf("%v %v %q, stable %d: %v", c.op, c.origin, c.key, c.stable, got)
		}
		if g.Struck() {
			t.Error("it was said already")
		}
	}
}
