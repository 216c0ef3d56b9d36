// SPDX-License-Identifier: Apache-2.0

package region

import (
	"math"
	"sync"
	"sync/atomic"

	"github.com/zeebo/xxh3"

	"lateral/cache"
)

// An entry is an element as memory holds it: 80 bytes. Key and value lie in
// one string, so that an element that arrives by wire costs one allocation.
type entry struct {
	data     string // key, then the bytes of the value
	held     any
	attr     *cache.Attributes
	stamp    cache.Stamp
	accessed uint64 // milliseconds << 16 | tick; written by readers, so atomically
	pos      uint32 // in the heap
	keyLen   uint32
	hash     uint32
	state    cache.State
	form     cache.Form
	shared   bool // counts in the digest: peers hold it too
	mark     bool // byMRU: read since it was put; else see held.covers
}

func (e *entry) key() string { return e.data[:e.keyLen] }

// under returns the version that the entry hides, nil if none. It lies where
// the Go value is held, because hardly any entry has one.
func (e *entry) under() *aside {
	u, _ := e.held.(*aside)
	return u
}

func (e *entry) place() cache.Stamp {
	if u := e.under(); u != nil {
		return u.stamp
	}
	return e.stamp
}

func (e *entry) element() cache.Element {
	el := cache.Element{
		Key:      e.key(),
		Value:    cache.Value{Bytes: e.data[e.keyLen:], Held: e.held, Form: e.form},
		Attr:     e.attr,
		Stamp:    e.stamp,
		Accessed: int64(atomic.LoadUint64(&e.accessed) >> tickBits),
		State:    e.state,
	}
	if u := e.under(); u != nil {
		el.Value.Held = u.held
	}
	return el
}

func (e *entry) version() held {
	return held{Element: e.element(), shared: e.shared, under: e.under(), covers: e.mark}
}

// tickBits order accesses within one millisecond.
const tickBits = 16

// chunkSize is how many entries are allocated at once: growth then never
// copies, and wastes at most one chunk per shard. 102 entries and the header
// that the runtime adds just fit 8 KiB, a size class.
const chunkSize = 102

// A shard is a part of a table under one lock: an open-addressing index over
// entries in chunks, and a heap of them in the order of eviction.
type shard struct {
	gate   sync.Mutex // see spin.go; taken before mu
	mu     sync.RWMutex
	index  []uint32 // cells, see cell; linear probing; a power of two long
	chunks []*[chunkSize]entry
	free   []uint32 // slots given back
	used   uint32   // slots ever taken
	heap   []uint32 // slots; the first is next to be evicted
	ranks  []uint64 // of these: lower bounds of order(), as of when the heap last looked
	graves graves

	tick  atomic.Uint64 // last access time handed out
	least atomic.Uint64 // rank of heap[0], for choosing among shards; MaxUint64 if empty

	hits, misses, expired atomic.Uint64 // here, so that readers of different shards do not share a cache line
	_                     [64]byte
}

func hashOf(key string, seed uint64) uint64 { return xxh3.HashStringSeed(key, seed) }

func (s *shard) at(slot uint32) *entry { return &s.chunks[slot/chunkSize][slot%chunkSize] }

// cell is what the index holds: slot+1 in as many low bits as the index is
// long, since there are always fewer slots than cells, and above them what is
// left of the hash, so that probing hardly ever looks at a wrong entry. An
// empty cell has 0 in the low bits.
func cell(hash, slot, mask uint32) uint32 { return hash&^mask | (slot + 1) }

// find returns the entry of key, or nil.
func (s *shard) find(key string, hash uint32) (*entry, uint32) {
	if len(s.index) == 0 {
		return nil, 0
	}
	mask := uint32(len(s.index) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		c := s.index[i]
		if c == 0 {
			return nil, 0
		}
		if (c^hash)&^mask != 0 {
			continue
		}
		if e := s.at(c&mask - 1); e.key() == key {
			return e, c&mask - 1
		}
	}
}

// insert takes a slot for a key that is not there yet. The caller fills it.
func (s *shard) insert(hash uint32) (*entry, uint32) {
	if len(s.heap)+1 > len(s.index)/8*7 {
		s.grow()
	}
	var slot uint32
	if n := len(s.free); n > 0 {
		slot, s.free = s.free[n-1], s.free[:n-1]
	} else {
		slot = s.used
		s.used++
		if int(slot/chunkSize) == len(s.chunks) {
			s.chunks = append(s.chunks, new([chunkSize]entry))
		}
	}
	e := s.at(slot)
	e.hash = hash
	s.place(slot, hash)
	return e, slot
}

func (s *shard) place(slot, hash uint32) {
	mask := uint32(len(s.index) - 1)
	i := hash & mask
	for s.index[i] != 0 {
		i = (i + 1) & mask
	}
	s.index[i] = cell(hash, slot, mask)
}

func (s *shard) grow() {
	s.index = make([]uint32, max(8, 2*len(s.index)))
	for _, slot := range s.heap {
		s.place(slot, s.at(slot).hash)
	}
}

// remove takes an entry out of index and heap and gives its slot back.
func (s *shard) remove(slot uint32) {
	e := s.at(slot)
	mask := uint32(len(s.index) - 1)
	i := e.hash & mask
	for s.index[i] != cell(e.hash, slot, mask) {
		i = (i + 1) & mask
	}
	// Backward shift: move up whatever probing would no longer reach.
	for j := (i + 1) & mask; s.index[j] != 0; j = (j + 1) & mask {
		home := s.at(s.index[j]&mask-1).hash & mask
		if (j-home)&mask >= (j-i)&mask {
			s.index[i] = s.index[j]
			i = j
		}
	}
	s.index[i] = 0
	s.unrank(int(e.pos))
	*e = entry{}
	s.free = append(s.free, slot)
}

// clear empties the shard and gives its memory back.
func (s *shard) clear() {
	s.index, s.chunks, s.free, s.used, s.heap, s.ranks, s.graves = nil, nil, nil, 0, nil, nil, graves{}
	s.least.Store(math.MaxUint64)
}

// access returns a time of access larger than those before it.
func (s *shard) access(now int64) uint64 {
	t := uint64(now) << tickBits
	if last := s.tick.Load(); t > last {
		s.tick.Store(t)
		return t
	}
	return s.tick.Add(1)
}
