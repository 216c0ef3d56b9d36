// SPDX-License-Identifier: Apache-2.0

package region

import (
	"strings"
	"sync"
	"sync/atomic"

	"github.com/maypok86/otter/v2"

	"lateral/cache"
)

// tiny is the memory of local and invalidated regions that name no JCS policy:
// otter, whose admission policy (W-TinyLFU) keeps what is used often and lets
// a scan pass through without pushing it out.
type tiny struct {
	cache *otter.Cache[string, *kept]
	locks [manyShards]sync.Mutex // for writers of one key; reads take none
	seed  uint64
	gone  gone

	bytes                 atomic.Int64
	hits, misses, expired [manyShards]counter
	evictions             atomic.Uint64
}

// kept is what otter holds. Writers replace it; only accessed changes in place.
type kept struct {
	held
	accessed atomic.Int64
}

// A counter has a cache line of its own.
type counter struct {
	atomic.Uint64
	_ [56]byte
}

func newTiny(maxObjects int, seed uint64, g gone) (*tiny, error) {
	t := &tiny{seed: seed, gone: g}
	o := &otter.Options[string, *kept]{
		// Maintenance runs on the caller, so that no goroutine is started in secret.
		Executor: func(fn func()) { fn() },
		OnAtomicDeletion: func(e otter.DeletionEvent[string, *kept]) {
			t.bytes.Add(-e.Value.bytes())
			if e.WasEvicted() {
				t.evictions.Add(1)
				t.gone(e.Value.version())
			}
		},
	}
	if maxObjects >= 0 {
		o.MaximumSize = max(maxObjects, 1)
	}
	c, err := otter.New(o)
	t.cache = c
	return t, err
}

func (k *kept) version() held {
	h := k.held
	h.Accessed = k.accessed.Load()
	return h
}

func (k *kept) bytes() int64 { return int64(len(k.Key) + len(k.Value.Bytes)) }

func stripe(hash uint64) int { return int(hash>>32) & (manyShards - 1) }

func (t *tiny) lock(hash uint64)   { t.locks[stripe(hash)].Lock() }
func (t *tiny) unlock(hash uint64) { t.locks[stripe(hash)].Unlock() }

func (t *tiny) get(key string, hash uint64, now int64) (el cache.Element, found, over bool) {
	k, ok := t.cache.GetIfPresent(key)
	switch {
	case !ok || k.State != cache.Live:
		t.misses[stripe(hash)].Add(1)
		return el, false, false
	case k.Attr.Expired(k.Stamp.UnixMilli(), k.accessed.Load(), now):
		t.expired[stripe(hash)].Add(1)
		return el, false, true
	}
	t.hits[stripe(hash)].Add(1)
	if k.accessed.Load() < now {
		k.accessed.Store(now)
	}
	el = k.Element
	el.Accessed = max(el.Accessed, now)
	return el, true, false
}

func (t *tiny) peek(key string, _ uint64) (held, bool) {
	e, ok := t.cache.GetEntryQuietly(key)
	if !ok {
		return held{}, false
	}
	return e.Value.version(), true
}

func (t *tiny) store(h held, _ uint64, _ int64) {
	k := &kept{held: h}
	k.Key = strings.Clone(h.Key)
	k.accessed.Store(h.Accessed)
	t.bytes.Add(k.bytes())
	t.cache.Set(h.Key, k)
}

func (t *tiny) drop(key string, _ uint64) { t.cache.Invalidate(key) }

// evict is otter's own business, but under contention it leaves some of it to
// the next call, which may be long in coming.
func (t *tiny) evict() { t.cache.CleanUp() }

func (t *tiny) each(yield func(h held) bool) {
	for _, k := range t.cache.All() {
		if !yield(k.version()) {
			return
		}
	}
}

func (t *tiny) sweep(judge func(h *held) verdict) int {
	n := 0
	for key := range t.cache.Keys() {
		hash := hashOf(key, t.seed)
		t.lock(hash)
		if h, ok := t.peek(key, hash); ok && judge(&h) == goes {
			t.drop(key, hash)
			n++
		}
		t.unlock(hash)
	}
	return n
}

func (t *tiny) clear(dropped func(h *held)) {
	t.sweep(func(h *held) verdict { dropped(h); return goes })
}

func (t *tiny) size() (live, dead int, bytes int64) {
	return t.cache.EstimatedSize(), 0, t.bytes.Load()
}

func (t *tiny) stats(st *cache.Stats) {
	for i := range manyShards {
		st.Hits += t.hits[i].Load()
		st.Misses += t.misses[i].Load()
		st.Expired += t.expired[i].Load()
	}
	st.Evictions = t.evictions.Load()
}
