// SPDX-License-Identifier: Apache-2.0

package region

import (
	"testing"
	"time"

	"lateral/cache"
)

// What has replaced something with a longer life leaves a tombstone when it is over, until
// every member has it; so does what is over when it comes, where it finds something older.
func TestOutlivedLeavesTombstone(t *testing.T) {
	long, short := cache.Attributes{MaxLife: time.Hour}, cache.Attributes{MaxLife: 5 * second}
	for name, c := range map[string]struct {
		before func(g *rig)
		seen   bool
		graves int
	}{
		"over nothing":            {func(*rig) {}, false, 0},
		"over one of its kind":    {func(g *rig) { g.putFor("k", short) }, false, 0},
		"over a longer life":      {func(g *rig) { g.putFor("k", long) }, false, 1},
		"over one that was over":  {func(g *rig) { g.putFor("k", long); g.putFor("k", short); g.pass(second) }, false, 1},
		"over a removal":          {func(g *rig) { g.putFor("k", short); g.remove("k") }, false, 1},
		"of which all have heard": {func(g *rig) { g.putFor("k", long) }, true, 0},
		"over what is not shared": {func(g *rig) { g.putLocal("k", "v") }, false, 0},
		"over what never ends":    {func(g *rig) { g.putFor("k", cache.Attributes{Eternal: true}) }, false, 1},
	} {
		for _, read := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				stable := uint64(0)
				g := open(t, Replicate, Settings{MaxObjects: -1, Attr: cache.Attributes{MaxLife: 5 * second, Lateral: true}, Stable: func() uint64 { return stable }})
				c.before(g)
				g.pass(time.Millisecond)
				written := g.putFor("k", short)
				if c.seen {
					stable = cache.StampAt(g.now+1, 0).Time
				}
				g.pass(6 * second)
				if read {
					g.sees("k", false)
				} else {
					g.Shrink(g.now)
				}
				if st := g.Status(); st.Tombstones != c.graves || st.Elements != 0 {
					t.Errorf("%d tombstones, want %d; %d elements", st.Tombstones, c.graves, st.Elements)
				}
				g.mustAudit()
				stable = cache.StampAt(g.now, 0).Time
				if read {
					g.Settle()
				} else {
					g.Shrink(g.now)
				}
				if g.Status().Tombstones != 0 {
					t.Error("it is not forgotten when all have it")
				}
				if covers := c.graves > 0 || c.seen; (g.Forgot() >= written) != covers {
					t.Errorf("what is forgotten is said to be from before %d, this one is of %d", g.Forgot(), written)
				}
				g.mustAudit()
			})
		}
	}
}

func TestArrivesOver(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	over := cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: "k", Value: text("new"), Stamp: at(-9000, 2),
		Attr: &cache.Attributes{MaxLife: 5 * second, Lateral: true, Spool: true}}
	g.do(over)
	g.told("", "remove k", "") // an older one may be there
	if st := g.Status(); st.Tombstones != 0 || g.Struck() {
		t.Errorf("what is over and finds nothing is remembered: %+v", st)
	}
	g.arrives("k", "old", at(-10_000, 3))
	g.see("k", "old")
	g.told("", "", "")
	g.do(over)
	g.see("k", "")
	g.told("", "remove k", "")
	if st := g.Status(); st.Tombstones != 1 || !g.Struck() {
		t.Errorf("%+v", st)
	}
	g.arrives("k", "old", at(-10_000, 3))
	g.see("k", "")
	over.Key, over.Attr = "idle", &cache.Attributes{MaxIdle: 5 * second, Lateral: true}
	g.arrives("idle", "old", at(-10_000, 3))
	if g.do(over); g.Struck() { // it may be in use elsewhere
		t.Error("what is idle removes")
	}
	g.mustAudit()
}

// Unseen is what memory had no room for, or was over, before every member had it: and only
// where more than memory holds is on disks does the latter count.
func TestUnseen(t *testing.T) {
	stable := uint64(0)
	g := open(t, Replicate, Settings{MaxObjects: 2, Stable: func() uint64 { return stable }})
	first := g.put("a", "v").Stamp.Time
	stable = first
	g.put("b", "v")
	g.put("c", "v")
	if u := g.Unseen(); u != 0 {
		t.Errorf("%d: all have what was pushed out, up to %d", u, first)
	}
	g.put("d", "v")
	b := g.Unseen()
	if b <= first || g.Forgot() < b {
		t.Errorf("%d was pushed out, after %d; %d is forgotten", b, first, g.Forgot())
	}
	g.remove("c")
	g.remove("d")
	e := g.putFor("e", cache.Attributes{MaxLife: second})
	g.pass(2 * second)
	if g.Shrink(g.now); g.Unseen() != e {
		t.Errorf("%d, but what was over last is of %d", g.Unseen(), e)
	}
	if g.Doubts(g.now, stable) || g.Doubted() {
		t.Error("what all have is doubted")
	}
	g.disk.take()
	g.put("f", "v")
	if !g.Doubts(g.now, g.Unseen()) || !g.Doubted() {
		t.Error("what was not seen here is not doubted")
	}
	g.pass(time.Millisecond)
	g.put("g", "v")
	g.put("h", "v")
	if told := g.disk.take(); told != "" {
		t.Errorf("the disk is given what was in memory then: %s", told)
	}
	if g.put("i", "v"); g.disk.take() != "put g=v" {
		t.Error("the disk is not given what came later")
	}
}
