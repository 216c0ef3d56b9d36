// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/zeebo/xxh3"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"lateral/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// replica is a copy of a region as plain as can be: merge keeps the larger stamp.
type replica struct {
	d    *Digest
	held map[string]cache.Stamp
}

func newReplica() *replica { return &replica{New(42), map[string]cache.Stamp{}} }

func (r *replica) merge(key string, s cache.Stamp) {
	old, ok := r.held[key]
	if ok && s.Compare(old) <= 0 {
		return
	}
	if ok {
		r.d.Remove(key, old)
	}
	r.d.Add(key, s)
	r.held[key] = s
}

func (r *replica) drop(key string) {
	if s, ok := r.held[key]; ok {
		r.d.Remove(key, s)
		delete(r.held, key)
	}
}

func (r *replica) Each(yield func(cache.Element) bool) {
	for k, s := range r.held {
		if !yield(cache.Element{Key: k, Stamp: s}) {
			return
		}
	}
}

func (r *replica) Shared(key string) (cache.Element, bool) {
	s, ok := r.held[key]
	return cache.Element{Key: key, Stamp: s}, ok
}

func (r *replica) recomputed() *Digest {
	d := New(42)
	for k, s := range r.held {
		d.Add(k, s)
	}
	return d
}

// sums are those of all buckets.
func sums(d *Digest) (out []Sum) {
	for b := range Buckets {
		out = append(out, d.Sum(Range{b, b + 1}))
	}
	return out
}

func anyStamp(t *rapid.T) cache.Stamp {
	return cache.Stamp{Time: rapid.SampledFrom([]uint64{0, 1, 2, 1 << 16, 1<<64 - 1}).Draw(t, "time"), Node: cache.NodeID(rapid.Uint64Range(0, 3).Draw(t, "node"))}
}

func anyKey(t *rapid.T) string { return fmt.Sprint("key", rapid.IntRange(0, 40).Draw(t, "key")) }

// The digest that is kept up to date equals the one made anew, and two
// replicas have equal digests if and only if they hold the same.
func TestIncrementalIsRecomputed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := newReplica(), newReplica()
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			r := a
			if rapid.Bool().Draw(t, "b") {
				r = b
			}
			if rapid.IntRange(0, 5).Draw(t, "what") == 0 {
				r.drop(anyKey(t))
			} else {
				r.merge(anyKey(t), anyStamp(t))
			}
		}
		for _, r := range []*replica{a, b} {
			if !slices.Equal(sums(r.d), sums(r.recomputed())) || !slices.Equal(r.d.Sketch(KeptLevel), r.recomputed().Sketch(KeptLevel)) {
				t.Fatal("the incremental digest has drifted")
			}
		}
		if same := maps.Equal(a.held, b.held); same != (a.d.Root() == b.d.Root()) || same != slices.Equal(sums(a.d), sums(b.d)) {
			t.Fatalf("equal: %v; digests say %v, %v", same, a.d.Root() == b.d.Root(), slices.Equal(sums(a.d), sums(b.d)))
		}
	})
}

// oneSync brings two replicas together as the package comment says, a asking.
// It returns how many elements each was sent.
func oneSync(t *rapid.T, a, b *replica, g Range, level int, salt uint64) (toA, toB int) {
	sketch := func(r *replica) Sketch {
		if salt == 0 {
			return r.d.Sketch(level)
		}
		return SketchOf(r.d, r, g, level, salt)
	}
	k := sketch(b)
	k.Minus(sketch(a))
	theirs, mine, ok := k.Decode()
	if !ok {
		t.Skip("more than the sketch holds")
	}
	all := func(*cache.Element) bool { return true }
	own := map[string]cache.Stamp{}
	for _, e := range Find(a.d, a, g, salt, mine, all) {
		own[e.Key] = e.Stamp
	}
	if len(own) != len(mine) {
		t.Fatalf("%d words, %v", len(mine), own)
	}
	for _, e := range Find(b.d, b, g, salt, theirs, all) {
		if Settle(a, own, e) {
			a.merge(e.Key, b.held[e.Key])
			toA++
		}
	}
	for k, s := range own {
		if at, ok := b.held[k]; ok && !at.Before(s) {
			t.Fatalf("%s is sent, though the other has it at %v", k, at)
		}
		b.merge(k, s)
		toB++
	}
	return toA, toB
}

// A sync in the steps of the package comment makes two replicas equal to their
// join and moves nothing that both have.
func TestSyncIsJoin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, join := newReplica(), newReplica(), newReplica()
		for range rapid.IntRange(0, 100).Draw(t, "steps") {
			k, s := anyKey(t), anyStamp(t)
			to := rapid.IntRange(1, 3).Draw(t, "to")
			if to&1 != 0 {
				a.merge(k, s)
			}
			if to&2 != 0 {
				b.merge(k, s)
			}
			join.merge(k, s)
		}
		level, salt := rapid.IntRange(6, KeptLevel).Draw(t, "level"), rapid.Uint64Range(0, 2).Draw(t, "salt")
		parts := []Range{All}
		if salt != 0 {
			parts = All.Split(rapid.IntRange(1, 5).Draw(t, "parts"))
		}
		lacking := map[*replica]int{}
		for k, s := range join.held {
			for _, r := range []*replica{a, b} {
				if at, ok := r.held[k]; !ok || at != s {
					lacking[r]++
				}
			}
		}
		for _, g := range parts {
			toA, toB := oneSync(t, a, b, g, level, salt)
			lacking[a] -= toA
			lacking[b] -= toB
		}
		if !maps.Equal(a.held, join.held) || !maps.Equal(b.held, join.held) || a.d.Root() != b.d.Root() || lacking[a] != 0 || lacking[b] != 0 {
			t.Fatalf("%v and %v, joined %v; sent too many or few: %v", a.held, b.held, join.held, lacking)
		}
	})
}

// The sketch that is kept, folded to any level, is the one made by a pass; and
// the sums of ranges add up to the root.
func TestKeptSketchIsMade(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := newReplica()
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			r.merge(anyKey(t), anyStamp(t))
		}
		if rapid.Bool().Draw(t, "drop") {
			r.drop(anyKey(t))
		}
		level := rapid.IntRange(0, KeptLevel).Draw(t, "level")
		if !slices.Equal(r.d.Sketch(level), SketchOf(r.d, r, All, level, 0)) {
			t.Fatal("the sketch has drifted")
		}
		var s Sum
		for _, g := range All.Split(rapid.IntRange(1, 7).Draw(t, "parts")) {
			part := r.d.Sum(g)
			s[0] += part[0]
			s[1] += part[1]
		}
		if s != r.d.Root() {
			t.Fatal("ranges do not add up")
		}
	})
}

// How full a sketch may be: what the levels of a sync are chosen by.
func TestSketchHolds(t *testing.T) {
	for level, least := range map[int]int{6: 80, 8: 95, 11: 100, 14: 100} {
		ok, runs := 0, 100
		if level > KeptLevel {
			runs = 3
		}
		for run := range runs {
			k, n := make(Sketch, CellsOf(level)), 7*CellsOf(level)/10
			for i := range n {
				w := word(xxh3.HashStringSeed(fmt.Sprint(i), uint64(run)), 0)
				if i%2 == 0 {
					w = -w
				}
				for t := range tables {
					x := w
					if i%2 == 0 {
						x = -w
					}
					k[place(x, t, level)] += w
				}
			}
			a, b, good := k.Decode()
			if good && (len(a) != n/2 || len(b) != (n+1)/2) {
				t.Errorf("level %d: %d and %d of %d", level, len(a), len(b), n)
			}
			if good {
				ok++
			}
		}
		if 100*ok < least*runs {
			t.Errorf("level %d: at 7/10 only %d of %d are decoded", level, ok, runs)
		}
	}
}

// Two elements whose words are equal by chance cancel out or stick together;
// salted they do not.
func TestSaltParts(t *testing.T) {
	const h1, h2 = 0x123456789a000001, 0x123456789a000002 // differ in what a word leaves out
	if word(h1, 0) != word(h2, 0) || word(h1, 7) == word(h2, 7) {
		t.Fatalf("%x %x, salted %x %x", word(h1, 0), word(h2, 0), word(h1, 7), word(h2, 7))
	}
	k := make(Sketch, CellsOf(6))
	k.add(word(h1, 0), 6)
	k.add(word(h2, 0), 6)
	if _, _, ok := k.Decode(); ok {
		t.Error("two of one word are decoded")
	}
}

// Whatever cells a peer makes up, decoding ends and yields no more than there are cells.
func FuzzDecode(f *testing.F) {
	good := make(Sketch, CellsOf(2))
	good.add(word(99<<40, 0), 2)
	f.Add(uint64(0), uint64(0), ^uint64(0), 2)
	f.Add(good[0], good[1], good[2], 2)
	f.Add(word(1<<40, 0), -word(1<<40, 0), word(5<<50, 0), 0)
	f.Fuzz(func(t *testing.T, a, b, c uint64, level int) {
		k := make(Sketch, CellsOf(level&7))
		for i := range k {
			switch i % 3 {
			case 0:
				k[i] = a
			case 1:
				k[i] = b
			default:
				k[i] = c
			}
		}
		n := len(k)
		first, second, _ := k.Decode()
		if len(first)+len(second) > n {
			t.Errorf("%d words of %d cells", len(first)+len(second), n)
		}
	})
}

// Of what is settled only what the other lacks remains.
func TestSettle(t *testing.T) {
	r := newReplica()
	own := map[string]cache.Stamp{}
	for k, s := range map[string]uint64{"newer": 3, "older": 1, "same": 2, "alone": 1} {
		r.merge(k, cache.Stamp{Time: s})
		own[k] = cache.Stamp{Time: s}
	}
	var want []string
	for _, k := range []string{"newer", "older", "same", "unknown"} {
		if Settle(r, own, Entry{k, cache.Stamp{Time: 2}}) {
			want = append(want, k)
		}
	}
	if fmt.Sprint(want, slices.Sorted(maps.Keys(own))) != "[older unknown] [alone newer]" {
		t.Error(want, own)
	}
	if s := (Sum{1, 0xab}).String(); s != "000000000000000100000000000000ab" || (Sum{0, 1}).IsZero() || !(Sum{}).IsZero() {
		t.Error(s)
	}
}

// Writers that race leave the sum of what they added, whatever the order.
func TestConcurrent(t *testing.T) {
	d, one := New(1), New(1)
	var g sync.WaitGroup
	for w := range uint64(4) {
		g.Go(func() {
			for i := range uint64(1000) {
				d.Add(fmt.Sprint(i), cache.Stamp{Time: w})
				d.Root()
			}
			for i := range uint64(999) {
				d.Remove(fmt.Sprint(i), cache.Stamp{Time: w})
			}
		})
	}
	g.Wait()
	for w := range uint64(4) {
		one.Add("999", cache.Stamp{Time: w})
	}
	if d.Root() != one.Root() || !slices.Equal(sums(d), sums(one)) || !slices.Equal(d.Sketch(KeptLevel), one.Sketch(KeptLevel)) {
		t.Error("not the sum of what is left")
	}
	if New(1).BucketOf("a") == New(2).BucketOf("a") && New(1).BucketOf("b") == New(2).BucketOf("b") {
		t.Error("the seed does not matter")
	}
}

// Replace is Remove and Add, in sums and sketch.
func TestReplace(t *testing.T) {
	a, b := New(7), New(7)
	for i := range 1000 {
		key := fmt.Sprint("k", i%50)
		old, now := cache.Stamp{Time: uint64(i), Node: 3}, cache.Stamp{Time: uint64(i + 50), Node: 4}
		a.Replace(key, old, now)
		b.Remove(key, old)
		b.Add(key, now)
	}
	if a.Root() != b.Root() || a.Root().IsZero() {
		t.Errorf("%v and %v", a.Root(), b.Root())
	}
	for i := range a.cells {
		if a.cells[i].Load() != b.cells[i].Load() {
			t.Fatalf("cell %d", i)
		}
	}
}

// Two keys that exchanged their stamps, or stamps their nodes, are a
// difference, though the parts are the same.
func TestDigestOfExchanges(t *testing.T) {
	sum := func(ka, kb string, a, b cache.Stamp) Sum {
		d := New(7)
		d.Add(ka, a)
		d.Add(kb, b)
		return d.Root()
	}
	rapid.Check(t, func(t *rapid.T) {
		stamp := rapid.Custom(func(t *rapid.T) cache.Stamp {
			return cache.Stamp{Time: rapid.Uint64Range(0, 3).Draw(t, "time"), Node: cache.NodeID(rapid.Uint64Range(0, 3).Draw(t, "node"))}
		})
		a, b := stamp.Draw(t, "a"), stamp.Draw(t, "b")
		if a == b {
			return
		}
		was := sum("a", "b", a, b)
		if sum("a", "b", b, a) == was {
			t.Fatalf("%v and %v exchanged: the digest is the same", a, b)
		}
		c, e := cache.Stamp{Time: a.Time, Node: b.Node}, cache.Stamp{Time: b.Time, Node: a.Node}
		if c != a && c != b && (sum("a", "b", c, e) == was || sum("a", "b", e, c) == was) {
			t.Fatalf("%v and %v have each other's node: the digest is the same", a, b)
		}
	})
}
