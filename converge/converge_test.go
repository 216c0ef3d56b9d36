// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"

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

func (r *replica) Lookup(key string) (cache.Element, bool) {
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
			if !slices.Equal(r.d.Sums(), r.recomputed().Sums()) || r.d.Root() != r.recomputed().Root() {
				t.Fatal("the incremental digest has drifted")
			}
		}
		if same := maps.Equal(a.held, b.held); same != (a.d.Root() == b.d.Root()) || same != (len(Differ(a.d.Sums(), b.d.Sums())) == 0) {
			t.Fatalf("equal: %v; digests say %v, %v", same, a.d.Root() == b.d.Root(), Differ(a.d.Sums(), b.d.Sums()))
		}
	})
}

func sorted(s []string) []string { s = slices.Clone(s); slices.Sort(s); return s }

// A sync in the steps of the package comment makes two replicas equal to their
// join, moves nothing that both have, and says the same from either side.
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
		buckets := Differ(a.d.Sums(), b.d.Sums())
		la, lb := List(a.d, a, buckets), List(b.d, b, buckets)
		for _, n := range buckets {
			send, want := Compare(la[n], lb[n])
			back, need := Compare(lb[n], la[n])
			if !slices.Equal(sorted(send), sorted(need)) || !slices.Equal(sorted(want), sorted(back)) {
				t.Fatalf("one side sends %v and wants %v, the other wants %v and sends %v", send, want, need, back)
			}
			for _, k := range send {
				if at, ok := b.held[k]; ok && !at.Before(a.held[k]) {
					t.Fatalf("%s is sent, though the other has it at %v", k, at)
				}
				b.merge(k, a.held[k])
			}
			for _, k := range want {
				a.merge(k, b.held[k])
			}
		}
		if !maps.Equal(a.held, join.held) || !maps.Equal(b.held, join.held) || a.d.Root() != b.d.Root() {
			t.Fatalf("%v and %v, joined %v", a.held, b.held, join.held)
		}
	})
}

// What a peer lists twice, or that nobody has, is harmless.
func TestCompareOddLists(t *testing.T) {
	e := func(k string, n uint64) Entry { return Entry{k, cache.Stamp{Time: n}} }
	send, want := Compare([]Entry{e("a", 1), e("b", 2)}, []Entry{e("b", 2), e("b", 2), e("c", 1)})
	if fmt.Sprint(send, want) != "[a] [b c]" {
		t.Error(send, want)
	}
	if send, want := Compare(nil, nil); send != nil || want != nil {
		t.Error(send, want)
	}
	if got := Differ([]Sum{{1}, {2}, {3}}, []Sum{{1}, {0}}); fmt.Sprint(got) != "[1]" {
		t.Error(got)
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
	if d.Root() != one.Root() || len(Differ(d.Sums(), one.Sums())) != 0 {
		t.Error("not the sum of what is left")
	}
	if New(1).BucketOf("a") == New(2).BucketOf("a") && New(1).BucketOf("b") == New(2).BucketOf("b") {
		t.Error("the seed does not matter")
	}
}
