// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

func (r *Region) remove(now int64, c *cache.Command) cache.Reply {
	if !foreign(c) {
		defer r.clock.End(r.clock.Begin())
	}
	hash := hashOf(c.Key, r.seed)
	r.mem.lock(hash)
	rep := r.removeLocked(now, c, hash)
	r.mem.unlock(hash)
	if r.mode == Replicate {
		r.mem.evict() // a tombstone takes room, too
	}
	return rep
}

func (r *Region) removeLocked(now int64, c *cache.Command, hash uint64) cache.Reply {
	prev, found := r.mem.peek(c.Key, hash)
	was := found && prev.live(now)
	if conflicts(c, &prev, was) {
		return cache.Reply{Conflict: true, Found: was, Element: prev.Element, Stamp: prev.Stamp}
	}
	r.invalid.add(hash, now)
	if v := versionOf(&c.Value); v != 0 {
		r.versions.raise(now, c.Key, v)
	}
	rep := cache.Reply{Found: was, Stamp: c.Stamp}
	if c.Hash != 0 && r.filter && rep.Found && valueHash(&prev.Value) == c.Hash {
		r.count.filtered.Add(1)
		return cache.Reply{Stamp: prev.Stamp}
	}
	switch {
	case !foreign(c):
		rep.Stamp = r.clock.Next(now)
		r.count.removes.Add(1)
	case r.late(c) && !r.owed(c) && !r.removes(c, &prev):
		r.tellDisksLate(cache.Remove, c.Key, c.Stamp)
		return r.joinRemoval(now, c, &prev, was, hash)
	case r.mode == Replicate && r.admit(now, c, &prev) == goes:
		return r.joinRemoval(now, c, &prev, was, hash)
	default:
		r.clock.Observe(now, c.Stamp)
		r.count.received.Add(1)
		r.strikes(c.Origin, was && prev.shared)
	}
	r.leave(now, c.Key, hash, c.Origin, rep.Stamp, &prev, found, tagsOf(c))
	r.tellRemove(c, cache.Remove, c.Key, rep.Stamp)
	r.hearRemoved(c, cache.Remove, c.Key, rep.Stamp, was)
	return rep
}

// leave puts in place of an element what its removal leaves behind: nothing
// where values do not travel; else a tombstone, or, where only this node is to
// forget it, the place it has in the digest. A tombstone that the floor of a tag
// left keeps the tags, which say what floor that is: see Covering.
func (r *Region) leave(now int64, key string, hash uint64, o cache.Origin, s cache.Stamp, prev *held, found bool, tags string) {
	h := held{Element: cache.Element{Key: key, Attr: r.attr, Stamp: s, Accessed: now, State: cache.Tombstone}, shared: true}
	if tags != "" {
		a := *r.attr
		a.Tags = tags
		h.Attr = r.intern(&a)
	}
	if s.Time <= r.stable() {
		h.until = r.clock.Reached(now)
	}
	if r.mode == Replicate && o == cache.LocalOnly {
		u := prev.aside()
		if u != nil {
			h.Attr, h.Stamp, h.State = u.attr, u.stamp, u.state
		}
		h.shared = u != nil
	}
	if r.mode != Replicate || !h.shared {
		if found {
			r.mem.drop(key, hash)
		}
		return
	}
	r.redigest(prev, &h)
	r.mem.store(h, hash, now)
}

// removeMany removes everything, a group, a prefix or what has a tag. Where values travel the
// removal is a floor; elsewhere what is held goes and nothing remains.
func (r *Region) removeMany(now int64, c *cache.Command, op cache.Op, name string) cache.Reply {
	s := c.Stamp
	switch {
	case !foreign(c):
		defer r.clock.End(r.clock.Begin())
		s = r.clock.Next(now)
		r.count.removes.Add(1)
	case r.late(c) && !r.removesMany(s, op, name):
		r.tellDisksLate(op, name, s)
		return cache.Reply{}
	case !r.clock.Observe(now, s) && r.mode == Replicate:
		r.count.stale.Add(1)
		r.count.skewed.Add(1)
		return cache.Reply{}
	}
	r.invalidateAll(now)
	var n int
	switch {
	case r.mode != Replicate:
		n = r.sweepOut(func(h *held) verdict {
			if in(op, name, h.Key, h.Attr) {
				return goes
			}
			return stays
		})
	case c.Origin == cache.LocalOnly:
		n = r.forgetMany(now, op, name)
	default:
		if r.late(c) {
			r.floors.until.Store(r.clock.Reached(now))
		}
		judge := r.raise(op, name, s)
		if judge == nil {
			r.count.stale.Add(1)
			return cache.Reply{Stamp: s}
		}
		n = r.sweepOut(judge)
		r.strikes(c.Origin, n > 0)
	}
	if foreign(c) {
		r.count.received.Add(1)
	}
	r.tellRemove(c, op, name, s)
	r.hearRemoved(c, op, name, s, n > 0)
	return cache.Reply{Count: n, Found: n > 0, Stamp: s}
}

// sweepOut does as judge says and counts the values that were removed.
func (r *Region) sweepOut(judge func(h *held) verdict) (n int) {
	r.mem.sweep(func(h *held) verdict {
		v := judge(h)
		if v != stays && h.State == cache.Live {
			n++
		}
		if v == goes {
			r.undigest(h)
		}
		return v
	})
	return n
}

// forgetMany removes many of this node's values without a trace at its peers.
func (r *Region) forgetMany(now int64, op cache.Op, name string) (n int) {
	var keys []string
	r.mem.each(func(h held) bool {
		if h.State == cache.Live && in(op, name, h.Key, h.Attr) {
			keys = append(keys, h.Key)
		}
		return true
	})
	for _, key := range keys {
		hash := hashOf(key, r.seed)
		r.mem.lock(hash)
		if prev, found := r.mem.peek(key, hash); found && prev.State == cache.Live {
			r.leave(now, key, hash, cache.LocalOnly, cache.Stamp{}, &prev, found, "")
			n++
		}
		r.mem.unlock(hash)
	}
	return n
}

// raise merges a floor, keeps the digest in step and returns what becomes of
// each element; nil if it is not news.
func (r *Region) raise(op cache.Op, name string, s cache.Stamp) (judge func(h *held) verdict) {
	if !r.floors.raise(op, name, s, r.digest) {
		return nil
	}
	mid, over := r.floors.median()
	if over {
		if over = r.floors.raise(cache.RemoveAll, "", mid, r.digest); over {
			r.tellDisksLate(cache.RemoveAll, "", mid)
		}
	}
	return func(h *held) verdict {
		at := h.place()
		switch {
		case over && at.Compare(mid) <= 0:
			return goes
		case op == cache.RemoveTag:
			return untag(h, name, s)
		case at.Compare(s) > 0 || !in(op, name, h.Key, nil) || h.State == cache.Tombstone && op != cache.RemoveAll:
			return stays
		case op == cache.RemoveAll || h.known().IsZero():
			return goes
		}
		return strips
	}
}

// untag says what the floor of a tag makes of an element. Unlike its key, its
// tags are those of one version: what peers hold may have it, or what hides
// that here, or both.
func untag(h *held, tag string, floor cache.Stamp) verdict {
	has := func(a *cache.Attributes, s cache.Stamp, state cache.State) bool {
		return state != cache.Tombstone && s.Compare(floor) <= 0 && a.Tagged(tag)
	}
	u := h.under
	switch {
	case u != nil && has(u.attr, u.stamp, u.state):
		return strips // what hides it goes, too: a cache may forget
	case !has(h.Attr, h.Stamp, h.State):
		return stays
	case u != nil:
		return bares
	case !h.shared:
		return goes
	}
	return strips
}
