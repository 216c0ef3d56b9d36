// SPDX-License-Identifier: Apache-2.0

package region

import (
	"errors"
	"fmt"

	"lateral/cache"
)

// Apply carries out a command at the given time (milliseconds since 1970). It
// looks at memory only: a miss is taken to the auxiliaries by the caller.
// An error means that nothing was changed and nobody was told; callers branch
// on cache.ErrKey and cache.ErrTooLarge, which come wrapped.
func (r *Region) Apply(now int64, c cache.Command) (cache.Reply, error) {
	if err := check(&c); err != nil {
		return cache.Reply{}, r.refused(&c, err)
	}
	switch c.Op {
	case cache.Get:
		e, ok := r.Get(now, c.Key)
		return cache.Reply{Found: ok, Element: e}, nil
	case cache.Touch:
		e, ok := r.Get(now, c.Key)
		return cache.Reply{Found: ok, Stamp: e.Stamp}, nil
	case cache.Put, cache.PutIfAbsent, cache.Update:
		return r.put(now, &c), nil
	case cache.Remove:
		if cache.IsPrefix(c.Key) {
			return r.removeMany(now, &c, cache.Remove, c.Key), nil
		}
		return r.remove(now, &c), nil
	case cache.RemoveAll:
		return r.removeMany(now, &c, cache.RemoveAll, ""), nil
	case cache.RemoveGroup:
		return r.removeMany(now, &c, cache.RemoveGroup, c.Key), nil
	case cache.RemoveTag:
		return r.removeMany(now, &c, cache.RemoveTag, c.Key), nil
	case cache.Keys, cache.GetMatching:
		return r.matching(now, c.Op, c.Pattern)
	case cache.Merge:
		return r.merge(now, &c)
	}
	return cache.Reply{}, fmt.Errorf("region %s: unknown operation %d", r.s.Name, c.Op)
}

// Check returns the error that Apply would return for the command's limits.
func (r *Region) Check(c cache.Command) error {
	if err := check(&c); err != nil {
		return r.refused(&c, err)
	}
	return nil
}

func (r *Region) refused(c *cache.Command, err error) error {
	return fmt.Errorf("%s in region %s: %w", c.Op, r.s.Name, err)
}

func check(c *cache.Command) error {
	switch {
	case len(c.Key) > cache.MaxKey:
		return tooLarge("key", len(c.Key), cache.MaxKey)
	case len(c.Value.Bytes) > cache.MaxValue:
		return tooLarge("value", len(c.Value.Bytes), cache.MaxValue)
	case len(c.Pattern) > cache.MaxKey:
		return tooLarge("pattern", len(c.Pattern), cache.MaxKey)
	}
	switch c.Op {
	case cache.Put, cache.PutIfAbsent, cache.Update:
		if cache.IsPrefix(c.Key) {
			return fmt.Errorf("%w %q: it ends in %q, which stands for a prefix", cache.ErrKey, c.Key, cache.Separator)
		}
		return errors.Join(cache.CheckTags(tagsOf(c)), checkKey(c.Key))
	case cache.Remove:
		// The removal of a prefix becomes a floor, which has to travel as a key.
		if n := len(cache.FloorKey(cache.Remove, c.Key)); cache.IsPrefix(c.Key) && n > cache.MaxKey {
			return tooLarge("prefix", len(c.Key), cache.MaxKey-(n-len(c.Key)))
		}
		return errors.Join(cache.CheckTags(tagsOf(c)), checkKey(c.Key))
	case cache.RemoveGroup:
		if len(c.Key) > cache.MaxGroup {
			return tooLarge("group name", len(c.Key), cache.MaxGroup)
		}
		return checkKey(c.Key)
	case cache.RemoveTag:
		return cache.CheckTag(c.Key)
	}
	return nil
}

func tooLarge(what string, has, may int) error {
	return fmt.Errorf("%w: a %s of %d bytes, at most %d are allowed", cache.ErrTooLarge, what, has, may)
}

func checkKey(key string) error {
	if key == "" {
		return fmt.Errorf("%w: it is empty", cache.ErrKey)
	}
	if _, _, ok := cache.SplitFloor(key); ok {
		return fmt.Errorf("%w %q: it is the name of a floor; a text that starts with NUL has cache.PlainKey", cache.ErrKey, key)
	}
	return nil
}

// tagsOf returns the tags that a command's element has, or had: see leave.
func tagsOf(c *cache.Command) string {
	if c.Attr == nil {
		return ""
	}
	return c.Attr.Tags
}

// foreign reports whether the command comes with a stamp of another node.
func foreign(c *cache.Command) bool { return !c.Stamp.IsZero() }

func fromPeer(o cache.Origin) bool { return o == cache.FromLateral || o == cache.FromSync }

// admit decides whether a foreign stamp may replace what is there. What only
// this node holds does not stand in the way of what its peers have in common.
func (r *Region) admit(now int64, c *cache.Command, prev *held) verdict {
	peer := fromPeer(c.Origin)
	has := prev.Stamp
	if r.mode == Replicate && peer {
		has = prev.known()
	}
	followed := r.clock.Observe(now, c.Stamp)
	if followed && c.Stamp.Compare(has) > 0 && !(peer && (r.overBuried(c) || r.overAge(now, c))) {
		if v := r.floors.covers(c.Key, tagsOf(c), c.Stamp); v == stays || v == strips && peer {
			return v
		}
	}
	if peer {
		r.count.stale.Add(1)
		if !followed {
			r.count.skewed.Add(1)
		}
		r.refuse(now, c, has, followed)
	}
	return goes
}

func (r *Region) put(now int64, c *cache.Command) cache.Reply {
	logged := !foreign(c) && r.mode != Local
	var turn uint64
	if logged {
		turn = r.clock.Begin()
	}
	hash := hashOf(c.Key, r.seed)
	r.mem.lock(hash)
	rep, stored := r.putLocked(now, c, hash)
	if logged {
		r.clock.End(turn)
	}
	if stored {
		r.invalid.add(hash, now)
		r.countPut(c.Origin)
	}
	r.mem.unlock(hash)
	if stored {
		r.mem.evict()
	} else if c.Origin == cache.FromLateral {
		r.reconcile(now, c, &rep)
	}
	return rep
}

func (r *Region) putLocked(now int64, c *cache.Command, hash uint64) (cache.Reply, bool) {
	prev, found := r.mem.peek(c.Key, hash)
	was := found && prev.live(now)
	if c.Op == cache.PutIfAbsent && was {
		return cache.Reply{Found: true, Element: prev.Element, Stamp: prev.Stamp}, false
	}
	if conflicts(c, &prev, was) {
		return cache.Reply{Conflict: true, Found: was, Element: prev.Element, Stamp: prev.Stamp}, false
	}
	if foreign(c) {
		r.joinPut(now, c, &prev, found)
		switch r.admit(now, c, &prev) {
		case goes:
			return r.lost(c, &prev, was), false
		case strips:
			r.leave(now, c.Key, hash, c.Origin, c.Stamp, &prev, found, tagsOf(c))
			r.hearRemoved(c, cache.Remove, c.Key, c.Stamp, was)
			return cache.Reply{Stamp: c.Stamp}, true
		}
	}
	h := held{Element: cache.Element{Key: c.Key, Value: c.Value, Attr: r.attributes(c.Attr), Stamp: c.Stamp, Accessed: now}, whole: c.Whole}
	if !foreign(c) {
		h.Stamp = r.clock.Next(now)
		r.joinOwn(&h, &prev, found, was)
	} else if r.mode == Replicate {
		// Idleness is judged by the last access anywhere; elsewhere a put counts
		// as one, as in JCS.
		h.Accessed = min(now, max(c.Accessed, c.Stamp.UnixMilli()))
		switch {
		case !fromPeer(c.Origin) || h.live(now):
		case !found:
			// This node may have dropped it already; it would come back with every
			// sync until the peer's clock has come as far.
			r.count.stale.Add(1)
			r.tellDisks(cache.Remove, c.Key, c.Stamp)
			return cache.Reply{}, false
		case now > r.end(&h.Element):
			return r.arriveOver(now, c, &prev, was, hash), true
		}
	}
	r.countOverwrite(c, &prev, was)
	sent := r.tellPut(c, &h, r.replaced(&prev, was))
	if r.mode == Replicate {
		r.relate(c, &h, &prev, sent)
		r.redigest(&prev, &h)
	}
	r.mem.store(h, hash, now)
	r.supersede(c, &h)
	r.hearWritten(c, &h, hash, was)
	return cache.Reply{Stamp: h.Stamp}, true
}

// conflicts reports whether a conditional write finds something else than its
// writer saw.
func conflicts(c *cache.Command, prev *held, live bool) bool {
	switch {
	case c.Seen == nil:
		return false
	case !live:
		return !c.Seen.IsZero()
	}
	return prev.Stamp != *c.Seen
}

// relate notes of a new element what peers hold in its place.
func (r *Region) relate(c *cache.Command, h, prev *held, sent Sending) {
	h.covers = r.covers(h, prev)
	switch {
	case sent == TheValue, fromPeer(c.Origin), foreign(c) && h.Attr.Lateral:
		h.shared = true
	case sent == TheRemoval:
		h.under = &aside{stamp: h.Stamp, attr: r.attr, state: cache.Tombstone}
	default:
		h.under = prev.aside()
	}
}

func (r *Region) countPut(o cache.Origin) {
	switch {
	case fromPeer(o):
		r.count.received.Add(1)
	case o == cache.Application || o == cache.LocalOnly:
		r.count.puts.Add(1)
	}
}

// merge takes in an element as another node knows it.
func (r *Region) merge(now int64, c *cache.Command) (cache.Reply, error) {
	if !foreign(c) {
		return cache.Reply{}, fmt.Errorf("merge in region %s: %q has no stamp, so no replica can order it", r.s.Name, c.Key)
	}
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
		return r.removeMany(now, c, op, name), nil
	default:
		return cache.Reply{}, fmt.Errorf("merge in region %s: elements of state %d do not travel", r.s.Name, c.State)
	}
	if err := check(c); err != nil {
		return cache.Reply{}, fmt.Errorf("merge in region %s: %w", r.s.Name, err)
	}
	if c.Op == cache.Put {
		return r.put(now, c), nil
	}
	return r.remove(now, c), nil
}
