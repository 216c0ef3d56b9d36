// SPDX-License-Identifier: Apache-2.0

package region

import (
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"

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
	told       func(key string, at int64) // of the first access in each eighth of an idle time; nil: nobody cares
	evicting   sync.Mutex                 // one at a time, else two that see one too many take two

	shards    []shard
	elements  atomic.Int64 // in any state
	dead      atomic.Int64 // of them: not Live
	bytes     atomic.Int64
	evictions atomic.Uint64
}

// newTable makes a table of so many shards, a power of two; see shardsFor.
func newTable(p policy, shards, maxObjects int, maxBytes int64, seed uint64, g gone) *table {
	t := &table{policy: p, maxObjects: maxObjects, maxBytes: maxBytes, seed: seed, gone: g, shards: make([]shard, shards)}
	for i := range t.shards {
		t.shards[i].least.Store(math.MaxUint64)
	}
	return t
}

func shardsFor(maxObjects int) int {
	if maxObjects >= 0 && maxObjects <= fewObjects {
		return 1
	}
	return manyShards
}

// shard picks by the upper bits, the index by the lower ones.
func (t *table) shard(hash uint64) *shard { return &t.shards[int(hash>>32)&(len(t.shards)-1)] }

func (t *table) lock(hash uint64)   { t.shard(hash).lock() }
func (t *table) unlock(hash uint64) { t.shard(hash).unlock() }

func (t *table) get(key string, hash uint64, now int64) (el cache.Element, found, over bool) {
	s := t.shard(hash)
	if t.policy == byMRU {
		s.lock()
		defer s.unlock()
	} else {
		s.rlock()
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
		e.mark = true
		atomic.StoreUint64(&e.accessed, s.access(now))
		s.rerank(t.policy, e)
	case t.policy == byAccess:
		atomic.StoreUint64(&e.accessed, s.access(now))
	case !e.attr.Eternal && e.attr.MaxIdle > 0:
		// Readers may race: the larger of two times within a tick is not worth a loop.
		old := atomic.LoadUint64(&e.accessed)
		if a := uint64(now) << tickBits; a > old && atomic.CompareAndSwapUint64(&e.accessed, old, a) &&
			t.told != nil && e.shared && e.eighth(old) != e.eighth(a) {
			t.told(e.key(), now)
		}
	}
}

func (t *table) peek(key string, hash uint64) (held, bool) {
	e, _ := t.shard(hash).find(key, uint32(hash))
	if e == nil {
		return held{}, false
	}
	return e.version(), true
}

func (t *table) store(h held, hash uint64, now int64) {
	size := int64(len(h.Key) + len(h.Value.Bytes))
	if t.maxObjects == 0 || t.maxBytes > 0 && size > t.maxBytes {
		t.drop(h.Key, hash) // what would never fit need not push out everything else first
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
	if d := size - int64(len(e.data)); d != 0 { // the count is everybody's
		t.bytes.Add(d)
	}
	if d := deadness(h.State) - deadness(e.state); d != 0 {
		t.dead.Add(d)
	}
	writer := e.place().Node
	e.fill(&h)
	accessed := uint64(h.Accessed) << tickBits
	if t.policy != byStamp {
		accessed = s.access(now)
	}
	atomic.StoreUint64(&e.accessed, accessed)
	if h.State == cache.Tombstone && h.shared {
		s.bury(h.Stamp.Time, max(h.until, h.Stamp.Time), slot)
	}
	switch {
	case fresh:
		s.rank(t.policy, e, slot)
	case t.policy == byArrival || e.place().Node != writer || t.policy.order(e) < s.ranks[e.pos]:
		s.rerank(t.policy, e)
	}
}

// fill makes the entry hold h, but for its access and rank.
func (e *entry) fill(h *held) {
	e.data, e.keyLen = h.join(), uint32(len(h.Key))
	e.held, e.form = h.Value.Held, h.Value.Form
	e.attr, e.stamp, e.state, e.shared, e.mark = h.Attr, h.Stamp, h.State, h.shared, h.covers
	if u := h.under; u != nil {
		hides := *u
		hides.held = h.Value.Held
		e.held = &hides
	}
}

// join puts key and value into one string: one allocation. A key alone is
// copied, too: it may be a part of something large that it would keep alive.
func (h *held) join() string {
	key, value := h.Key, h.Value.Bytes
	switch {
	case value == "":
		return strings.Clone(key)
	case len(h.whole) == len(key)+len(value) && h.whole[:len(key)] == key && unsafe.StringData(h.whole[len(key):]) == unsafe.StringData(value):
		return h.whole
	}
	return key + value
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

func (t *table) each(yield func(h held) bool) {
	for i := range t.shards {
		if !t.shards[i].each(yield) {
			return
		}
	}
}

func (s *shard) each(yield func(h held) bool) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for slot := range s.used { // in the order of memory, not of the heap
		if e := s.at(slot); e.attr != nil && !yield(e.version()) {
			return false
		}
	}
	return true
}

func (t *table) sweep(judge func(h *held) verdict) int {
	n := 0
	for i := range t.shards {
		n += t.sweepShard(&t.shards[i], judge)
	}
	return n
}

func (t *table) sweepShard(s *shard, judge func(h *held) verdict) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var h held // here, since judge makes it escape
	for slot := range s.used {
		e := s.at(slot)
		if e.attr == nil { // a free slot
			continue
		}
		h = e.version()
		switch judge(&h) {
		case goes:
			t.forget(s, e, slot)
			n++
		case strips:
			t.strip(e)
			s.bury(e.stamp.Time, e.stamp.Time, slot)
		case bares:
			if t.bare(e); e.state == cache.Tombstone {
				s.bury(e.stamp.Time, e.stamp.Time, slot)
			}
		case stays:
			if u := e.under(); u != nil && h.under == nil {
				e.held = u.held
				s.rerank(t.policy, e)
			}
		}
	}
	if n > 0 && len(s.heap) == 0 {
		s.clear()
	}
	return n
}

// strip leaves of an entry the tombstone of what peers know. Its place among
// the others stays the same.
func (t *table) strip(e *entry) {
	t.bytes.Add(-int64(len(e.data) - int(e.keyLen)))
	t.dead.Add(1 - deadness(e.state))
	e.stamp = e.place()
	if u := e.under(); u != nil {
		e.attr = u.attr
	}
	e.data, e.held, e.state, e.shared, e.mark = strings.Clone(e.key()), nil, cache.Tombstone, true, false
}

// bare leaves of an entry what it hid: peers hold that still.
func (t *table) bare(e *entry) {
	u := e.under()
	t.strip(e)
	e.state = u.state
}

func (t *table) clear(dropped func(h *held)) {
	t.sweep(func(h *held) verdict { dropped(h); return goes })
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
