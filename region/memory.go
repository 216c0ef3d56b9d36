// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// A memory is where a region keeps its elements. Writers hold the lock of a
// key (lock, unlock) from the look at what is there to the change; readers
// use get, which takes what it needs by itself.
type memory interface {
	// get returns a live element and notes the access. An element over its
	// lifetime is not returned: over is true then, and the caller drops it.
	get(key string, hash uint64, now int64) (e cache.Element, found, over bool)

	lock(hash uint64)
	unlock(hash uint64)

	// peek returns what is there, in any state, without noting an access.
	peek(key string, hash uint64) (e held, found bool)
	store(h held, hash uint64, now int64)
	drop(key string, hash uint64)

	// evict brings the memory back to its bounds; no lock may be held.
	evict()
	// each offers every element in turn until yield returns false. Writers
	// may be kept out meanwhile, readers are not.
	each(yield func(h held) bool)
	// sweep offers every element in turn, under its lock, and does as judge
	// says. Of what stays, judge may clear h.under. It returns how many went.
	sweep(judge func(h *held) verdict) int
	// reap drops the tombstones from up to a time, of which it tells.
	reap(upTo uint64, dropped func(h *held)) int
	// clear drops everything and tells of each.
	clear(dropped func(h *held))

	// size counts live elements, others (tombstones), and bytes of keys and values.
	size() (live, dead int, bytes int64)
	stats(s *cache.Stats)
}

// A verdict is what becomes of an element.
type verdict uint8

const (
	stays  verdict = iota
	goes           // without a trace
	strips         // leaves a tombstone with the stamp that peers know
	bares          // leaves what it hid (held.under)
)

// held is an element with what this node knows of its peers' copies.
type held struct {
	cache.Element
	shared bool   // peers hold this very version, and the digest counts it
	covers bool   // a version that it replaced may live longer than it does; never with MRU
	under  *aside // peers hold another version, which this node's own hides
	whole  string // see cache.Command.Whole
	until  uint64 // of a tombstone that is stored: what must be stable before it goes, if later than its stamp
}

// An aside is the version that peers hold under a key where a caller of this
// node wrote something that stays here (LocalOnly, IsLateral=false). It keeps
// its place in the digest, so that the replicas stay comparable.
type aside struct {
	stamp cache.Stamp
	attr  *cache.Attributes
	state cache.State // Tombstone, or Forgotten for a value

	held any // of the element that hides it; table.store has no other room
}

// known returns the version that peers hold too, zero if there is none.
func (h *held) known() cache.Stamp {
	switch {
	case h.under != nil:
		return h.under.stamp
	case h.shared:
		return h.Stamp
	}
	return cache.Stamp{}
}

// place is the stamp by which replicas order what they evict and floors cut:
// that of the version they have in common, if there is one.
func (h *held) place() cache.Stamp {
	if h.under != nil {
		return h.under.stamp
	}
	return h.Stamp
}

// aside returns what remains in the digest if this node hides h.
func (h *held) aside() *aside {
	switch {
	case h.under != nil:
		return h.under
	case !h.shared:
		return nil
	case h.State == cache.Live:
		return &aside{stamp: h.Stamp, attr: h.Attr, state: cache.Forgotten}
	}
	return &aside{stamp: h.Stamp, attr: h.Attr, state: h.State}
}

// common returns the element as replicas compare it: what is hidden rather
// than what hides it.
func (h *held) common() cache.Element {
	if u := h.under; u != nil {
		return cache.Element{Key: h.Key, Attr: u.attr, Stamp: u.stamp, State: u.state}
	}
	return h.Element
}

func (h *held) live(now int64) bool {
	return h.State == cache.Live && !h.Attr.Expired(h.Stamp.UnixMilli(), h.Accessed, now)
}

// gone is told of every element that leaves memory, or never gets in, because
// there is no room for it.
type gone func(h held)
