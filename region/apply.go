// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"

	"lateral/cache"
)

// Apply carries out a command at the given time (milliseconds since 1970). It
// looks at memory only: a miss is taken to the auxiliaries by the caller.
// Errors are cache.ErrKey and cache.ErrTooLarge, wrapped; then nothing was
// changed and nobody was told.
func (r *Region) Apply(now int64, c cache.Command) (cache.Reply, error) {
	if err := check(&c); err != nil {
		return cache.Reply{}, fmt.Errorf("%s in region %s: %w", c.Op, r.s.Name, err)
	}
	switch c.Op {
	case cache.Get:
		e, ok := r.Get(now, c.Key)
		return cache.Reply{Found: ok, Element: e}, nil
	case cache.Put, cache.PutIfAbsent, cache.Update:
		return r.put(now, &c)
	case cache.Remove:
		if cache.IsPrefix(c.Key) {
			return r.removeMany(now, &c, cache.Remove, c.Key)
		}
		return r.remove(now, &c)
	case cache.RemoveAll:
		return r.removeMany(now, &c, cache.RemoveAll, "")
	case cache.RemoveGroup:
		return r.removeMany(now, &c, cache.RemoveGroup, c.Key)
	case cache.Keys, cache.GetMatching:
		return r.matching(now, &c)
	case cache.Merge:
		return r.merge(now, &c)
	}
	return cache.Reply{}, fmt.Errorf("region %s: unknown operation %d", r.s.Name, c.Op)
}

func check(c *cache.Command) error {
	switch {
	case len(c.Key) > cache.MaxKey:
		return fmt.Errorf("%w: a key of %d bytes, at most %d are allowed", cache.ErrTooLarge, len(c.Key), cache.MaxKey)
	case len(c.Value.Bytes) > cache.MaxValue:
		return fmt.Errorf("%w: a value of %d bytes, at most %d are allowed", cache.ErrTooLarge, len(c.Value.Bytes), cache.MaxValue)
	}
	switch c.Op {
	case cache.Put, cache.PutIfAbsent, cache.Update:
		if c.Key == "" || cache.IsPrefix(c.Key) {
			return fmt.Errorf("%w %q: a key is not empty and does not end in %q, which stands for a prefix", cache.ErrKey, c.Key, cache.Separator)
		}
	case cache.Remove, cache.RemoveGroup:
		if c.Key == "" {
			return fmt.Errorf("%w: it is empty", cache.ErrKey)
		}
	}
	return nil
}

// foreign reports whether the command comes with a stamp of another node.
func foreign(c *cache.Command) bool { return !c.Stamp.IsZero() }

// admit decides whether a foreign stamp may replace what is there.
func (r *Region) admit(now int64, c *cache.Command, prev *held, found bool) bool {
	if !r.clock.Observe(now, c.Stamp) || r.floors.covers(c.Key, c.Stamp) || found && c.Stamp.Compare(prev.Stamp) <= 0 {
		r.count.stale.Add(1)
		return false
	}
	return true
}

func (r *Region) put(now int64, c *cache.Command) (cache.Reply, error) {
	hash := hashOf(c.Key, r.seed)
	r.mem.lock(hash)
	rep, stored := r.putLocked(now, c, hash)
	r.mem.unlock(hash)
	if stored {
		r.mem.evict()
	}
	return rep, nil
}

func (r *Region) putLocked(now int64, c *cache.Command, hash uint64) (cache.Reply, bool) {
	prev, found := r.mem.peek(c.Key, hash)
	if c.Op == cache.PutIfAbsent && found && prev.live(now) {
		return cache.Reply{Found: true, Element: prev.Element}, false
	}
	h := held{Element: cache.Element{Key: c.Key, Value: c.Value, Attr: r.attributes(c.Attr), Stamp: c.Stamp, Accessed: c.Accessed}}
	if foreign(c) {
		if !r.admit(now, c, &prev, found) {
			return cache.Reply{Stamp: prev.Stamp}, false
		}
		r.count.received.Add(1)
		h.Accessed = max(h.Accessed, c.Stamp.UnixMilli())
		h.shared = r.mode == Replicate
	} else {
		h.Stamp = r.clock.Next(now)
		h.Accessed = now
		r.count.puts.Add(1)
	}
	h.shared = r.tellPut(c, &h) && r.mode == Replicate || h.shared
	r.replace(&prev, found, &h)
	r.mem.store(h, hash, now)
	return cache.Reply{Stamp: h.Stamp}, true
}

// tellPut lets the auxiliaries know of a put and reports whether peers were
// sent the value.
func (r *Region) tellPut(c *cache.Command, h *held) (shared bool) {
	for i := range r.s.Auxiliaries {
		b := &r.s.Auxiliaries[i]
		switch Fanout(c.Origin, b.Kind, c.Op, h.Attr, b.Gates) {
		case TheValue:
			b.Aux.Note(cache.Change{Op: cache.Put, Region: r.s.Name, Element: h.Element})
			shared = shared || b.Kind == cache.Lateral
		case TheRemoval:
			ch := cache.Change{Op: cache.Remove, Region: r.s.Name, Element: cache.Element{Key: h.Key, Stamp: h.Stamp, State: cache.Tombstone}}
			if c.Op != cache.Update {
				ch.Hash = ValueHash(h.Value.Bytes)
			}
			b.Aux.Note(ch)
		}
	}
	return shared
}

// replace keeps the digest in step with memory.
func (r *Region) replace(prev *held, found bool, h *held) {
	if found {
		r.undigest(*prev)
	}
	if h.shared {
		r.digest.Add(h.Key, h.Stamp)
	}
}

func (h *held) live(now int64) bool {
	return h.State == cache.Live && !h.Attr.Expired(h.Stamp.UnixMilli(), h.Accessed, now)
}

// ValueHash is the hash that a removal sent in place of a put carries, so that
// a peer that holds the same value need not drop it. It is never 0.
func ValueHash(value string) uint64 { return hashOf(value, 0) | 1 }

func (r *Region) remove(now int64, c *cache.Command) (cache.Reply, error) {
	hash := hashOf(c.Key, r.seed)
	r.mem.lock(hash)
	defer r.mem.unlock(hash)
	prev, found := r.mem.peek(c.Key, hash)
	rep := cache.Reply{Found: found && prev.live(now), Stamp: c.Stamp}
	if c.Hash != 0 && r.filter && rep.Found && ValueHash(prev.Value.Bytes) == c.Hash {
		r.count.filtered.Add(1)
		return rep, nil
	}
	switch {
	case foreign(c) && r.mode == Replicate && !r.admit(now, c, &prev, found):
		return cache.Reply{Stamp: prev.Stamp}, nil
	case foreign(c):
		r.clock.Observe(now, c.Stamp)
		r.count.received.Add(1)
	default:
		rep.Stamp = r.clock.Next(now)
		r.count.removes.Add(1)
	}
	r.leave(now, c, hash, rep.Stamp, &prev, found)
	r.tellRemove(c, cache.Remove, c.Key, rep.Stamp)
	return rep, nil
}

// leave puts in place of an element what its removal leaves behind.
func (r *Region) leave(now int64, c *cache.Command, hash uint64, s cache.Stamp, prev *held, found bool) {
	h := held{Element: cache.Element{Key: c.Key, Attr: r.attr, Stamp: s, Accessed: now, State: cache.Tombstone}, shared: true}
	switch {
	case r.mode != Replicate, c.Origin == cache.LocalOnly && !prev.shared:
		if found {
			r.undigest(*prev)
			r.mem.drop(c.Key, hash)
		}
		return
	case c.Origin == cache.LocalOnly:
		h.Stamp, h.State = prev.Stamp, cache.Forgotten
	}
	r.replace(prev, found, &h)
	r.mem.store(h, hash, now)
}

func (r *Region) tellRemove(c *cache.Command, op cache.Op, key string, s cache.Stamp) {
	for i := range r.s.Auxiliaries {
		b := &r.s.Auxiliaries[i]
		if Fanout(c.Origin, b.Kind, op, r.attr, b.Gates) == TheRemoval {
			b.Aux.Note(cache.Change{Op: op, Region: r.s.Name, Hash: c.Hash,
				Element: cache.Element{Key: key, Stamp: s, State: cache.Tombstone}})
		}
	}
}

// merge takes in an element as another node knows it.
func (r *Region) merge(now int64, c *cache.Command) (cache.Reply, error) {
	switch c.State {
	case cache.Live:
		c.Op = cache.Put
	case cache.Tombstone:
		c.Op = cache.Remove
	case cache.Floor:
		op, name, ok := cache.SplitFloor(c.Key)
		if !ok {
			return cache.Reply{}, fmt.Errorf("merge in region %s: %w: %q names no floor", r.s.Name, cache.ErrKey, c.Key)
		}
		return r.removeMany(now, c, op, name)
	default:
		return cache.Reply{}, fmt.Errorf("merge in region %s: elements of state %d do not travel", r.s.Name, c.State)
	}
	if err := check(c); err != nil {
		return cache.Reply{}, fmt.Errorf("merge in region %s: %w", r.s.Name, err)
	}
	if c.Op == cache.Put {
		return r.put(now, c)
	}
	return r.remove(now, c)
}
