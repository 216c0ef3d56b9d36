// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"strings"
	"testing"

	"lateral/cache"
)

// fillMany puts keys of two groups and three prefixes.
func (g *rig) fillMany() {
	for _, k := range []string{"a", "p:1", "p:2", "p:q:1", "pq", cache.GroupKey("g", "1"), cache.GroupKey("g", "p:1"), cache.GroupKey("gg", "1")} {
		g.put(k, "v")
	}
	g.peers.take()
	g.disk.take()
	g.remote.take()
}

func TestRemoveMany(t *testing.T) {
	for _, c := range []struct {
		op        cache.Op
		key, told string
		left      string
		count     int
	}{
		{cache.RemoveAll, "", "remove-all", "", 8},
		{cache.RemoveGroup, "g", "remove-group g", "gg/1 a p:1 p:2 p:q:1 pq", 2},
		{cache.RemoveGroup, "none", "remove-group none", "gg/1 g/1 g/p:1 a p:1 p:2 p:q:1 pq", 0},
		{cache.Remove, "p:", "remove p:", "gg/1 g/1 g/p:1 a pq", 3},
		{cache.Remove, "p:q:", "remove p:q:", "gg/1 g/1 g/p:1 a p:1 p:2 pq", 1},
	} {
		inEach(t, func(t *testing.T, g *rig) {
			g.fillMany()
			rep := g.do(cache.Command{Op: c.op, Key: c.key})
			if rep.Count != c.count || rep.Found != (c.count > 0) {
				t.Errorf("%s %s: %+v", c.op, c.key, rep)
			}
			g.told(g.unlessLocal(c.told), c.told, c.told)
			g.left(c.left)
			// A put that is newer is seen, whatever was removed.
			for _, k := range []string{"p:q:1", cache.GroupKey("g", "1")} {
				g.put(k, "new")
				g.see(k, "new")
			}
		})
	}
}

// left compares the live keys; the order is the keys' own.
func (g *rig) left(want string) {
	g.t.Helper()
	has := map[string]bool{}
	for _, k := range g.do(cache.Command{Op: cache.Keys}).Keys {
		has[cache.KeyText(k)] = true
	}
	for _, k := range strings.Fields(want) {
		if !has[k] {
			g.t.Errorf("%q is gone", k)
		}
		delete(has, k)
	}
	if len(has) > 0 {
		g.t.Errorf("still there: %v", has)
	}
}

// Nothing older than a floor comes back, by whichever path it arrives.
func TestFloorsResurrectNothing(t *testing.T) {
	for _, c := range []struct {
		op      cache.Op
		name    string
		covered []string
		free    []string
	}{
		{cache.RemoveAll, "", []string{"a", "p:1", cache.GroupKey("g", "1")}, nil},
		{cache.RemoveGroup, "g", []string{cache.GroupKey("g", "1"), cache.GroupKey("g", "")}, []string{"g", "a", cache.GroupKey("h", "1"), cache.GroupKey("gg", "1")}},
		{cache.Remove, "p:", []string{"p:1", "p:q:1"}, []string{"p", "pq", "a", cache.GroupKey("p:", "1")}},
		{cache.Remove, "p:q:", []string{"p:q:1"}, []string{"p:1", "p:r:1"}},
	} {
		g := open(t, Replicate, Settings{MaxObjects: -1})
		g.do(cache.Command{Op: cache.Merge, Origin: cache.FromSync, Key: cache.FloorKey(c.op, c.name), State: cache.Floor, Stamp: at(10, 5)})
		arrive := func(key string, s cache.Stamp) {
			g.do(cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: key, Value: text("v"), Stamp: s})
		}
		for _, key := range c.covered {
			g.do(cache.Command{Op: cache.Put, Origin: cache.FromDisk, Key: key, Value: text("v"), Stamp: at(9, 2)})
			if e, shared := g.Lookup(key); shared || !e.Stamp.IsZero() {
				t.Errorf("%s %q: a disk brought %q back: %+v", c.op, c.name, key, e)
			}
			arrive(key, at(9, 9))
			arrive(key, at(10, 4))
			arrive(key, at(10, 5)) // the floor itself is not newer than the floor
			g.do(cache.Command{Op: cache.Merge, Origin: cache.FromDisk, Key: key, Value: text("v"), Stamp: at(9, 2)})
			g.do(cache.Command{Op: cache.Merge, Origin: cache.FromSync, Key: key, State: cache.Tombstone, Stamp: at(9, 2)})
			if e, _ := g.Lookup(key); e.State == cache.Live && !e.Stamp.IsZero() || e.Value.Bytes != "" {
				t.Errorf("%s %q: %q is back: %+v", c.op, c.name, key, e)
			}
			arrive(key, at(10, 6))
			g.see(key, "v")
		}
		for _, key := range c.free {
			arrive(key, at(9, 9))
			g.see(key, "v")
		}
		g.mustAudit()
	}
}

func TestFloorsOfThemselves(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	floor := func(op cache.Op, name string, s cache.Stamp) {
		g.do(cache.Command{Op: cache.Merge, Origin: cache.FromSync, Key: cache.FloorKey(op, name), State: cache.Floor, Stamp: s})
		g.mustAudit()
	}
	floor(cache.Remove, "p:", at(5, 1))
	floor(cache.Remove, "p:", at(4, 1))
	floor(cache.RemoveGroup, "g", at(7, 1))
	if e, ok := g.Lookup(cache.FloorKey(cache.Remove, "p:")); !ok || e.Stamp != at(5, 1) || e.State != cache.Floor {
		t.Errorf("%+v %v", e, ok)
	}
	floor(cache.RemoveAll, "", at(6, 1)) // says what the floor of p: says
	if n := len(g.shares()); n != 2 {
		t.Errorf("%d floors", n)
	}
	floor(cache.Remove, "p:", at(5, 1))
	if _, ok := g.Lookup(cache.FloorKey(cache.Remove, "p:")); ok || g.Status().Tombstones != 2 {
		t.Errorf("a floor below that of all is kept: %+v", g.Status())
	}
	floor(cache.Remove, "p:", at(8, 1))
	if n := len(g.shares()); n != 3 {
		t.Errorf("%d floors", n)
	}
}

// Too many floors become one of the whole region, and what it covers goes.
func TestTooManyFloors(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	put := func(key string, ms int64) {
		g.do(cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: key, Value: text("v"), Stamp: at(ms, 2)})
	}
	put("old", 1)
	put("new", 3)
	for i := range maxFloors + 1 {
		ms := int64(2)
		if i > maxFloors/2+10 {
			ms = 3 // most have one time, some are outliers: a median, not a mean
		}
		if i == 0 {
			ms = -1e9
		}
		s := at(ms, 1)
		s.Node = cache.NodeID(i)
		g.do(cache.Command{Op: cache.RemoveGroup, Origin: cache.FromLateral, Key: fmt.Sprint(i), Stamp: s})
	}
	if n := len(g.shares()); n > maxFloors/2+2 {
		t.Errorf("%d of %d floors remain", n, maxFloors)
	}
	if told := g.disk.take(); strings.Count(told, "remove-all") != 1 {
		t.Error("the disk is not told that all of it is void")
	}
	g.see("old", "")
	g.see("new", "v")
	put("older", 1)
	g.see("older", "")
	g.mustAudit()
}

func TestMatching(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		for _, k := range []string{"user:1", "user:12", "user:2", "other", "line\nbreak", cache.GroupKey("g", "x")} {
			g.put(k, "v-"+k)
		}
		g.remove("user:2")
		g.do(cache.Command{Op: cache.Put, Key: "user:3", Value: text("v"), Attr: &cache.Attributes{MaxLife: 1e9, Lateral: true}})
		g.pass(1001e6)
		for _, c := range []struct{ pattern, want string }{
			{"", "\x00g\x01gx line\nbreak other user:1 user:12"},
			{"user:1", "user:1"}, // the whole key, not a part
			{"user:.", "user:1"},
			{"user:.*", "user:1 user:12"},
			{"er:1", ""},
			{"user:1|other", "other user:1"}, // the bars are inside of ours
			{"line.*", "line\nbreak"},
			{"g/.*", "\x00g\x01gx"},
			{"(?i)OTHER", "other"},
		} {
			rep := g.do(cache.Command{Op: cache.Keys, Pattern: c.pattern})
			if got := strings.Join(rep.Keys, " "); got != c.want || rep.Count != len(rep.Keys) {
				t.Errorf("%q: keys %q, want %q", c.pattern, got, c.want)
			}
			rep = g.do(cache.Command{Op: cache.GetMatching, Pattern: c.pattern})
			var keys []string
			for _, e := range rep.Elements {
				keys = append(keys, e.Key)
				if e.Value.Bytes != "v-"+e.Key {
					t.Errorf("%q has %q", e.Key, e.Value.Bytes)
				}
			}
			if got := strings.Join(keys, " "); got != c.want || rep.Count != len(keys) {
				t.Errorf("%q: elements %q, want %q", c.pattern, got, c.want)
			}
		}
	})
}

// After a gap everything goes, from disks, too, and no peer is told.
func TestDropAll(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		g.fillMany()
		g.remove("a")
		g.peers.take()
		g.disk.take()
		g.remote.take()
		if n := g.DropAll(g.now); n != 7 {
			t.Errorf("%d dropped", n)
		}
		g.told("", "remove-all", "")
		g.left("")
		g.mustAudit()
		if st := g.Stats(); st.GapDrops != 7 || st.Evictions != 0 {
			t.Errorf("%+v", st)
		}
		g.put("a", "1")
		g.see("a", "1")
	})
}

func TestEachStops(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	g.fillMany()
	g.do(cache.Command{Op: cache.RemoveGroup, Key: "g"})
	all := len(g.shares())
	for stop := 1; stop <= all; stop++ {
		n := 0
		g.Each(func(cache.Element) bool { n++; return n < stop })
		if n != stop {
			t.Errorf("asked to stop after %d, got %d", stop, n)
		}
	}
}
