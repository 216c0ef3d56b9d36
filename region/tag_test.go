// SPDX-License-Identifier: Apache-2.0

package region

import (
	"testing"

	"lateral/cache"
)

func (g *rig) putTagged(key, value string, tags ...string) cache.Reply {
	g.t.Helper()
	return g.do(cache.Command{Op: cache.Put, Key: key, Value: text(value), Attr: tagged(cache.DefaultAttributes, tags...)})
}

func TestRemoveTag(t *testing.T) {
	inEach(t, func(t *testing.T, g *rig) {
		g.putTagged("a", "v", "x")
		g.putTagged("b", "v", "y", "x")
		g.putTagged(cache.GroupKey("g", "1"), "v", "x")
		g.putTagged("c", "v", "xx", "y")
		g.put("d", "v")
		g.putTagged("e", "v", "x")
		g.put("e", "v") // which has none any more
		if e, ok := g.Get(g.now, "b"); !ok || e.Attr.Tags != "x\x00y" {
			t.Errorf("%+v", e)
		}
		g.peers.take()
		g.disk.take()
		g.remote.take()
		for i, want := range []int{3, 0} { // and again
			rep := g.do(cache.Command{Op: cache.RemoveTag, Key: "x"})
			if rep.Count != want || rep.Found != (want > 0) {
				t.Errorf("removal %d: %+v", i, rep)
			}
			g.told(g.unlessLocal("remove-tag x"), "remove-tag x", "remove-tag x")
			g.left("c d e")
			g.mustAudit()
		}
		g.putTagged("a", "new", "x")
		g.see("a", "new")
		if e, _ := g.Get(g.now, "a"); e.Attr.Tags != "x" {
			t.Errorf("%+v", e)
		}
	})
}

// What arrives after the removal of its tag stays dead if it is older, by
// whichever path; it is the tags of the version that count.
func TestTagsResurrectNothing(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	arrive := func(o cache.Origin, key string, s cache.Stamp, tags ...string) {
		g.do(cache.Command{Op: cache.Put, Origin: o, Key: key, Value: text("v"), Stamp: s, Attr: tagged(cache.DefaultAttributes, tags...)})
		g.mustAudit()
	}
	g.do(cache.Command{Op: cache.Merge, Origin: cache.FromSync, Key: cache.FloorKey(cache.RemoveTag, "x"), State: cache.Floor, Stamp: at(10, 5)})
	group := cache.GroupKey("g", "1")
	for _, key := range []string{"k", "p:k", group} {
		arrive(cache.FromDisk, key, at(9, 2), "x")
		if e, shared := g.Lookup(key); shared || !e.Stamp.IsZero() {
			t.Errorf("a disk brought %q back: %+v", key, e)
		}
		arrive(cache.FromLateral, key, at(9, 9), "x")
		arrive(cache.FromSync, key, at(10, 4), "w", "x", "y")
		arrive(cache.FromLateral, key, at(10, 5), "x") // the floor itself is not newer than the floor
		if e, shared := g.Lookup(key); !shared || e.State != cache.Tombstone || e.Stamp != at(10, 5) || e.Value.Bytes != "" {
			t.Errorf("%q: %+v %v", key, e, shared)
		}
		arrive(cache.FromLateral, key, at(10, 6), "x")
		g.see(key, "v")
	}
	arrive(cache.FromLateral, "other", at(9, 1), "xx", "y")
	g.see("other", "v")
	arrive(cache.FromLateral, "none", at(9, 1))
	g.see("none", "v")
	// A newer version without the tag is not what was removed.
	arrive(cache.FromLateral, "was", at(8, 1), "x")
	g.see("was", "")
	arrive(cache.FromLateral, "was", at(9, 1))
	g.see("was", "v")
}

// What hides an element here has tags of its own.
func TestTagsOfWhatHides(t *testing.T) {
	for _, c := range []struct {
		peers, hides []string
		see          string
		state        cache.State
	}{
		{nil, nil, "own", cache.Forgotten},
		{nil, []string{"x"}, "", cache.Forgotten}, // peers hold theirs still
		{[]string{"x"}, nil, "", cache.Tombstone},
		{[]string{"x"}, []string{"x"}, "", cache.Tombstone},
	} {
		g := open(t, Replicate, Settings{MaxObjects: -1})
		s := g.putTagged("k", "v", c.peers...).Stamp
		g.now++
		g.do(cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "k", Value: text("own"), Attr: tagged(cache.DefaultAttributes, c.hides...)})
		g.now++
		g.do(cache.Command{Op: cache.RemoveTag, Key: "x"})
		g.see("k", c.see)
		if e, shared := g.Shared("k"); !shared || e.State != c.state || e.Stamp != s {
			t.Errorf("peers have %q, hidden by %q: %+v %v", c.peers, c.hides, e, shared)
		}
		g.mustAudit()
		g.now++
		g.arrives("k", "newer", at(g.now-base, 2))
		g.see("k", "newer")
		g.mustAudit()
	}
	// Over a tombstone: of what was removed the tags are gone, too.
	g := open(t, Replicate, Settings{MaxObjects: -1})
	g.putTagged("k", "v", "x")
	g.do(cache.Command{Op: cache.RemoveTag, Key: "x"})
	g.do(cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "k", Value: text("own")})
	g.now++
	g.do(cache.Command{Op: cache.RemoveTag, Key: "x"})
	g.see("k", "own")
	g.do(cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "k", Value: text("own"), Attr: tagged(cache.DefaultAttributes, "x")})
	g.now++
	g.do(cache.Command{Op: cache.RemoveTag, Key: "x"})
	g.see("k", "")
	if e, shared := g.Shared("k"); !shared || e.State != cache.Tombstone {
		t.Errorf("%+v %v", e, shared)
	}
	g.mustAudit()
}

// Watchers are told of the tag, once.
func TestWatchTag(t *testing.T) {
	g := open(t, Invalidate, Settings{MaxObjects: -1})
	g.putTagged("k", "v", "x")
	w := g.Watch(9)
	defer w.Close()
	g.do(cache.Command{Op: cache.RemoveTag, Key: "x"})
	if got, err := w.Next(t.Context()); err != nil || len(got) != 1 || got[0].Kind != cache.Removed || got[0].Op != cache.RemoveTag || got[0].Element.Key != "x" || !got[0].Found {
		t.Errorf("%+v, %v", got, err)
	}
}
