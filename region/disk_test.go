// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"testing"

	"lateral/cache"
)

// voided returns what the disk was told that memory has something newer of.
func (g *rig) voided() string {
	g.disk.mu.Lock()
	defer g.disk.mu.Unlock()
	out := ""
	for _, e := range g.disk.void {
		out += e.Key + " "
	}
	g.disk.void = nil
	return out
}

func swap(objects int) Settings {
	return Settings{MaxObjects: objects, Policy: "lru"}
}

// A put that the disk is not given makes what it has of the key void; what
// comes from the disk does not.
func TestDiskIsSuperseded(t *testing.T) {
	for _, m := range []Mode{Local, Invalidate, Replicate} {
		g := open(t, m, swap(-1))
		g.put("k", "1")
		if got := g.voided(); got != "k " {
			t.Errorf("%s: %q is void", m, got)
		}
		g.do(cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: "k", Value: text("2"), Stamp: at(5000, 2)})
		if got := g.voided(); got != "k " {
			t.Errorf("%s: %q is void after a peer's put", m, got)
		}
		g.do(cache.Command{Op: cache.Put, Origin: cache.FromDisk, Key: "d", Value: text("2"), Stamp: at(-5000, 2)})
		if got := g.voided(); got != "" {
			t.Errorf("%s: %q is void, which came from there", m, got)
		}
	}
}

// What concerns this node alone in a replicated region does not go to disk:
// from there it would be told to peers. Its removal is none either.
func TestOwnIsNotOnDisk(t *testing.T) {
	g := open(t, Replicate, swap(-1))
	g.do(cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "k", Value: text("1")})
	g.do(cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Key: "k"})
	g.do(cache.Command{Op: cache.RemoveAll, Origin: cache.LocalOnly})
	for _, c := range g.disk.told {
		if c.Op == cache.Put || c.Element.State != cache.Forgotten {
			t.Errorf("the disk was told %s %s, state %d", c.Op, c.Element.Key, c.Element.State)
		}
	}
	if len(g.disk.told) != 2 || g.voided() != "k " {
		t.Errorf("told %v", g.disk.told)
	}
	g.disk.take()
	g = open(t, Replicate, swap(1))
	g.do(cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "own", Value: text("1")})
	g.put("k", "2") // evicts it
	g.put("k2", "2")
	if got := g.disk.take(); got != "put k=2" {
		t.Errorf("spooled: %s", got)
	}
}

// A removal that comes late finds nothing in memory, and perhaps on disk.
func TestLateRemovalReachesDisk(t *testing.T) {
	stable := uint64(0)
	s := swap(-1)
	s.Stable = func() uint64 { return stable }
	g := open(t, Replicate, s)
	stable = at(1000, 0).Time
	g.do(cache.Command{Op: cache.Remove, Origin: cache.FromLateral, Key: "k", Stamp: at(500, 2)})
	g.do(cache.Command{Op: cache.RemoveGroup, Origin: cache.FromLateral, Key: "g", Stamp: at(600, 2)})
	if got := g.disk.take(); got != "remove k, remove-group g" {
		t.Errorf("told %q", got)
	}
	if g.Forgot() != at(600, 2).Time {
		t.Errorf("forgot %d", g.Forgot())
	}
}

// Forgot rises with each removal that is not remembered any more.
func TestForgot(t *testing.T) {
	stable := uint64(0)
	s := swap(2)
	s.Stable = func() uint64 { return stable }
	g := open(t, Replicate, s)
	g.put("k", "v")
	if g.Forgot() != 0 {
		t.Error(g.Forgot())
	}
	first := g.remove("k").Stamp
	if g.Forgot() > first.Time {
		t.Error(g.Forgot())
	}
	stable = first.Time
	g.Settle()
	if g.Forgot() != first.Time {
		t.Errorf("%d, want %d", g.Forgot(), first.Time)
	}
	g.now += 10
	pushed := g.remove("k2").Stamp
	g.now += 10
	g.put("a", "v")
	g.now += 10
	g.put("b", "v") // capacity pushes the tombstone out
	if g.Forgot() != pushed.Time {
		t.Errorf("%d, want %d", g.Forgot(), pushed.Time)
	}
	g.now += 10
	floor := g.do(cache.Command{Op: cache.RemoveGroup, Key: "g"}).Stamp
	stable = floor.Time + 1<<20
	g.Settle()
	if g.Forgot() < floor.Time {
		t.Errorf("%d, want %d at least", g.Forgot(), floor.Time)
	}
	g.Forget(1)
	if g.Forgot() < floor.Time {
		t.Error("it falls")
	}
	if l := open(t, Local, swap(2)); l.Forgot() != 0 {
		t.Error("of a local region")
	}
}

// DropOlder drops what peers may hold up to a time, and keeps the digest in step.
func TestDropOlder(t *testing.T) {
	g := open(t, Replicate, swap(-1))
	for i := range 5 {
		g.do(cache.Command{Op: cache.Merge, Origin: cache.FromDisk, Key: fmt.Sprint("k", i), Value: text("v"), Stamp: at(int64(i), 2)})
	}
	g.do(cache.Command{Op: cache.Merge, Origin: cache.FromDisk, Key: "gone", State: cache.Tombstone, Stamp: at(1, 2)})
	g.do(cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "k0", Value: text("own")})
	if n := g.DropOlder(at(2, 9).Time); n != 2 {
		t.Errorf("%d went", n)
	}
	g.see("k0", "own") // this node's own stays, what it hid is gone
	g.see("k1", "")
	g.see("k2", "")
	g.see("k3", "v")
	var want sum
	g.Each(func(e cache.Element) bool { want.Add(e.Key, e.Stamp); return true })
	if g.digest != want {
		t.Error("the digest is not that of what is there")
	}
	if e, _ := g.Lookup("gone"); e.State != cache.Tombstone {
		t.Error("the removal is forgotten")
	}
}

// What is found on disk is not believed if memory knows better; in a replicated
// region it is not kept in memory, elsewhere unless the key was invalidated.
func TestFromDisk(t *testing.T) {
	for _, m := range []Mode{Local, Invalidate, Replicate} {
		g := open(t, m, swap(-1))
		ticket := g.Ticket("k")
		fill := cache.Command{Origin: cache.FromDisk, Key: "k", Value: text("old"), Stamp: at(-1000, 2), Accessed: base}
		stored, err := g.Fill(g.now, fill, 0, ticket)
		if err != nil || stored != (m != Replicate) {
			t.Errorf("%s: stored %v, %v", m, stored, err)
		}
		g.remove("k")
		if m == Replicate {
			e := cache.Element{Key: "k", Attr: &cache.DefaultAttributes, Stamp: at(-1000, 2)}
			if g.believes(&e) {
				t.Error("older than its removal, and believed")
			}
			g.do(cache.Command{Op: cache.Remove, Key: "p:"})
			e.Key = "p:1"
			if g.believes(&e) {
				t.Error("removed with its prefix, and believed")
			}
			e.Key = "other"
			if !g.believes(&e) {
				t.Error("not believed")
			}
		}
		if stored, _ := g.Fill(g.now, fill, 0, ticket); stored {
			t.Errorf("%s: kept, though it was removed since it was asked for", m)
		}
		g.see("k", "")
	}
}
