// SPDX-License-Identifier: Apache-2.0

package javaser

import "sort"

const (
	firstHandle = 0x7e0000 // java.io.ObjectStreamConstants.baseWireHandle
	blockSize   = 1024     // handles that are forgotten together
)

// handles are what a reader must be able to find again: every class, object,
// array, enum constant and string since the last reset, by number.
//
// A stream that is never reset would make them grow without end. So they are
// kept by the top-level value that brought them. One of which something was
// referred to later is pinned; of the others the oldest are forgotten when all
// together cost more than the limit. In practice classes, region names and
// keys that the application holds are pinned early, and what was cached goes.
type handles struct {
	blocks []*[blockSize]Value // nil: all of it is forgotten
	n      int                 // handles given out
	spare  *[blockSize]Value   // an empty block

	values []span // what is kept, oldest first
	kept   int    // their cost
	pinned int    // that of those which are pinned
	start  int    // first handle of the value that is being read
}

// A span is the handles of one top-level value.
type span struct {
	first, end int
	cost       int
	pinned     bool
}

func (h *handles) add(v Value) {
	if h.n%blockSize == 0 {
		b := h.spare
		if h.spare = nil; b == nil {
			b = new([blockSize]Value)
		}
		h.blocks = append(h.blocks, b)
	}
	h.blocks[h.n/blockSize][h.n%blockSize] = v
	h.n++
}

// set gives a handle that is given out already its value.
func (h *handles) set(i int, v Value) { h.blocks[i/blockSize][i%blockSize] = v }

// get finds a value; known is false for a number not given out. What is
// forgotten is nil.
func (h *handles) get(i int) (v Value, known bool) {
	if i < 0 || i >= h.n {
		return nil, false
	}
	if i < h.start {
		h.pin(i)
	}
	if b := h.blocks[i/blockSize]; b != nil {
		v = b[i%blockSize]
	}
	return v, true
}

func (h *handles) pin(i int) {
	at := sort.Search(len(h.values), func(k int) bool { return h.values[k].end > i })
	if at < len(h.values) && h.values[at].first <= i && !h.values[at].pinned {
		h.values[at].pinned = true
		h.pinned += h.values[at].cost
	}
}

// close ends a top-level value that cost so much, and makes room. It returns
// false if there is none to be had.
func (h *handles) close(cost, limit int) bool {
	if h.n > h.start {
		h.values = append(h.values, span{first: h.start, end: h.n, cost: cost})
		h.kept += cost
		h.start = h.n
	}
	if h.kept <= limit {
		return true
	}
	keep := h.values[:0]
	for i, s := range h.values {
		if !s.pinned && h.kept > limit/2 && i < len(h.values)-1 {
			h.forget(s)
			h.kept -= s.cost
			continue
		}
		keep = append(keep, s)
	}
	clear(h.values[len(keep):])
	h.values = keep
	return h.pinned <= limit
}

// forget lets go of a span, and of blocks of which nothing is kept.
func (h *handles) forget(s span) {
	for i := s.first; i < s.end; i++ {
		if b := h.blocks[i/blockSize]; b != nil {
			b[i%blockSize] = nil
		}
	}
	for b := s.first / blockSize; b <= (s.end-1)/blockSize && (b+1)*blockSize <= h.n; b++ {
		if h.blocks[b] != nil && *h.blocks[b] == ([blockSize]Value{}) {
			h.blocks[b] = nil
		}
	}
}

// reset forgets everything but the memory of the first block.
func (h *handles) reset() {
	var first *[blockSize]Value
	if len(h.blocks) > 0 && h.blocks[0] != nil {
		first = h.blocks[0]
		clear(first[:min(h.n, blockSize)])
	}
	clear(h.blocks)
	clear(h.values)
	*h = handles{blocks: h.blocks[:0], values: h.values[:0], spare: first}
}
