// SPDX-License-Identifier: Apache-2.0

package region

import (
	"math"
	"sync/atomic"
)

// The order of eviction is a min-heap that is kept lazily. What an entry is
// ordered by (its stamp, its last access) only ever grows, so the rank noted
// when the heap last looked is a lower bound: an update or a read need not
// touch the heap at all, unless the writer changes, who decides ties. Whoever
// wants the smallest brings the top up to date until it stays on top; then no
// other entry can be smaller.

// A policy is what a table orders eviction by.
type policy uint8

const (
	byStamp   policy = iota // oldest version first: every replicated region
	byArrival               // first in, first out; a put again is an arrival (JCS: FIFO)
	byAccess                // least recently used first (JCS: LRU)
	byMRU                   // most recently read first (JCS: MRU)
)

// order is the present place of an entry.
func (p policy) order(e *entry) uint64 {
	switch p {
	case byArrival:
		return e.rank // table.store sets it, nothing else moves it
	case byAccess:
		return atomic.LoadUint64(&e.accessed)
	case byMRU:
		// JCS MRUMemoryCache: a put goes to the front of the list, a read
		// element to its end, eviction takes the end. A read lowers the
		// order, so table.get re-ranks eagerly for this policy.
		a := atomic.LoadUint64(&e.accessed)
		if e.read {
			return math.MaxInt64 - a
		}
		return 1<<63 | a
	}
	return e.place().Time
}

// less orders entries by rank. Stamps of two writers may have one time: the
// smaller writer's is first then, so that all replicas evict alike.
func less(a, b *entry) bool {
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.place().Node < b.place().Node
}

func (s *shard) less(i, j int) bool { return less(s.at(s.heap[i]), s.at(s.heap[j])) }

func (s *shard) swap(i, j int) {
	h := s.heap
	h[i], h[j] = h[j], h[i]
	s.at(h[i]).pos, s.at(h[j]).pos = uint32(i), uint32(j)
}

func (s *shard) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !s.less(i, parent) {
			break
		}
		s.swap(i, parent)
		i = parent
	}
}

func (s *shard) down(i int) {
	for {
		c := 2*i + 1
		if c >= len(s.heap) {
			return
		}
		if c+1 < len(s.heap) && s.less(c+1, c) {
			c++
		}
		if !s.less(c, i) {
			return
		}
		s.swap(i, c)
		i = c
	}
}

// rank puts a new entry into the heap.
func (s *shard) rank(p policy, e *entry, slot uint32) {
	e.rank, e.pos = p.order(e), uint32(len(s.heap))
	s.heap = append(s.heap, slot)
	s.up(int(e.pos))
	s.noteLeast()
}

// unrank takes the entry at a place out of the heap.
func (s *shard) unrank(pos uint32) {
	last := len(s.heap) - 1
	s.swap(int(pos), last)
	s.heap = s.heap[:last]
	if int(pos) < last {
		s.down(int(pos))
		s.up(int(pos))
	}
	s.noteLeast()
}

// rerank moves an entry whose order may have fallen.
func (s *shard) rerank(p policy, e *entry) {
	e.rank = p.order(e)
	s.down(int(e.pos))
	s.up(int(e.pos))
	s.noteLeast()
}

// settle brings the top of the heap up to date.
func (s *shard) settle(p policy) {
	for len(s.heap) > 0 {
		e := s.at(s.heap[0])
		o := p.order(e)
		if o <= e.rank {
			break
		}
		e.rank = o
		s.down(0)
	}
	s.noteLeast()
}

func (s *shard) noteLeast() {
	least := uint64(math.MaxUint64)
	if len(s.heap) > 0 {
		least = s.at(s.heap[0]).rank
	}
	if s.least.Load() != least {
		s.least.Store(least)
	}
}

// evict takes the smallest of all until the table is within its bounds.
func (t *table) evict() {
	if !t.full() {
		return
	}
	t.evicting.Lock()
	defer t.evicting.Unlock()
	for t.full() {
		s := t.lockSmallest()
		if s == nil {
			return
		}
		slot := s.heap[0]
		e := s.at(slot)
		h := e.version()
		t.gone(&h, true)
		t.forget(s, e, slot)
		t.evictions.Add(1)
		s.mu.Unlock()
	}
}

// lockSmallest returns the shard whose first in the heap is the smallest of
// all, locked; nil if the table is empty. Only the one who evicts ever holds
// two shards, so their order does not matter.
func (t *table) lockSmallest() *shard {
	s := &t.shards[0]
	for i := range t.shards {
		if u := &t.shards[i]; u.least.Load() < s.least.Load() {
			s = u
		}
	}
	s.mu.Lock()
	s.settle(t.policy)
	for i := range t.shards {
		// What a shard says is a lower bound. Ties matter between replicas only.
		u, least := &t.shards[i], s.least.Load()
		if bound := u.least.Load(); u == s || bound > least || bound == least && t.policy != byStamp {
			continue
		}
		u.mu.Lock()
		u.settle(t.policy)
		if len(s.heap) == 0 || len(u.heap) > 0 && less(u.at(u.heap[0]), s.at(s.heap[0])) {
			s, u = u, s
		}
		u.mu.Unlock()
	}
	if len(s.heap) == 0 {
		s.mu.Unlock()
		return nil
	}
	return s
}
