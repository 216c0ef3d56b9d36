// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"math/bits"
	"slices"

	"lateral/cache"
)

// A sketch is an invertible Bloom lookup table (Goodrich and Mitzenmacher,
// Allerton 2011; Eppstein et al., SIGCOMM 2011). An element has a word, 40
// bits of its hash and 24 bits that check them, and is added to one cell in
// each of three tables. Of two sketches the difference, cell by cell, is that
// of the elements which only one side has: a cell that holds a single one of
// them shows its word, which is then taken out of the two other cells, and so
// on until nothing is left. That works as long as there are fewer such
// elements than about 4/5 of the cells.
//
// Where an element lies in a table of 2^level cells is told by the upper bits
// of a number, so two cells side by side add up to one of the next smaller
// level, and the one sketch that a Digest keeps serves all smaller levels.

const (
	// tables is how many cells an element is in: three decode the most
	// elements per cell.
	tables = 3
	// KeptLevel is the level of the sketch that a Digest keeps up to date:
	// 48 KiB, enough for about 2,400 elements of which each side has another
	// version. A larger one is made by a pass over the region (SketchOf).
	KeptLevel = 11
	// MaxLevel is the largest sketch: 3 MiB, for 300,000 elements.
	MaxLevel = 17

	checkBits = 24
)

// A Sketch is the difference, or the sum, of elements by their words.
type Sketch []uint64

// CellsOf returns how many cells a sketch of a level has.
func CellsOf(level int) int { return tables << level }

// level is that of a sketch by its length.
func (k Sketch) level() int { return bits.Len(uint(len(k)/tables)) - 1 }

// spread are odd numbers whose products with a hash are mixed.
var spread = [4]uint64{0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f, 0x165667b19e3779f9, 0xd6e8feb86659fd93}

// word returns what an element adds to its cells. Salted, words that were
// equal by chance differ.
func word(hash, salt uint64) uint64 {
	if salt != 0 {
		hi, lo := bits.Mul64(hash^salt, spread[0])
		hash = hi ^ lo
	}
	x := hash >> checkBits
	return x<<checkBits | check(x)
}

// check must not be linear: else that of a sum is the sum of checks.
func check(x uint64) uint64 { return mix(x, spread[3]) >> (64 - checkBits) }

func mix(x, by uint64) uint64 {
	x *= by
	x ^= x >> 29
	x *= by
	return x ^ x>>32
}

// place returns the cell of a word in one of the tables, each of which goes by
// 21 bits of its own.
func place(w uint64, table, level int) int { return at(mix(w>>checkBits, spread[1]), table, level) }

func at(mixed uint64, table, level int) int {
	return table<<level + int(mixed<<(21*table)>>(64-level))
}

func (k Sketch) add(w uint64, level int) {
	for m, t := mix(w>>checkBits, spread[1]), 0; t < tables; t++ {
		k[at(m, t, level)] += w
	}
}

// Minus takes another sketch of the same level out of k.
func (k Sketch) Minus(o Sketch) {
	for i := range min(len(k), len(o)) {
		k[i] -= o[i]
	}
}

// Decode takes apart the difference of two sketches: the words that were only
// in the first, and those only in the second. ok is false if there are too
// many; then what is returned is of no use. k is used up.
func (k Sketch) Decode() (first, second []uint64, ok bool) {
	level := k.level()
	todo := make([]int, len(k))
	for i := range todo {
		todo[i] = i
	}
	for len(todo) > 0 {
		i := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		w, sign := k.single(i, level)
		if sign == 0 {
			continue
		}
		if len(first)+len(second) >= len(k) {
			return nil, nil, false // more than cells: a peer's made-up sketch, which may go on for ever
		}
		if sign > 0 {
			first = append(first, w)
		} else {
			second = append(second, w)
		}
		for t := range tables {
			at := place(w, t, level)
			k[at] -= w * uint64(sign)
			todo = append(todo, at)
		}
	}
	for _, c := range k {
		if c != 0 {
			return nil, nil, false
		}
	}
	return first, second, true
}

// single returns the word that a cell holds if it holds just one: 1 if it is
// of the first side, -1 if of the second, 0 if it holds none or several.
func (k Sketch) single(i, level int) (w uint64, sign int64) {
	for _, sign := range [...]int64{1, -1} {
		w := k[i] * uint64(sign)
		if w != 0 && w&(1<<checkBits-1) == check(w>>checkBits) && place(w, i>>level, level) == i {
			return w, sign
		}
	}
	return 0, 0
}

// Sketch returns the sketch of what the digest sums up, for a level of at most
// KeptLevel.
func (d *Digest) Sketch(level int) Sketch {
	k := make(Sketch, CellsOf(level))
	for i := range d.cells {
		k[i>>(KeptLevel-level)] += d.cells[i].Load()
	}
	return k
}

// A Range is the buckets from one up to but not including another.
type Range struct{ From, To int }

// All is every bucket.
var All = Range{0, Buckets}

// Has reports whether a bucket is in the range.
func (g Range) Has(b int) bool { return b >= g.From && b < g.To }

// Split cuts a range in so many parts, which may be empty.
func (g Range) Split(parts int) []Range {
	out := make([]Range, parts)
	for i := range out {
		out[i] = Range{g.From + (g.To-g.From)*i/parts, g.From + (g.To-g.From)*(i+1)/parts}
	}
	return out
}

// SketchOf makes a sketch of any level, salted, of a part of a replica, in one
// pass over it.
func SketchOf(d *Digest, r Replica, g Range, level int, salt uint64) Sketch {
	k := make(Sketch, CellsOf(level))
	r.Each(func(e cache.Element) bool {
		if g == All || g.Has(d.BucketOf(e.Key)) {
			k.add(word(d.hash(e.Key, e.Stamp).Hi, salt), level)
		}
		return true
	})
	return k
}

// Find returns the entries of words that offer lets through, in one pass over
// the replica. Where a word stands for two by chance both are returned; what
// has gone meanwhile is not. words are sorted by it.
func Find(d *Digest, r Replica, g Range, salt uint64, words []uint64, offer func(e *cache.Element) bool) (out []Entry) {
	if len(words) == 0 {
		return nil
	}
	const few = 1 << 16
	var some [few / 64]uint64 // spares most elements the search
	slices.Sort(words)
	for _, w := range words {
		some[w%few/64] |= 1 << (w % 64)
	}
	r.Each(func(e cache.Element) bool {
		w := word(d.hash(e.Key, e.Stamp).Hi, salt)
		if some[w%few/64]&(1<<(w%64)) == 0 {
			return true
		}
		if _, ok := slices.BinarySearch(words, w); ok && (g == All || g.Has(d.BucketOf(e.Key))) && offer(&e) {
			out = append(out, Entry{e.Key, e.Stamp})
		}
		return true
	})
	return out
}

// Keys returns the keys of a range, in one pass over the replica.
func Keys(d *Digest, r Replica, g Range) (out []string) {
	r.Each(func(e cache.Element) bool {
		if g == All || g.Has(d.BucketOf(e.Key)) {
			out = append(out, e.Key)
		}
		return true
	})
	return out
}
