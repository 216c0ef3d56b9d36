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

// order is the present place of an entry; by arrival, that of one just put.
func (p policy) order(e *entry) uint64 {
	switch p {
	case byArrival, byAccess:
		return atomic.LoadUint64(&e.accessed)
	case byMRU:
		// JCS MRUMemoryCache: a put goes to the front of the list, a read
		// element to its end, eviction takes the end. A read lowers the
		// order, so table.get re-ranks eagerly for this policy.
		a := atomic.LoadUint64(&e.accessed)
		if e.mark {
			return math.MaxInt64 - a
		}
		return 1<<63 | a
	}
	return e.place().Time
}

// before orders two slots by rank. Stamps of two writers may have one time:
// the smaller writer's is first then, so that all replicas evict alike.
func (s *shard) before(a uint32, rank uint64, b uint32, than uint64) bool {
	return rank < than || rank == than && s.at(a).place().Node < s.at(b).place().Node
}

// set puts a slot at a place of the heap.
func (s *shard) set(i int, slot uint32, rank uint64) {
	s.heap[i], s.ranks[i] = slot, rank
	s.at(slot).pos = uint32(i)
}

func (s *shard) up(i int) {
	slot, rank := s.heap[i], s.ranks[i]
	for i > 0 {
		parent := (i - 1) / 2
		if !s.before(slot, rank, s.heap[parent], s.ranks[parent]) {
			break
		}
		s.set(i, s.heap[parent], s.ranks[parent])
		i = parent
	}
	s.set(i, slot, rank)
}

func (s *shard) down(i int) {
	slot, rank := s.heap[i], s.ranks[i]
	for {
		c := 2*i + 1
		if c >= len(s.heap) {
			break
		}
		if c+1 < len(s.heap) && s.before(s.heap[c+1], s.ranks[c+1], s.heap[c], s.ranks[c]) {
			c++
		}
		if !s.before(s.heap[c], s.ranks[c], slot, rank) {
			break
		}
		s.set(i, s.heap[c], s.ranks[c])
		i = c
	}
	s.set(i, slot, rank)
}

// rank puts a new entry into the heap.
func (s *shard) rank(p policy, e *entry, slot uint32) {
	s.heap = append(s.heap, slot)
	s.ranks = append(s.ranks, p.order(e))
	s.up(len(s.heap) - 1)
	s.noteLeast()
}

// unrank takes the entry at a place out of the heap.
func (s *shard) unrank(pos int) {
	last := len(s.heap) - 1
	slot, rank := s.heap[last], s.ranks[last]
	s.heap, s.ranks = s.heap[:last], s.ranks[:last]
	if pos < last {
		s.set(pos, slot, rank)
		s.down(pos)
		s.up(pos)
	}
	s.noteLeast()
}

// rerank moves an entry whose order may have fallen.
func (s *shard) rerank(p policy, e *entry) {
	pos := int(e.pos)
	s.ranks[pos] = p.order(e)
	s.down(pos)
	s.up(pos)
	s.noteLeast()
}

// settle brings the top of the heap up to date.
func (s *shard) settle(p policy) {
	for len(s.heap) > 0 && p != byArrival {
		o := p.order(s.at(s.heap[0]))
		if o <= s.ranks[0] {
			break
		}
		s.ranks[0] = o
		s.down(0)
	}
	s.noteLeast()
}

func (s *shard) noteLeast() {
	least := uint64(math.MaxUint64)
	if len(s.ranks) > 0 {
		least = s.ranks[0]
	}
	if s.least.Load() != least {
		s.least.Store(least)
	}
}

// beats reports whether the first of a shard goes before the first of another.
func (s *shard) beats(u *shard) bool {
	if len(s.heap) == 0 || len(u.heap) == 0 {
		return len(s.heap) > 0
	}
	a, b := s.at(s.heap[0]), u.at(u.heap[0])
	return s.ranks[0] < u.ranks[0] || s.ranks[0] == u.ranks[0] && a.place().Node < b.place().Node
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
		t.gone(e.version())
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
		if u.beats(s) {
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
