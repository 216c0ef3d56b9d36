// SPDX-License-Identifier: Apache-2.0

package region

import (
	"math"
	"strings"
	"sync/atomic"

	"lateral/cache"
)

const (
	manyShards = 32
	// fewObjects is the bound up to which a table keeps one shard, and so the
	// exact order of a JCS policy even within one millisecond. Beyond it the
	// order between shards is exact to the millisecond.
	fewObjects = 4096
)

// table is the memory of replicated regions and of the JCS policies: sharded,
// compact, bounded by number and bytes, evicting in the exact order of its
// policy.
type table struct {
	policy     policy
	maxObjects int   // < 0: unbounded
	maxBytes   int64 // ≤ 0: unbounded
	seed       uint64
	gone       gone

	shards    []shard
	elements  atomic.Int64 // in any state
	dead      atomic.Int64 // of them: not Live
	bytes     atomic.Int64
	evictions atomic.Uint64
}

func newTable(p policy, maxObjects int, maxBytes int64, seed uint64, g gone) *table {
	n := manyShards
	if maxObjects >= 0 && maxObjects <= fewObjects {
		n = 1
	}
	t := &table{policy: p, maxObjects: maxObjects, maxBytes: maxBytes, seed: seed, gone: g, shards: make([]shard, n)}
	for i := range t.shards {
		t.shards[i].least.Store(math.MaxUint64)
	}
	return t
}

// shard picks by the upper bits, the index by the lower ones.
func (t *table) shard(hash uint64) *shard { return &t.shards[int(hash>>32)&(len(t.shards)-1)] }

func (t *table) lock(hash uint64)   { t.shard(hash).mu.Lock() }
func (t *table) unlock(hash uint64) { t.shard(hash).mu.Unlock() }

func (t *table) get(key string, hash uint64, now int64) (el cache.Element, found, over bool) {
	s := t.shard(hash)
	if t.policy == byMRU {
		s.mu.Lock()
		defer s.mu.Unlock()
	} else {
		s.mu.RLock()
		defer s.mu.RUnlock()
	}
	e, _ := s.find(key, uint32(hash))
	if e == nil || e.state != cache.Live {
		s.misses.Add(1)
		return el, false, false
	}
	if !e.attr.Eternal && e.attr.Expired(e.stamp.UnixMilli(), int64(atomic.LoadUint64(&e.accessed)>>tickBits), now) {
		s.expired.Add(1)
		return el, false, true
	}
	s.hits.Add(1)
	t.touch(s, e, now)
	return e.element(), true, false
}

// touch notes an access, where anything depends on it.
func (t *table) touch(s *shard, e *entry, now int64) {
	switch {
	case t.policy == byMRU:
		e.read = true
		atomic.StoreUint64(&e.accessed, s.access(now))
		s.rerank(t.policy, e)
	case t.policy == byAccess:
		atomic.StoreUint64(&e.accessed, s.access(now))
	case !e.attr.Eternal && e.attr.MaxIdle > 0:
		// Readers may race: the larger of two times within a tick is not worth a loop.
		if a := uint64(now) << tickBits; a > atomic.LoadUint64(&e.accessed) {
			atomic.StoreUint64(&e.accessed, a)
		}
	}
}

func (t *table) peek(key string, hash uint64) (held, bool) {
	e, _ := t.shard(hash).find(key, uint32(hash))
	if e == nil {
		return held{}, false
	}
	return held{e.element(), e.shared}, true
}

func (t *table) store(h held, hash uint64, now int64) {
	if t.maxObjects == 0 {
		t.gone(h)
		return
	}
	s := t.shard(hash)
	e, slot := s.find(h.Key, uint32(hash))
	fresh := e == nil
	if fresh {
		e, slot = s.insert(uint32(hash))
		t.elements.Add(1)
	}
	t.bytes.Add(int64(len(h.Key) + len(h.Value.Bytes) - len(e.data)))
	t.dead.Add(deadness(h.State) - deadness(e.state))
	e.data, e.keyLen = join(h.Key, h.Value.Bytes), uint32(len(h.Key))
	e.held, e.form = h.Value.Held, h.Value.Form
	e.attr, e.stamp, e.state, e.shared, e.read = h.Attr, h.Stamp, h.State, h.shared, false
	accessed := uint64(h.Accessed) << tickBits
	if t.policy != byStamp && h.Accessed >= now {
		accessed = s.access(now)
	}
	atomic.StoreUint64(&e.accessed, accessed)
	switch {
	case fresh:
		s.rank(t.policy, e, slot)
	case t.policy.order(e) < e.rank:
		s.rerank(t.policy, e)
	}
}

// join puts key and value into one string: one allocation.
func join(key, value string) string {
	if value == "" {
		return key
	}
	var b strings.Builder
	b.Grow(len(key) + len(value))
	b.WriteString(key)
	b.WriteString(value)
	return b.String()
}

func (t *table) drop(key string, hash uint64) {
	s := t.shard(hash)
	if e, slot := s.find(key, uint32(hash)); e != nil {
		t.forget(s, e, slot)
	}
}

func deadness(s cache.State) int64 {
	if s == cache.Live {
		return 0
	}
	return 1
}

func (t *table) forget(s *shard, e *entry, slot uint32) {
	t.uncount(e)
	s.remove(slot)
}

func (t *table) uncount(e *entry) {
	t.elements.Add(-1)
	t.dead.Add(-deadness(e.state))
	t.bytes.Add(-int64(len(e.data)))
}

func (t *table) full() bool {
	return t.maxObjects >= 0 && t.elements.Load() > int64(t.maxObjects) ||
		t.maxBytes > 0 && t.bytes.Load() > t.maxBytes
}

// evict takes the globally smallest until the table is within its bounds.
func (t *table) evict() {
	for t.full() {
		s, next := t.smallest()
		if s == nil {
			return
		}
		s.mu.Lock()
		s.settle(t.policy)
		// Another shard may hold a smaller one once the top is up to date.
		if len(s.heap) > 0 && s.least.Load() <= next && t.full() {
			slot := s.heap[0]
			e := s.at(slot)
			t.gone(held{e.element(), e.shared})
			t.forget(s, e, slot)
			t.evictions.Add(1)
		}
		s.mu.Unlock()
	}
}

// smallest returns the shard with the smallest known rank, and the next rank.
func (t *table) smallest() (least *shard, next uint64) {
	first := uint64(math.MaxUint64)
	next = math.MaxUint64
	for i := range t.shards {
		r := t.shards[i].least.Load()
		switch {
		case r < first:
			least, first, next = &t.shards[i], r, first
		case r < next:
			next = r
		}
	}
	return least, next
}

func (t *table) sweep(keep func(h held) bool) int {
	n := 0
	for i := range t.shards {
		n += t.sweepShard(&t.shards[i], keep)
	}
	return n
}

func (t *table) sweepShard(s *shard, keep func(h held) bool) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for slot := range s.used {
		e := s.at(slot)
		if e.attr == nil { // a free slot
			continue
		}
		if !keep(held{e.element(), e.shared}) {
			t.forget(s, e, slot)
			n++
		}
	}
	return n
}

func (t *table) clear() {
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		for _, slot := range s.heap {
			e := s.at(slot)
			t.gone(held{e.element(), e.shared})
			t.uncount(e)
		}
		s.clear()
		s.mu.Unlock()
	}
}

func (t *table) size() (live, dead int, bytes int64) {
	d := t.dead.Load()
	return int(t.elements.Load() - d), int(d), t.bytes.Load()
}

func (t *table) stats(st *cache.Stats) {
	for i := range t.shards {
		s := &t.shards[i]
		st.Hits += s.hits.Load()
		st.Misses += s.misses.Load()
		st.Expired += s.expired.Load()
	}
	st.Evictions = t.evictions.Load()
}
