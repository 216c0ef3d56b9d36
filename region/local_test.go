// SPDX-License-Identifier: Apache-2.0

package region

import (
	"testing"

	"lateral/cache"
)

func (g *rig) putLocal(key, value string) {
	g.t.Helper()
	g.do(cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: key, Value: text(value)})
}

func (g *rig) removeLocal(key string) cache.Reply {
	g.t.Helper()
	return g.do(cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Key: key})
}

func (g *rig) arrives(key, value string, s cache.Stamp) {
	g.t.Helper()
	g.do(cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: key, Value: text(value), Stamp: s})
}

func TestLocalOnly(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		g.put("k", "1")
		g.told(g.sent("k", "1"), "", "put k=1")
		digest, shares := g.digest.Load(), g.shares()["k"]
		g.putLocal("k", "2")
		g.see("k", "2")
		if rep := g.removeLocal("k"); !rep.Found {
			t.Errorf("%+v", rep)
		}
		g.see("k", "")
		g.removeLocal("k")
		g.told("", "remove k, remove k", "")
		if g.digest.Load() != digest {
			t.Error("what stays on this node changed the digest")
		}
		if e := g.shares()["k"]; e.Stamp != shares.Stamp {
			t.Errorf("Each offers %+v", e)
		}
		g.left("")
		for _, c := range []cache.Command{{Op: cache.RemoveAll}, {Op: cache.RemoveGroup, Key: "g"}, {Op: cache.Remove, Key: "p:"}} {
			g.fillMany()
			digest, n := g.digest.Load(), len(g.shares())
			c.Origin = cache.LocalOnly
			if rep := g.do(c); rep.Count < 2 {
				t.Errorf("%s: %+v", c.Op, rep)
			}
			if g.peers.take() != "" || g.digest.Load() != digest || len(g.shares()) != n {
				t.Errorf("%s was not local", c.Op)
			}
			g.mustAudit()
		}
	})
}

// In a replicated region a local removal hides the element until something
// newer arrives; what peers hold already does not bring it back.
func TestForgotten(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	g.arrives("k", "1", at(5, 2))
	g.removeLocal("k")
	if e, shared := g.Lookup("k"); e.State != cache.Forgotten || !shared || e.Stamp != at(5, 2) || e.Value.Bytes != "" {
		t.Errorf("%+v", e)
	}
	g.arrives("k", "1", at(5, 2))
	g.arrives("k", "0", at(4, 9))
	g.see("k", "")
	// Not even after the retention, since peers hold it for ever.
	g.now += 3 * DefaultRetention.Milliseconds()
	g.Shrink(g.now)
	g.arrives("k", "1", at(5, 2))
	g.see("k", "")
	g.arrives("k", "2", at(6, 2))
	g.see("k", "2")
	g.mustAudit()

	// What never was shared leaves nothing.
	g.putLocal("own", "1")
	g.removeLocal("own")
	if _, ok := g.shares()["own"]; ok || g.Status().Tombstones != 0 {
		t.Errorf("%+v", g.Status())
	}
	// A forgotten tombstone stays one, and goes with the retention.
	g.remove("k")
	g.removeLocal("k")
	if e, _ := g.Lookup("k"); e.State != cache.Tombstone {
		t.Errorf("%+v", e)
	}
	// A forgotten element goes when its peers' copies are over their lifetime.
	g.do(cache.Command{Op: cache.Put, Key: "m", Value: text("v"), Attr: &cache.Attributes{Lateral: true, MaxLife: 60e9}})
	g.removeLocal("m")
	g.now += 60_000
	g.Shrink(g.now)
	if _, ok := g.shares()["m"]; !ok {
		t.Error("forgot to have forgotten")
	}
	g.now++
	g.Shrink(g.now)
	if _, ok := g.shares()["m"]; ok {
		t.Error("its peers' copies are expired")
	}
	g.mustAudit()
}

// A local value hides what peers hold, keeps its place in the digest, and
// gives way to whatever peers have that is newer than what it hides.
func TestLocalValueHides(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	g.arrives("k", "1", at(5, 2))
	g.now += 100
	v := &struct{}{}
	g.do(cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "k", Value: cache.Value{Bytes: "own", Held: v}})
	e, ok := g.Get(g.now, "k")
	if !ok || e.Value.Held != v || e.Stamp.UnixMilli() != g.now {
		t.Errorf("%+v", e)
	}
	if e := g.shares()["k"]; e.Stamp != at(5, 2) || e.State != cache.Forgotten || e.Value.Bytes != "" {
		t.Errorf("Each offers %+v", e)
	}
	g.arrives("k", "1", at(5, 2))
	g.see("k", "own")
	g.putLocal("k", "own2")
	g.mustAudit()
	g.arrives("k", "2", at(50, 2)) // older than the local put, but the peers agree on it
	g.see("k", "2")
	g.mustAudit()

	// Remove, then put locally (Open-Xchange): the tombstone stays in the digest.
	s := g.remove("k").Stamp
	g.putLocal("k", "own")
	if e := g.shares()["k"]; e.Stamp != s || e.State != cache.Tombstone {
		t.Errorf("Each offers %+v", e)
	}
	later := g.remembered() + 1000
	g.now += later
	g.Shrink(g.now)
	g.see("k", "own") // the tombstone is past, the value is not
	if _, ok := g.shares()["k"]; ok {
		t.Error("a tombstone beyond the retention is still in the digest")
	}
	g.mustAudit()

	// What only this node knows gives way to what peers have in common.
	g.putLocal("own", "1")
	g.arrives("own", "2", at(later+60, 2))
	g.see("own", "2")
	// A floor above what is hidden takes both.
	g.putLocal("own", "3")
	g.do(cache.Command{Op: cache.RemoveAll, Origin: cache.FromLateral, Stamp: at(later+70, 2)})
	g.see("own", "")
	g.mustAudit()
	// An expired local value uncovers the place it hid.
	g.arrives("x", "1", at(later+80, 2))
	g.do(cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "x", Value: text("own"), Attr: &cache.Attributes{MaxLife: 1e9}})
	g.now += 1001
	g.see("x", "")
	if e, _ := g.Lookup("x"); e.State != cache.Forgotten || e.Stamp != at(later+80, 2) {
		t.Errorf("%+v", e)
	}
	g.mustAudit()
}

// IsLateral=false in a region whose values travel is local, too.
func TestNotLateral(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	stays := cache.DefaultAttributes
	stays.Lateral = false
	g.put("k", "1")
	digest := g.digest.Load()
	g.do(cache.Command{Op: cache.Put, Key: "k", Value: text("2"), Attr: &stays})
	g.see("k", "2")
	if g.peers.take() != "put k=1" || g.digest.Load() != digest {
		t.Error("it travelled")
	}
	// From this node's own disk an older one does not replace it.
	g.do(cache.Command{Op: cache.Put, Origin: cache.FromDisk, Key: "k", Value: text("0"), Attr: &stays, Stamp: at(0, 1)})
	g.see("k", "2")
	g.do(cache.Command{Op: cache.Put, Origin: cache.FromDisk, Key: "d", Value: text("0"), Attr: &stays, Stamp: at(0, 1)})
	if _, ok := g.shares()["d"]; ok {
		t.Error("what came from disk and does not travel is in the digest")
	}
	g.do(cache.Command{Op: cache.Put, Origin: cache.FromDisk, Key: "e", Value: text("0"), Stamp: at(0, 1)})
	if _, ok := g.shares()["e"]; !ok {
		t.Error("what came from disk and travels is not in the digest")
	}
	g.mustAudit()
}
