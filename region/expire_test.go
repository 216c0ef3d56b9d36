// SPDX-License-Identifier: Apache-2.0

package region

import (
	"testing"
	"time"

	"lateral/cache"
)

const second = time.Second

func (g *rig) putFor(key string, a cache.Attributes) (written uint64) {
	g.t.Helper()
	a.Lateral, a.Spool = true, true
	return g.do(cache.Command{Op: cache.Put, Key: key, Value: text("v"), Attr: &a}).Stamp.Time
}

func (g *rig) sees(key string, want bool) {
	g.t.Helper()
	if _, ok := g.Get(g.now, key); ok != want {
		g.t.Errorf("after %d ms: %s found is %v", g.now-base, key, ok)
	}
}

func TestMaxLife(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		g.putFor("k", cache.Attributes{MaxLife: second, MaxIdle: -1})
		g.putFor("eternal", cache.Attributes{Eternal: true, MaxLife: second, MaxIdle: second})
		g.putFor("unlimited", cache.Attributes{})
		g.pass(second) // more than T must have passed, not T
		g.sees("k", true)
		g.now++
		g.sees("k", false)
		g.sees("k", false) // and now it is a plain miss
		g.sees("eternal", true)
		g.sees("unlimited", true)
		if st := g.Stats(); st.Expired != 1 || st.Misses != 1 || st.Evictions != 0 || st.Removes != 0 {
			t.Errorf("%+v", st)
		}
		// The life of an element from elsewhere starts with its stamp.
		g.do(cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: "k", Value: text("v"), Attr: &cache.Attributes{MaxLife: second}, Stamp: at(g.now-base-600, 2)})
		g.pass(400 * time.Millisecond)
		g.sees("k", true)
		g.now++
		g.sees("k", false)
		if got := g.peers.take(); got != "" && g.Mode() == Local {
			t.Error(got)
		}
	})
}

func TestMaxIdle(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		g.putFor("k", cache.Attributes{MaxIdle: second})
		for range 3 { // each access starts the time again
			g.pass(second)
			g.sees("k", true)
		}
		g.do(cache.Command{Op: cache.Keys}) // looking at keys does not
		g.Lookup("k")
		g.now += 1001
		g.sees("k", false)
		// An access may be told late; it does not turn the clock back.
		g.putFor("k", cache.Attributes{MaxIdle: second})
		g.pass(second)
		g.sees("k", true)
		if _, ok := g.Get(g.now-500, "k"); !ok {
			t.Error("gone")
		}
		g.pass(second)
		g.sees("k", true)
	})
}

// An arrival is an access, except where replicas compare when it was used last.
func TestIdleTimeArrives(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		g.pass(10 * second)
		idle := &cache.Attributes{MaxIdle: 5 * second}
		for key, accessed := range map[string]int64{"fresh": g.now - 1000, "stale": g.now - 6000, "future": g.now + 1e9, "none": 0} {
			g.do(cache.Command{Op: cache.Merge, Origin: cache.FromSync, Key: key, Value: text("v"), Attr: idle, Stamp: at(1000, 2), Accessed: accessed})
		}
		replicates := g.Mode() == Replicate
		g.sees("stale", !replicates)
		g.sees("none", !replicates)
		g.sees("fresh", true)
		g.pass(5 * second)
		g.sees("future", true)
		g.pass(5*second + time.Millisecond)
		g.sees("future", false)
	})
}

// Expiry tells no peer, but disks: an older version there must not come back.
func TestExpiryTellsDisks(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		for _, how := range []func(){func() { g.sees("k", false) }, func() { g.Shrink(g.now) }} {
			g.putFor("k", cache.Attributes{MaxLife: second})
			g.told(g.sent("k", "v"), "", "")
			g.now += 1001
			how()
			g.told("", "remove k", "")
			g.mustAudit()
		}
		if st := g.Status(); st.Elements != 0 || st.Bytes != 0 || st.Stats.Shrunk != 1 {
			t.Errorf("%+v", st)
		}
	})
}

func TestShrinkIdle(t *testing.T) {
	for _, c := range []struct {
		name string
		m    Mode
		s    Settings
		left string
	}{
		{"off", Local, Settings{}, "a b c d"},
		{"all", Local, Settings{UseShrinker: true, MaxPerShrink: -1}, "a"},
		{"two at most", Local, Settings{UseShrinker: true, MaxPerShrink: 2, Policy: "fifo"}, ""},
		{"none", Local, Settings{UseShrinker: true, MaxPerShrink: 0}, "a b c d"},
		{"unlimited idleness", Local, Settings{UseShrinker: true, MaxPerShrink: -1, MaxMemoryIdle: -1}, "a b c d"},
		{"invalidated", Invalidate, Settings{UseShrinker: true, MaxPerShrink: -1, Policy: "lru"}, "a"},
		{"replicated", Replicate, Settings{UseShrinker: true, MaxPerShrink: -1}, "a b c d"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.s.MaxObjects = -1
			if c.s.MaxMemoryIdle == 0 {
				c.s.MaxMemoryIdle = second
			}
			c.s.Attr = cache.DefaultAttributes // an eternal element may be idle, too
			g := open(t, c.m, c.s)
			for _, k := range []string{"a", "b", "c", "d"} {
				g.put(k, "v")
			}
			g.pass(second)
			if n := g.Shrink(g.now); n != 0 {
				t.Errorf("%d went at the exact time", n)
			}
			g.sees("a", true)
			g.now++
			g.disk.take()
			n := g.Shrink(g.now)
			spooled := len(g.disk.told)
			if c.left != "" {
				g.left(c.left)
			} else if n != 2 {
				t.Errorf("%d went, two may in one pass", n)
			}
			if spooled != n || g.Stats().Shrunk != uint64(n) {
				t.Errorf("%d went, %d spooled, stats %+v", n, spooled, g.Stats())
			}
			g.mustAudit()
		})
	}
}

// Tombstones and floors stay for the retention and a fiftieth, to the
// millisecond.
func TestRetention(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1, Retention: 10 * second})
	g.put("k", "v")
	g.put("alive", "v")
	g.remove("k")
	g.do(cache.Command{Op: cache.RemoveAll})
	g.put("k", "v")
	g.remove("k")
	for _, c := range []cache.Command{{Op: cache.RemoveGroup, Key: "g"}, {Op: cache.Remove, Key: "p:"}, {Op: cache.RemoveTag, Key: "x"}} {
		g.do(c)
	}
	g.put("alive", "v")
	if st := g.Status(); st.Tombstones != 5 || st.Elements != 1 {
		t.Fatalf("%+v", st)
	}
	g.pass(10*second + 10*second/50)
	g.Shrink(g.now)
	if st := g.Status(); st.Tombstones != 5 || st.Elements != 0 { // values go first
		t.Errorf("%+v", st)
	}
	g.now++
	g.Shrink(g.now)
	if st := g.Status(); st.Tombstones != 0 {
		t.Errorf("%+v", st)
	}
	g.mustAudit()
}

// Nothing in a replicated region is eternal: what is over the longest life
// goes, and does not come back from a peer. Eternal elements are written anew
// by one node when half of it is over, and so live on.
func TestLongestLife(t *testing.T) {
	day := int64(24 * 3600 * 1000)
	for _, c := range []struct {
		attr cache.Attributes
		want int64 // days
	}{{cache.Attributes{Eternal: true}, 90}, {cache.Attributes{}, 90}, {cache.Attributes{MaxLife: second}, 1}, {cache.Attributes{MaxLife: 48 * 3600 * second}, 2}} {
		s := Settings{Attr: c.attr}
		if got := s.retention().Milliseconds(); got != c.want*day {
			t.Errorf("%+v lives %d days", c.attr, got/day)
		}
	}
	stable := uint64(0)
	g := open(t, Replicate, Settings{MaxObjects: -1, Owns: func(writer cache.NodeID) bool { return writer == 2 }, Stable: func() uint64 { return stable }})
	for _, key := range []string{"own", "of 2", "of 3"} {
		writer := cache.NodeID(3)
		if key == "of 2" {
			writer = 2
		}
		if key == "own" {
			g.put(key, "v")
		} else {
			g.arrives(key, "v", at(1, writer))
		}
	}
	g.pass(time.Duration(45*day+day) * time.Millisecond)
	g.Shrink(g.now)
	if e := g.shares()["of 2"]; e.Stamp != at(1, 2) {
		t.Errorf("written anew while a member may be cut off: %+v", e)
	}
	// The stamp is from before all that this node may not have heard of.
	stable = at(45*day, 0).Time
	g.peers.take()
	g.Shrink(g.now)
	if e := g.shares()["of 2"]; e.Stamp != (cache.Stamp{Time: stable, Node: g.clock.Node}) || g.peers.take() != "put of 2=v" {
		t.Errorf("not written anew: %+v", e)
	}
	g.see("of 3", "v") // its owner did not
	g.pass(time.Duration(45*day) * time.Millisecond)
	g.Shrink(g.now)
	g.see("of 2", "v")
	g.see("of 3", "")
	g.arrives("of 3", "v", at(1, 3))
	g.see("of 3", "")
	g.mustAudit()
}

// What is over its lifetime here is not taken back from a peer that has not
// noticed yet: nothing is held, told or summed up. In place of an older
// version it is taken, as that is not what the peers hold any more.
func TestExpiredDoesNotComeBack(t *testing.T) {
	for _, o := range []cache.Origin{cache.FromSync, cache.FromLateral} {
		g := open(t, Replicate, Settings{MaxObjects: 100})
		a := cache.Attributes{Lateral: true, MaxLife: second, MaxIdle: -1}
		peers := func(at cache.Stamp) cache.Command {
			return cache.Command{Op: cache.Put, Origin: o, Key: "k", Value: text("v"), Attr: &a, Stamp: at}
		}
		g.do(peers(at(0, 2)))
		g.sees("k", true)
		g.pass(2 * second)
		g.Shrink(g.now)
		empty := g.digest.Load()
		g.do(peers(at(0, 2)))
		if st := g.Status(); st.Elements+st.Tombstones != 0 || g.digest.Load() != empty || st.Stats.Stale != 1 {
			t.Errorf("it is back: %+v", st)
		}
		g.do(cache.Command{Op: cache.Put, Origin: o, Key: "k", Value: text("older"), Stamp: at(-5, 2)}) // eternal
		g.do(peers(at(0, 2)))
		g.sees("k", false)
	}
}
