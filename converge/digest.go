// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"encoding/hex"
	"math/bits"
	"sync/atomic"

	"github.com/zeebo/xxh3"

	"lateral/cache"
)

// Buckets is how many parts a digest has.
const Buckets = 4096

// A Sum is the sum of the hashes of the elements in a bucket, or in all.
type Sum [2]uint64

// IsZero reports whether the sum is that of no element.
func (s Sum) IsZero() bool { return s == Sum{} }

// String prints the sum in hexadecimal.
func (s Sum) String() string {
	b := make([]byte, 0, 16)
	for _, w := range s {
		for i := range 8 {
			b = append(b, byte(w>>(56-8*i)))
		}
	}
	return hex.EncodeToString(b)
}

// A Digest sums up a replica. Its methods may be called by many goroutines at
// once; a sum read during a write may show half of it.
type Digest struct {
	seed    uint64
	buckets [Buckets][2]atomic.Uint64
	cells   [tables << KeptLevel]atomic.Uint64 // the sketch
}

// New makes the digest of an empty replica. All members of a cluster must use
// the same seed.
func New(seed uint64) *Digest { return &Digest{seed: seed} }

// BucketOf returns the bucket of a key.
func (d *Digest) BucketOf(key string) int { return bucketOf(d.keyed(key)) }

// keyed is the one look at a key's bytes, which are the dear part: they are
// rarely in the processor's cache.
func (d *Digest) keyed(key string) xxh3.Uint128 { return xxh3.HashString128Seed(key, d.seed) }

func bucketOf(k xxh3.Uint128) int { return int(k.Lo % Buckets) }

// hash is that of an element: of its key's hash and its stamp, neither of which
// it may be linear in, or two keys that exchanged their stamps would go unseen.
func (d *Digest) hash(key string, s cache.Stamp) xxh3.Uint128 { return stamped(d.keyed(key), s) }

func stamped(k xxh3.Uint128, s cache.Stamp) xxh3.Uint128 {
	hi, lo := bits.Mul64(k.Hi^mix(s.Time, spread[1]), k.Lo^uint64(s.Node)*spread[2])
	return xxh3.Uint128{Hi: mix(hi^lo, spread[0]), Lo: mix(lo+k.Hi, spread[3])}
}

// Add puts an element into the digest.
func (d *Digest) Add(key string, s cache.Stamp) { d.note(key, s, 1) }

// Remove takes an element out that was added before.
func (d *Digest) Remove(key string, s cache.Stamp) { d.note(key, s, ^uint64(0)) }

// Replace is Remove of one version of a key and Add of another, for less.
func (d *Digest) Replace(key string, old, now cache.Stamp) {
	k := d.keyed(key)
	h, g := stamped(k, old), stamped(k, now)
	b := &d.buckets[bucketOf(k)]
	b[0].Add(g.Hi - h.Hi)
	b[1].Add(g.Lo - h.Lo)
	v, w := word(h.Hi, 0), word(g.Hi, 0)
	d.cell(v, -v)
	d.cell(w, w)
}

func (d *Digest) note(key string, s cache.Stamp, sign uint64) {
	k := d.keyed(key)
	h, b := stamped(k, s), &d.buckets[bucketOf(k)]
	b[0].Add(h.Hi * sign)
	b[1].Add(h.Lo * sign)
	w := word(h.Hi, 0)
	d.cell(w, w*sign)
}

// cell adds to the cells of a word.
func (d *Digest) cell(w, add uint64) {
	m := mix(w>>checkBits, spread[1])
	for t := range tables {
		d.cells[at(m, t, KeptLevel)].Add(add)
	}
}

// Root returns the sum of all buckets.
func (d *Digest) Root() Sum { return d.Sum(All) }

// Sum returns the sum of the buckets of a range.
func (d *Digest) Sum(g Range) (s Sum) {
	for i := g.From; i < g.To; i++ {
		s[0] += d.buckets[i][0].Load()
		s[1] += d.buckets[i][1].Load()
	}
	return s
}
