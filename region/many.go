// SPDX-License-Identifier: Apache-2.0

package region

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"lateral/cache"
)

// removeMany removes everything, a group or a prefix. Where values travel the
// removal is a floor; elsewhere what is held goes and nothing remains.
func (r *Region) removeMany(now int64, c *cache.Command, op cache.Op, name string) (cache.Reply, error) {
	s := c.Stamp
	if foreign(c) {
		if !r.clock.Observe(now, s) {
			r.count.stale.Add(1)
			return cache.Reply{}, nil
		}
		r.count.received.Add(1)
	} else {
		s = r.clock.Next(now)
		r.count.removes.Add(1)
	}
	keeps := r.mode == Replicate && c.Origin != cache.LocalOnly
	if keeps && !r.raise(op, name, s) {
		r.count.stale.Add(1)
		return cache.Reply{Stamp: s}, nil
	}
	n := 0
	limit := s
	if r.mode != Replicate {
		limit = cache.Stamp{Time: 1<<64 - 1} // a removal that travels drops what is held, whatever its stamp
	}
	gone := below(op, name, limit)
	r.mem.sweep(func(h held) bool {
		if !gone(h.Key, h.Stamp) {
			return true
		}
		r.undigest(h)
		if h.State == cache.Live {
			n++
		}
		return false
	})
	r.tellRemove(c, op, name, s)
	return cache.Reply{Count: n, Found: n > 0, Stamp: s}, nil
}

// raise merges a floor and keeps the digest in step.
func (r *Region) raise(op cache.Op, name string, s cache.Stamp) bool {
	key := cache.FloorKey(op, name)
	old, news := r.floors.raise(key, s)
	if !news {
		return false
	}
	if !old.IsZero() {
		r.digest.Remove(key, old)
	}
	r.digest.Add(key, s)
	if mid, over := r.floors.middle(); over && op != cache.RemoveAll {
		r.raise(cache.RemoveAll, "", mid)
		r.floors.expire(mid.UnixMilli(), r.digest.Remove)
	}
	return true
}

// matching answers Keys and GetMatching: a pattern is a regular expression
// that the whole key must match (JCS: KeyMatcherPatternImpl).
func (r *Region) matching(now int64, c *cache.Command) (cache.Reply, error) {
	var re *regexp.Regexp
	if c.Pattern != "" {
		var err error
		if re, err = regexp.Compile("^(?s:" + c.Pattern + ")$"); err != nil {
			return cache.Reply{}, fmt.Errorf("pattern %q: %w; patterns are regular expressions over the whole key, like user:.*", c.Pattern, err)
		}
	}
	var rep cache.Reply
	r.mem.sweep(func(h held) bool {
		if !h.live(now) || re != nil && !re.MatchString(cache.KeyText(h.Key)) {
			return true
		}
		if c.Op == cache.GetMatching {
			rep.Elements = append(rep.Elements, h.Element)
		} else {
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
	if h, ok := r.mem.peek(key, hash); ok && h.State == cache.Live && !h.live(now) {
		r.undigest(h)
		r.mem.drop(key, hash)
	}
}

// NoteAuxHit counts an element that a miss found in an auxiliary.
func (r *Region) NoteAuxHit() { r.count.auxHits.Add(1) }

// DropAll empties the region without telling anybody: a link may have missed
// removals, so what is held may be stale. It returns how many went.
func (r *Region) DropAll() int {
	n, _, _ := r.mem.size()
	r.mem.clear()
	r.count.gapDrops.Add(uint64(n))
	return n
}

// Each offers every element that peers hold too, and every floor, until yield
// returns false. The lock of a part of the region is held meanwhile: yield
// must not call back.
func (r *Region) Each(yield func(cache.Element) bool) {
	more := true
	r.floors.each(func(e cache.Element) bool { more = yield(e); return more })
	r.mem.sweep(func(h held) bool {
		if more && h.shared {
			more = yield(h.Element)
		}
		return true
	})
}

// Lookup returns what the region knows of a key, in any state, floors
// included; shared is whether peers hold it too.
func (r *Region) Lookup(key string) (e cache.Element, shared bool) {
	if _, _, ok := cache.SplitFloor(key); ok {
		s, ok := r.floors.get(key)
		return cache.Element{Key: key, Stamp: s, State: cache.Floor}, ok
	}
	hash := hashOf(key, r.seed)
	r.mem.lock(hash)
	defer r.mem.unlock(hash)
	h, ok := r.mem.peek(key, hash)
	return h.Element, ok && h.shared
}
