// SPDX-License-Identifier: Apache-2.0

package region

import (
	"math"
	"sync/atomic"
)

// The order of eviction is a min-heap that is kept lazily. What an entry is
// ordered by (its stamp, its last access) only ever grows, so the rank noted
// when the heap last looked is a lower bound: an update or a read need not
// touch the heap at all. Whoever wants the smallest brings the top up to date
// until it stays on top; then no other entry can be smaller.

// A policy is what a table orders eviction by.
type policy uint8

const (
	byStamp  policy = iota // oldest write first: FIFO, and every replicated region
	byAccess               // least recently used first
	byMRU                  // most recently used first
)

// order is the present place of an entry.
func (p policy) order(e *entry) uint64 {
	switch p {
	case byAccess:
		return atomic.LoadUint64(&e.accessed)
	case byMRU:
		// JCS MRUMemoryCache: a put goes to the front of the list, a read
		// element to its end, eviction takes the end. A read lowers the
		// order, so table.get re-ranks eagerly for this policy.
		if e.read {
			return math.MaxInt64 - atomic.LoadUint64(&e.accessed)
		}
		return 1<<63 | e.stamp.Time
	}
	return e.stamp.Time
}

// less orders entries by rank; of equal stamps of two writers the smaller
// writer's is first, so that all replicas evict alike.
func (s *shard) less(i, j int) bool {
	a, b := s.at(s.heap[i]), s.at(s.heap[j])
	if a.rank != b.rank {
		return a.rank < b.rank
	}
	return a.stamp.Node < b.stamp.Node
}

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
