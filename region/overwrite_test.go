// SPDX-License-Identifier: Apache-2.0

package region

import (
	"testing"

	"lateral/cache"
)

// from is a put of a peer that replaced a version there.
func (g *rig) from(key, value string, s, replaced cache.Stamp) {
	g.t.Helper()
	g.do(cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: key, Value: text(value), Stamp: s, Replaced: replaced})
}

func TestOverwrites(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	expect := func(what string, n uint64) {
		t.Helper()
		if got := g.Stats().Overwrites; got != n {
			t.Errorf("%s: %d overwrites are counted, want %d", what, got, n)
		}
	}
	g.from("k", "1", at(1, 2), cache.Stamp{})
	g.from("k", "2", at(2, 2), at(1, 2))
	expect("in turn", 0)
	g.from("k", "4", at(4, 3), at(3, 2))
	expect("its predecessor has not arrived here yet", 0)
	g.from("k", "5", at(5, 4), at(2, 2))
	expect("over something that its writer did not know", 1)
	g.from("new", "1", at(6, 2), cache.Stamp{})
	g.from("new", "2", at(7, 3), cache.Stamp{})
	expect("two that were the first", 2)
	g.from("new", "1", at(6, 4), cache.Stamp{})
	expect("one of others that loses is counted where it wins", 2)
	g.do(cache.Command{Op: cache.Merge, Origin: cache.FromSync, Key: "k", Value: text("9"), Stamp: at(9, 2)})
	expect("a sync tells no such thing", 2)
	g.now += 100
	g.put("own", "1")
	g.from("own", "0", at(50, 2), cache.Stamp{})
	expect("ours was written without knowing of it", 3)
	g.remove("own")
	g.from("own", "0", at(51, 2), cache.Stamp{})
	expect("older than a removal", 3)
	g.see("own", "")
	// What we replace is told.
	g.peers.take()
	s := g.put("told", "1").Stamp
	g.put("told", "2")
	g.remove("told")
	g.put("told", "3")
	var got []cache.Stamp
	for _, c := range g.peers.told {
		if c.Op == cache.Put {
			got = append(got, c.Replaced)
		}
	}
	if len(got) != 3 || !got[0].IsZero() || got[1] != s || !got[2].IsZero() {
		t.Errorf("told were %v", got)
	}
	inv := open(t, Invalidate, Settings{MaxObjects: -1})
	inv.put("k", "1")
	inv.from("k", "2", at(2, 2), cache.Stamp{})
	if inv.Stats().Overwrites != 0 {
		t.Error("counted where values do not travel")
	}
}

// The winner merges, once, and its result is a write like any other.
func TestMerger(t *testing.T) {
	union := func(key string, ours, theirs cache.Element) (cache.Value, bool) {
		return text(ours.Value.Bytes + "+" + theirs.Value.Bytes), theirs.Value.Bytes != "same"
	}
	g, h := open(t, Replicate, Settings{MaxObjects: -1}), open(t, Replicate, Settings{MaxObjects: -1})
	h.clock.Node = g.clock.Node + 1
	g.SetMerger(union)
	h.SetMerger(union)
	a := g.put("k", "a")
	b := h.put("k", "b") // the larger node wins
	h.from("k", "a", a.Stamp, cache.Stamp{})
	g.from("k", "b", b.Stamp, cache.Stamp{})
	g.see("k", "b")
	h.see("k", "b+a")
	if got := h.peers.take(); got != "put k=b, put k=b+a" {
		t.Errorf("told was %s", got)
	}
	h.put("l", "b")
	h.from("l", "same", at(0, 1), cache.Stamp{})
	h.see("l", "b")
	h.SetMerger(nil)
	h.put("m", "b")
	h.from("m", "a", at(0, 1), cache.Stamp{})
	h.see("m", "b")
	h.mustAudit()
}
