// SPDX-License-Identifier: Apache-2.0

package region

import (
	"strings"
	"sync"
	"sync/atomic"

	"lateral/cache"
)

// floors are the removals of many at once: of everything, of a group, of a
// prefix. Each is one stamp, and only what is newer is visible, so that an
// older put that arrives later resurrects nothing. Merging two floors keeps
// the larger stamp.
type floors struct {
	mu    sync.RWMutex
	by    map[string]cache.Stamp // FloorKey → stamp; guarded by mu
	count atomic.Int64           // len(by), so that a region without any pays one load
}

// maxFloors bounds how many a region keeps. Beyond it the oldest half becomes
// a floor of the whole region: a cache may forget, it may not grow for ever.
const maxFloors = 1 << 16

// raise merges a floor and reports whether it is news; old is the former
// stamp, zero if there was none.
func (f *floors) raise(key string, s cache.Stamp) (old cache.Stamp, news bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	old = f.by[key]
	if s.Compare(old) <= 0 {
		return old, false
	}
	if f.by == nil {
		f.by = map[string]cache.Stamp{}
	}
	f.by[key] = s
	f.count.Store(int64(len(f.by)))
	return old, true
}

// covers reports whether an element written at s is below a floor.
func (f *floors) covers(key string, s cache.Stamp) bool {
	if f.count.Load() == 0 {
		return false
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if s.Compare(f.by[allKey]) <= 0 {
		return true
	}
	if group, _, ok := cache.SplitGroup(key); ok {
		return s.Compare(f.by[cache.FloorKey(cache.RemoveGroup, group)]) <= 0
	}
	for i := 0; i < len(key); i++ {
		if key[i] == cache.Separator[0] && s.Compare(f.by[cache.FloorKey(cache.Remove, key[:i+1])]) <= 0 {
			return true
		}
	}
	return false
}

var allKey = cache.FloorKey(cache.RemoveAll, "")

// below returns the test for what a floor removes.
func below(op cache.Op, name string, s cache.Stamp) func(key string, at cache.Stamp) bool {
	return func(key string, at cache.Stamp) bool {
		if at.Compare(s) > 0 {
			return false
		}
		switch op {
		case cache.RemoveGroup:
			g, _, ok := cache.SplitGroup(key)
			return ok && g == name
		case cache.Remove:
			return strings.HasPrefix(key, name)
		}
		return true
	}
}

// each offers every floor as an element until yield returns false.
func (f *floors) each(yield func(cache.Element) bool) {
	f.mu.RLock()
	all := make([]cache.Element, 0, len(f.by))
	for k, s := range f.by {
		all = append(all, cache.Element{Key: k, Stamp: s, State: cache.Floor})
	}
	f.mu.RUnlock()
	for _, e := range all {
		if !yield(e) {
			return
		}
	}
}

// get returns the stamp of a floor.
func (f *floors) get(key string) (cache.Stamp, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	s, ok := f.by[key]
	return s, ok
}

// expire drops the floors written before a time and tells of each.
func (f *floors) expire(beforeMs int64, dropped func(key string, s cache.Stamp)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for k, s := range f.by {
		if s.UnixMilli() < beforeMs {
			delete(f.by, k)
			dropped(k, s)
		}
	}
	f.count.Store(int64(len(f.by)))
}

// middle returns the median stamp once there are too many floors.
func (f *floors) middle() (cache.Stamp, bool) {
	if f.count.Load() <= maxFloors {
		return cache.Stamp{}, false
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	var least, most uint64 = 1<<64 - 1, 0
	for _, s := range f.by {
		least, most = min(least, s.Time), max(most, s.Time)
	}
	return cache.Stamp{Time: least/2 + most/2}, true
}
