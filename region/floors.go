// SPDX-License-Identifier: Apache-2.0

package region

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"lateral/cache"
)

// floors are the removals of many at once: of everything, of a group, of a
// prefix, of what has a tag. Each is one stamp, and only what is newer is visible, so that an
// older put that arrives later resurrects nothing. Merging two floors keeps
// the larger stamp; a floor below that of the whole region says nothing and is
// not kept. Both rules commute, so replicas agree on their floors.
//
// Below the floor of the whole region nothing is kept at all. Below that of a
// group, a prefix or a tag a tombstone with the element's own stamp is: if it made
// room in a bounded region, what was pushed out before would depend on the
// order in which things arrived, and replicas would differ.
type floors struct {
	mu       sync.RWMutex
	all      cache.Stamp            // guarded by mu
	groups   map[string]cache.Stamp // guarded by mu
	prefixes map[string]cache.Stamp // guarded by mu
	tags     map[string]cache.Stamp // guarded by mu
	lengths  map[int]int            // how many prefixes are that long; guarded by mu

	until atomic.Uint64 // what must be stable before any goes, see Region.late
	count atomic.Int64  // so that a region without any pays one load
}

// maxFloors bounds how many a region keeps. Beyond it the older half becomes
// a floor of the whole region: a cache may forget, it may not grow for ever.
const maxFloors = 1 << 16

// in reports whether a removal of many means an element. a is nil for one that
// has no tags.
func in(op cache.Op, name, key string, a *cache.Attributes) bool {
	switch op {
	case cache.RemoveGroup:
		g, _, ok := cache.SplitGroup(key)
		return ok && g == name
	case cache.Remove:
		return strings.HasPrefix(key, name)
	case cache.RemoveTag:
		return a != nil && a.Tagged(name)
	}
	return true
}

// raise merges a floor, keeps the digest in step and reports whether it is news.
func (f *floors) raise(op cache.Op, name string, s cache.Stamp, d Digest) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.at(op, name)
	if s.Compare(old) <= 0 || s.Compare(f.all) <= 0 {
		return false
	}
	if !old.IsZero() {
		d.Remove(cache.FloorKey(op, name), old)
	}
	f.set(op, name, s)
	d.Add(cache.FloorKey(op, name), s)
	if op == cache.RemoveAll {
		f.prune(func(at cache.Stamp) bool { return at.Compare(s) <= 0 }, d)
	}
	f.recount()
	return true
}

func (f *floors) at(op cache.Op, name string) cache.Stamp {
	switch op {
	case cache.RemoveGroup:
		return f.groups[name]
	case cache.Remove:
		return f.prefixes[name]
	case cache.RemoveTag:
		return f.tags[name]
	}
	return f.all
}

func (f *floors) set(op cache.Op, name string, s cache.Stamp) {
	if f.groups == nil {
		f.groups, f.prefixes, f.tags, f.lengths = map[string]cache.Stamp{}, map[string]cache.Stamp{}, map[string]cache.Stamp{}, map[int]int{}
	}
	switch op {
	case cache.RemoveGroup:
		f.groups[name] = s
	case cache.RemoveTag:
		f.tags[name] = s
	case cache.Remove:
		if f.prefixes[name].IsZero() {
			f.lengths[len(name)]++
		}
		f.prefixes[name] = s
	default:
		f.all = s
	}
}

// prune drops the floors, but for that of the whole region, for which goes is
// true.
func (f *floors) prune(goes func(s cache.Stamp) bool, d Digest) {
	for op, named := range map[cache.Op]map[string]cache.Stamp{cache.RemoveGroup: f.groups, cache.RemoveTag: f.tags} {
		for name, s := range named {
			if goes(s) {
				delete(named, name)
				d.Remove(cache.FloorKey(op, name), s)
			}
		}
	}
	for name, s := range f.prefixes {
		if goes(s) {
			delete(f.prefixes, name)
			if f.lengths[len(name)]--; f.lengths[len(name)] == 0 {
				delete(f.lengths, len(name))
			}
			d.Remove(cache.FloorKey(cache.Remove, name), s)
		}
	}
}

func (f *floors) recount() {
	n := len(f.groups) + len(f.prefixes) + len(f.tags)
	if !f.all.IsZero() {
		n++
	}
	f.count.Store(int64(n))
}

// covers says what becomes of an element written at s; tags are joined.
func (f *floors) covers(key, tags string, s cache.Stamp) verdict {
	if f.count.Load() == 0 {
		return stays
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	switch {
	case s.Compare(f.all) <= 0:
		return goes
	case f.coversKey(key, s) || f.coversTags(tags, s):
		return strips
	}
	return stays
}

func (f *floors) coversKey(key string, s cache.Stamp) bool {
	if group, _, ok := cache.SplitGroup(key); ok {
		return s.Compare(f.groups[group]) <= 0
	}
	for i := range len(key) {
		// Looking up only lengths that occur keeps a key full of separators cheap.
		if key[i] == cache.Separator[0] && f.lengths[i+1] > 0 && s.Compare(f.prefixes[key[:i+1]]) <= 0 {
			return true
		}
	}
	return false
}

func (f *floors) coversTags(tags string, s cache.Stamp) bool {
	if len(f.tags) == 0 {
		return false
	}
	for _, tag := range cache.SplitTags(tags) {
		if s.Compare(f.tags[tag]) <= 0 {
			return true
		}
	}
	return false
}

// Covering returns the floors of groups, prefixes and tags that cover a key with
// tags at a stamp. The tombstone that such a floor left of an element has that element's
// own stamp, so a digest does not tell the two apart: it must never travel
// without a floor that removes the element wherever it is.
func (r *Region) Covering(key, tags string, s cache.Stamp) []cache.Element {
	return r.floors.covering(key, tags, s)
}

func (f *floors) covering(key, tags string, s cache.Stamp) (els []cache.Element) {
	if f.count.Load() == 0 {
		return nil
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	add := func(op cache.Op, name string, at cache.Stamp) {
		if s.Compare(at) <= 0 {
			els = append(els, cache.Element{Key: cache.FloorKey(op, name), Stamp: at, State: cache.Floor})
		}
	}
	for _, tag := range cache.SplitTags(tags) {
		add(cache.RemoveTag, tag, f.tags[tag])
	}
	if group, _, ok := cache.SplitGroup(key); ok {
		add(cache.RemoveGroup, group, f.groups[group])
		return els
	}
	for i := range len(key) {
		if key[i] == cache.Separator[0] && f.lengths[i+1] > 0 {
			add(cache.Remove, key[:i+1], f.prefixes[key[:i+1]])
		}
	}
	return els
}

// elements returns every floor as an element.
func (f *floors) elements() []cache.Element {
	f.mu.RLock()
	defer f.mu.RUnlock()
	els := make([]cache.Element, 0, f.count.Load())
	add := func(op cache.Op, name string, s cache.Stamp) {
		els = append(els, cache.Element{Key: cache.FloorKey(op, name), Stamp: s, State: cache.Floor})
	}
	if !f.all.IsZero() {
		add(cache.RemoveAll, "", f.all)
	}
	for name, s := range f.groups {
		add(cache.RemoveGroup, name, s)
	}
	for name, s := range f.prefixes {
		add(cache.Remove, name, s)
	}
	for name, s := range f.tags {
		add(cache.RemoveTag, name, s)
	}
	return els
}

// get returns the stamp of a floor.
func (f *floors) get(op cache.Op, name string) (s cache.Stamp, ok bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	s = f.at(op, name)
	return s, !s.IsZero()
}

// expire drops the floors written before a time (milliseconds).
func (f *floors) expire(before int64, d Digest) {
	if f.count.Load() == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.prune(func(s cache.Stamp) bool { return s.UnixMilli() < before }, d)
	if !f.all.IsZero() && f.all.UnixMilli() < before {
		d.Remove(cache.FloorKey(cache.RemoveAll, ""), f.all)
		f.all = cache.Stamp{}
	}
	f.recount()
}

// median returns the stamp in the middle once there are too many floors.
func (f *floors) median() (cache.Stamp, bool) {
	if f.count.Load() <= maxFloors {
		return cache.Stamp{}, false
	}
	els := f.elements()
	slices.SortFunc(els, func(a, b cache.Element) int { return a.Stamp.Compare(b.Stamp) })
	return els[len(els)/2].Stamp, true
}
