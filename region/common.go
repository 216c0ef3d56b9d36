// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// Common returns the version of a key that a replicated region has in common
// with its peers, whatever this node hides it with: the live element; else, as
// a Tombstone, the newest removal that is known, of the key alone or of many;
// else false. It notes no access.
func (r *Region) Common(now int64, key string) (e cache.Element, ok bool) {
	hash := hashOf(key, r.seed)
	r.mem.lock(hash)
	h, found := r.mem.peek(key, hash)
	r.mem.unlock(hash)
	if found && !h.known().IsZero() {
		e = h.common()
	}
	tags := ""
	if e.Attr != nil {
		tags = e.Attr.Tags
	}
	if s := r.floors.over(key, tags); s.Compare(e.Stamp) > 0 {
		return cache.Element{Key: key, Attr: r.attr, Stamp: s, State: cache.Tombstone}, true
	}
	switch e.State {
	case cache.Live:
		ok = e.Attr != nil && !e.Attr.Expired(e.Stamp.UnixMilli(), e.Accessed, now)
	case cache.Tombstone:
		ok = true
	}
	if !ok {
		return cache.Element{}, false
	}
	return e, true
}

// over returns the newest removal of many that means the key or one of the
// tags, zero if none.
func (f *floors) over(key, tags string) cache.Stamp {
	s, _, _ := f.which(key, tags)
	return s
}

// which returns it with what it removed.
func (f *floors) which(key, tags string) (s cache.Stamp, op cache.Op, name string) {
	if f.count.Load() == 0 {
		return s, op, name
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	s, op = f.all, cache.RemoveAll
	raise := func(t cache.Stamp, of cache.Op, text string) {
		if t.Compare(s) > 0 {
			s, op, name = t, of, text
		}
	}
	for _, tag := range cache.SplitTags(tags) {
		raise(f.tags[tag], cache.RemoveTag, tag)
	}
	if group, _, ok := cache.SplitGroup(key); ok {
		raise(f.groups[group], cache.RemoveGroup, group)
		return s, op, name
	}
	for i := range len(key) {
		if key[i] == cache.Separator[0] && f.lengths[i+1] > 0 {
			raise(f.prefixes[key[:i+1]], cache.Remove, key[:i+1])
		}
	}
	return s, op, name
}
