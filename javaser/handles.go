// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"slices"
	"sort"
)

const (
	firstHandle = 0x7e0000 // java.io.ObjectStreamConstants.baseWireHandle
	blockSize   = 1024     // handles that are forgotten together
)

// handles are what a reader must be able to find again: every class, object,
// array, enum constant and string since the last reset, by number.
//
// A stream that is never reset would make them grow without end. So they are
// kept by the top-level value that brought them. When all together cost more
// than the limit, the oldest lose first all but their classes and short texts,
// then all texts but those as short as keys are, which go last. What
// something referred to later stays: a text or a class by itself, anything else
// with its whole value. In practice classes, region names and keys that the
// application holds are pinned early, and what was cached goes.
type handles struct {
	blocks []*[blockSize]Value // nil: all of it is forgotten
	n      int                 // handles given out
	spare  *[blockSize]Value   // an empty block

	values []span        // what is kept, oldest first
	keys   map[int]Value // what is left of values that are gone: what may be a key
	aged   []int         // the numbers of keys, oldest first; some may be pinned since
	pins   map[int]Value // what stays
	kept   int           // the cost of values and keys
	pinned int           // that of what stays
	start  int           // first handle of the value that is being read
}

// A span is the handles of one top-level value.
type span struct {
	first, end int
	cost       int
	stripped   bool // only texts and classes are left
}

const (
	costPin  = 80      // in the tables of keys and pins
	costSeat = 16      // in a block, taken or not
	maxText  = 1 << 10 // of a text that outlives the rest of its value
	maxKey   = 64      // of one that outlives these
)

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
		if v, ok := h.pins[i]; ok {
			return v, true
		}
		if v, ok := h.keys[i]; ok {
			h.pin(i, v)
			return v, true
		}
	}
	if b := h.blocks[i/blockSize]; b != nil {
		v = b[i%blockSize]
	}
	if v != nil && i < h.start {
		h.pin(i, v)
	}
	return v, true
}

// pin keeps v, and what it consists of.
func (h *handles) pin(i int, v Value) {
	if h.pins == nil {
		h.pins = map[int]Value{}
	}
	if cost, ok := light(v); ok {
		h.pins[i] = v
		h.pinned += cost + costPin
		h.unkey(i)
		return
	}
	at := sort.Search(len(h.values), func(k int) bool { return h.values[k].end > i })
	if at == len(h.values) {
		return
	}
	s := h.values[at]
	for k := s.first; k < s.end; k++ {
		if w := h.blocks[k/blockSize][k%blockSize]; w != nil {
			h.pins[k] = w
		}
	}
	h.pinned += s.cost + costPin*(s.end-s.first)
}

// light reports what a value costs that stands for itself.
func light(v Value) (cost int, ok bool) {
	switch v := v.(type) {
	case *String:
		return costNode + len(v.S), true
	case *Class:
		return costNode, true
	}
	return 0, false
}

// close ends a top-level value that cost so much, and makes room. It returns
// false if there is none to be had.
func (h *handles) close(cost, limit int) bool {
	if h.n > h.start {
		cost += costSeat * (h.n - h.start)
		h.values = append(h.values, span{first: h.start, end: h.n, cost: cost})
		h.kept += cost
		h.start = h.n
	}
	if h.kept+h.pinned <= limit {
		return true
	}
	enough := max(0, limit/4*3-h.pinned)
	for i := 0; i < len(h.values)-1 && h.kept > enough; i++ {
		if s := &h.values[i]; !s.stripped {
			h.kept -= s.cost
			h.strip(s)
			h.kept += s.cost
		}
	}
	h.toKeys(enough)
	for len(h.aged) > 0 && h.kept > enough {
		h.unkey(h.aged[0])
		h.aged = h.aged[1:]
	}
	return h.pinned <= limit
}

// strip leaves the texts and classes of a span.
func (h *handles) strip(s *span) {
	s.stripped, s.cost = true, costSeat*(s.end-s.first)
	for i := s.first; i < s.end; i++ {
		seat := &h.blocks[i/blockSize][i%blockSize]
		if cost, ok := light(*seat); ok && cost <= costNode+maxText {
			s.cost += cost
		} else {
			*seat = nil
		}
	}
}

// toKeys leaves of the oldest values what may be keys, and classes, until no
// more than enough is kept.
func (h *handles) toKeys(enough int) {
	gone := 0
	for ; gone < len(h.values)-1 && h.kept > enough; gone++ {
		s := h.values[gone]
		h.kept -= s.cost
		for i := s.first; i < s.end; i++ {
			var v Value
			if b := h.blocks[i/blockSize]; b != nil {
				v = b[i%blockSize]
			}
			if cost, ok := light(v); ok && cost <= costNode+maxKey && h.pins[i] == nil {
				if h.keys == nil {
					h.keys = map[int]Value{}
				}
				h.keys[i], h.aged = v, append(h.aged, i)
				h.kept += cost + costPin
			}
		}
		h.forget(s)
	}
	h.values = slices.Delete(h.values, 0, gone)
}

// unkey takes a number out of the keys, if it is one.
func (h *handles) unkey(i int) {
	if v, ok := h.keys[i]; ok {
		cost, _ := light(v)
		delete(h.keys, i)
		h.kept -= cost + costPin
	}
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
