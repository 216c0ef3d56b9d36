// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// A Join merges two versions of a key where the larger stamp alone would lose
// what the older one has: values whose form is cache.FormHash, whose fields
// have stamps of their own. Of older only a live hash gives fields; anything
// else, a tombstone too, takes away the fields that were written before it.
// same says that value holds exactly what newer does. The value depends on
// nothing but the two elements, and mark on nothing but the value.
//
// Join must be idempotent, commutative and associative in what values hold.
type Join func(older, newer cache.Element) (value cache.Value, mark cache.NodeID, same bool)

// joins reports whether two versions are to be joined: the newer is a hash.
// Whatever else is newer replaces all that is older, field by field too.
func (r *Region) joins(newer *cache.Element) bool {
	return r.mode == Replicate && r.s.Join != nil && newer.State == cache.Live && newer.Value.Form == cache.FormHash
}

// trace is what a version takes part in a join as: a value over its lifetime
// is as good as removed.
func (h *held) trace(live bool) cache.Element {
	e := h.Element
	if !live && e.State == cache.Live {
		e.State, e.Value = cache.Tombstone, cache.Value{}
	}
	return e
}

// joinPut makes of a put from elsewhere what this node is to hold after it, if
// that is neither of the two versions as they are. The result has a stamp that
// is larger than both and the same on every node that joins these two, so that
// replicas which met different versions first stay comparable; a sync brings
// together what no two of them have joined yet.
func (r *Region) joinPut(now int64, c *cache.Command, prev *held, found bool) {
	if !found || !fromPeer(c.Origin) || prev.under != nil || !prev.shared || prev.Stamp == c.Stamp {
		return
	}
	arrived := cache.Element{Key: c.Key, Value: c.Value, Attr: r.attributes(c.Attr), Stamp: c.Stamp, Accessed: c.Accessed}
	r.joinInto(c, prev.trace(prev.live(now)), arrived)
}

// joinInto puts the join of two versions into a command, unless that leaves
// things as the stamps alone would.
func (r *Region) joinInto(c *cache.Command, a, b cache.Element) bool {
	older, newer := a, b
	if b.Stamp.Before(a.Stamp) {
		older, newer = b, a
	}
	if !r.joins(&newer) {
		return false
	}
	v, mark, same := r.s.Join(older, newer)
	if same {
		return false
	}
	c.Value, c.Attr, c.Accessed = v, newer.Attr, max(older.Accessed, newer.Accessed)
	c.Stamp = cache.Stamp{Time: newer.Stamp.Time + 1, Node: mark}
	return true
}

// joinOwn gives a hash that is written here anew what its fields must be newer
// than, so that peers drop what they hold of an older one.
func (r *Region) joinOwn(h, prev *held, found, live bool) {
	if !found || !r.joins(&h.Element) || live && prev.Value.Form == cache.FormHash {
		return
	}
	if v, _, same := r.s.Join(prev.trace(false), h.Element); !same {
		h.Value = v
	}
}

// joinRemoval is a removal that came too late for a newer hash: it takes the
// fields that are older than it.
func (r *Region) joinRemoval(now int64, c *cache.Command, prev *held, live bool, hash uint64) cache.Reply {
	put := cache.Command{Op: cache.Put, Origin: c.Origin, Key: c.Key, Caller: c.Caller}
	gone := cache.Element{Key: c.Key, Stamp: c.Stamp, State: cache.Tombstone}
	if !live || !fromPeer(c.Origin) || prev.under != nil || !prev.shared || !r.joinInto(&put, gone, prev.Element) {
		return cache.Reply{Stamp: prev.Stamp}
	}
	rep, _ := r.putLocked(now, &put, hash)
	return rep
}
