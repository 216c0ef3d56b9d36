// SPDX-License-Identifier: Apache-2.0

package region

import (
	"sync/atomic"

	"lateral/cache"
)

// touchesPerIdle is how often peers hear of an element that is in constant
// use, within its longest idle time: of the first access in each eighth. They
// believe it idle for an eighth longer than it is, at most.
const touchesPerIdle = 8

// eighth is the part of its idle time, counted from when it was written, that
// an access falls into: on every node the same, and another for each element,
// so that not all of them are told of at once.
func (e *entry) eighth(access uint64) int64 {
	return (int64(access>>tickBits) - e.stamp.UnixMilli()) / max(e.attr.MaxIdle.Milliseconds()/touchesPerIdle, 1)
}

// tellTouches has peers that hold the region's values hear of accesses.
func (r *Region) tellTouches() {
	t, ok := r.mem.(*table)
	if r.mode != Replicate || !ok {
		return
	}
	var tell []cache.Toucher
	for _, b := range r.s.Auxiliaries {
		if to, can := b.Aux.(cache.Toucher); can && Fanout(cache.Application, b.Kind, cache.Put, r.attr, b.Gates) == TheValue {
			tell = append(tell, to)
		}
	}
	if len(tell) == 0 {
		return
	}
	t.told = func(key string, at int64) {
		for _, to := range tell {
			to.Touch(r.s.Name, key, at)
		}
	}
}

// Touched merges an access that a peer saw: of two the later counts. It
// creates nothing, and brings nothing back: a removal, a newer local value and
// an absolute lifetime do not look at accesses. What this node already thinks
// idle for too long lives on if it was in use elsewhere. It reports whether it
// was news.
func (r *Region) Touched(now int64, key string, at int64) bool {
	t, ok := r.mem.(*table)
	if r.mode != Replicate || !ok {
		return false
	}
	hash := hashOf(key, r.seed)
	s := t.shard(hash)
	s.mu.RLock()
	defer s.mu.RUnlock()
	e, _ := s.find(key, uint32(hash))
	if e == nil || e.state != cache.Live || !e.shared {
		return false
	}
	for a := uint64(max(min(at, now), 0)) << tickBits; ; {
		old := atomic.LoadUint64(&e.accessed)
		if a <= old {
			return false
		}
		if atomic.CompareAndSwapUint64(&e.accessed, old, a) {
			return true
		}
	}
}
