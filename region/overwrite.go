// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// Two writers that do not know of each other's write to a key are concurrent:
// of the two the larger stamp wins, and what the other wrote is lost. Each put
// therefore says what it replaced (cache.Change.Replaced). Who holds something
// newer than that sees a concurrent overwrite, and counts it.

// A Merger makes one value of two that were written concurrently. ours is what
// this node wrote, and what would win; theirs what it overwrites. ok is false if
// ours may stay as it is. It must not block: a link waits for it.
type Merger func(key string, ours, theirs cache.Element) (v cache.Value, ok bool)

// SetMerger has concurrent overwrites in a replicated region merged. The one
// whose write wins merges, when it hears of the other, and writes the result as
// any value; so all nodes come to the same. It is to be set on all nodes; where
// the winner is gone before it has heard of the other write, it wins as it is.
// nil is none.
func (r *Region) SetMerger(m Merger) {
	if m == nil {
		r.merger.Store(nil)
		return
	}
	r.merger.Store(&m)
}

// replaced is what a put of ours replaces, as peers may know it.
func (r *Region) replaced(prev *held, live bool) cache.Stamp {
	if r.mode != Replicate || !live || !prev.shared {
		return cache.Stamp{}
	}
	return prev.Stamp
}

// countOverwrite counts a peer's put that replaces what its writer did not know.
func (r *Region) countOverwrite(c *cache.Command, prev *held, live bool) {
	if c.Origin == cache.FromLateral && r.mode == Replicate && live && prev.shared && c.Replaced.Before(prev.Stamp) {
		r.count.overwrites.Add(1)
	}
}

// lost is the reply to a peer's put that is older than what is held. If that is
// ours, it shows it: ours was written without knowing of the peer's.
func (r *Region) lost(c *cache.Command, prev *held, live bool) cache.Reply {
	rep := cache.Reply{Stamp: prev.Stamp}
	if c.Origin == cache.FromLateral && r.mode == Replicate && live && prev.shared &&
		prev.Stamp.Node == r.clock.Node && c.Stamp.Before(prev.Stamp) && c.Replaced.Before(prev.Stamp) {
		rep.Element = prev.Element
	}
	return rep
}

// reconcile counts and merges such a put; no lock is held.
func (r *Region) reconcile(now int64, c *cache.Command, rep *cache.Reply) {
	ours := rep.Element
	rep.Element = cache.Element{}
	if ours.Attr == nil {
		return
	}
	r.count.overwrites.Add(1)
	m := r.merger.Load()
	if m == nil {
		return
	}
	theirs := cache.Element{Key: c.Key, Value: c.Value, Attr: r.attributes(c.Attr), Stamp: c.Stamp, Accessed: c.Accessed}
	if v, ok := (*m)(c.Key, ours, theirs); ok {
		r.put(now, &cache.Command{Op: cache.Put, Key: c.Key, Value: v, Attr: ours.Attr, Seen: &ours.Stamp})
	}
}
