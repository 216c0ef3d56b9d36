// SPDX-License-Identifier: Apache-2.0

package region

import (
	"testing"

	"lateral/cache"
)

// What a remote tier had is kept unless the key was invalidated since it was
// asked: it tells of every change after, so nothing need be quiet before.
func TestFromRemote(t *testing.T) {
	for _, m := range []Mode{Local, Invalidate, Replicate} {
		g := open(t, m, swap(-1))
		fill := func(stamp int64, tk Ticket) bool {
			t.Helper()
			ok, err := g.Fill(g.now, cache.Command{Origin: cache.FromRemote, Key: "k", Value: text("v"), Stamp: at(stamp, 2)}, 0, tk)
			if err != nil {
				t.Fatal(err)
			}
			return ok
		}
		g.Ticket("k")
		g.do(cache.Command{Op: cache.Remove, Origin: cache.FromRemote, Key: "k", Stamp: at(5, 3)}) // as an invalidation
		before := g.Ticket("k")
		if !fill(10, g.Ticket("k")) {
			t.Errorf("%s: not kept, though nothing was invalidated since it was asked for", m)
		}
		g.see("k", "v")
		g.told("", "remove k", "") // a disk is; nobody else
		g.do(cache.Command{Op: cache.Remove, Origin: cache.FromRemote, Key: "k", Stamp: at(20, 3)})
		if kept := fill(15, before); kept && m != Replicate {
			t.Errorf("%s: kept, though it was invalidated since it was asked for", m)
		}
		g.see("k", "")
	}
}

// A value that may not go to the remote tier makes what is there void; a peer's
// removal is told to it as one that somebody else writes.
func TestRemoteIsSuperseded(t *testing.T) {
	for _, m := range []Mode{Local, Invalidate, Replicate} {
		g := open(t, m, swap(-1))
		own := cache.DefaultAttributes
		own.Remote = false
		rep := g.do(cache.Command{Op: cache.Put, Key: "k", Value: text("1"), Attr: &own})
		if v := g.remote.void; len(v) != 1 || v[0].Key != "k" || v[0].Stamp != rep.Stamp {
			t.Errorf("%s: void are %v", m, v)
		}
		g.remote.void = nil
		g.put("k", "2")
		g.do(cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Key: "k", Value: text("3"), Attr: &own})
		if v := g.remote.void; len(v) != 0 {
			t.Errorf("%s: void are %v", m, v)
		}
		g.remote.take()
		g.do(cache.Command{Op: cache.Remove, Origin: cache.FromLateral, Key: "k", Stamp: at(1000, 2)})
		g.remote.mu.Lock()
		told := g.remote.told
		g.remote.mu.Unlock()
		if len(told) != 1 || told[0].Op != cache.Remove || told[0].Element.State != cache.Forgotten || told[0].Element.Stamp != at(1000, 2) {
			t.Errorf("%s: told %+v", m, told)
		}
	}
}
