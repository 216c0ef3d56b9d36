// SPDX-License-Identifier: Apache-2.0

package region

import (
	"cmp"
	"fmt"
	"slices"

	"lateral/cache"
)

// matching answers Keys and GetMatching: a pattern is a regular expression
// that the whole key must match (JCS: KeyMatcherPatternImpl).
func (r *Region) matching(now int64, op cache.Op, pattern string) (cache.Reply, error) {
	matches, err := cache.KeyPattern(pattern)
	if err != nil {
		return cache.Reply{}, fmt.Errorf("%s in region %s: %w", op, r.s.Name, err)
	}
	var rep cache.Reply
	r.mem.each(func(h held) bool {
		switch {
		case !h.live(now) || !matches(h.Key):
		case op == cache.GetMatching:
			rep.Elements = append(rep.Elements, h.Element)
		default:
			rep.Keys = append(rep.Keys, h.Key)
		}
		return true
	})
	slices.Sort(rep.Keys)
	slices.SortFunc(rep.Elements, func(a, b cache.Element) int { return cmp.Compare(a.Key, b.Key) })
	rep.Count = len(rep.Keys) + len(rep.Elements)
	return rep, nil
}

// Get returns a live element from memory.
func (r *Region) Get(now int64, key string) (cache.Element, bool) {
	hash := hashOf(key, r.seed)
	e, ok, over := r.mem.get(key, hash, now)
	if over {
		r.expire(now, key, hash)
	}
	return e, ok
}

// expire drops an element that a read found over its lifetime, unless a writer
// was faster. Peers are not told: they hold the same lifetime.
func (r *Region) expire(now int64, key string, hash uint64) {
	r.mem.lock(hash)
	defer r.mem.unlock(hash)
	h, ok := r.mem.peek(key, hash)
	if !ok || h.State != cache.Live || h.live(now) {
		return
	}
	switch {
	case h.under != nil:
		r.leave(now, key, hash, cache.LocalOnly, cache.Stamp{}, &h, true, "")
	case r.outlived(now, &h):
		r.leave(now, key, hash, cache.FromSync, h.Stamp, &h, true, "")
	default:
		r.undigest(&h)
		r.mem.drop(key, hash)
	}
	r.tellDisks(cache.Remove, h.Key, h.Stamp)
	r.hearGone(cache.Expired, &h)
}

// Len counts the live elements in memory, those over their lifetime among them
// that nobody has noticed yet.
func (r *Region) Len() int {
	live, _, _ := r.mem.size()
	return live
}

// NoteAuxHit counts an element that a miss found in an auxiliary.
func (r *Region) NoteAuxHit() { r.count.auxHits.Add(1) }

// DropAll empties memory and disks without telling any peer: a link may have
// missed removals, so what is held may be stale. It returns how many went.
func (r *Region) DropAll(now int64) int {
	r.invalidateAll(now)
	n := 0
	r.mem.clear(func(h *held) {
		r.undigest(h)
		if h.State == cache.Live {
			n++
		}
	})
	r.tellDisks(cache.RemoveAll, "", r.clock.Next(now))
	r.count.gaps.Add(1)
	r.count.gapDrops.Add(uint64(n))
	r.Doubt()
	return n
}

// Each offers every element that peers hold too, and every floor, until yield
// returns false. Where this node forgot or hides what its peers hold, the
// element is Forgotten or a Tombstone with the peers' stamp. Writers of a part
// of the region wait meanwhile: yield must not call back.
func (r *Region) Each(yield func(cache.Element) bool) {
	for _, e := range r.floors.elements() {
		if !yield(e) {
			return
		}
	}
	r.mem.each(func(h held) bool { return h.known().IsZero() || yield(h.common()) })
}

// Lookup returns what the region knows of a key, in any state, floors
// included; shared is whether the digest counts that key.
func (r *Region) Lookup(key string) (e cache.Element, shared bool) {
	h, floor, ok := r.lookup(key)
	if floor {
		return h.Element, ok
	}
	return h.Element, ok && !h.known().IsZero()
}

// Shared returns what peers hold of a key too, in any state, floors included:
// what is hidden here rather than what hides it. ok is whether there is any.
func (r *Region) Shared(key string) (e cache.Element, ok bool) {
	h, floor, ok := r.lookup(key)
	if floor {
		return h.Element, ok
	}
	return h.common(), ok && !h.known().IsZero()
}

func (r *Region) lookup(key string) (h held, floor, ok bool) {
	if op, name, ok := cache.SplitFloor(key); ok {
		s, ok := r.floors.get(op, name)
		return held{Element: cache.Element{Key: key, Stamp: s, State: cache.Floor}}, true, ok
	}
	hash := hashOf(key, r.seed)
	r.mem.lock(hash)
	defer r.mem.unlock(hash)
	h, ok = r.mem.peek(key, hash)
	return h, false, ok
}
