// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"lateral/cache"
)

// thing is what the model holds: a plain map of these.
type thing struct {
	h     held
	order uint64 // of eviction
}

// model does what a table does, slowly.
type model struct {
	policy  policy
	max     int
	things  map[string]*thing
	tick    uint64
	evicted []string
}

func (m *model) place(h *held) uint64 {
	if m.policy == byStamp {
		return h.place().Time
	}
	m.tick++
	if m.policy == byMRU {
		return 1<<63 | m.tick
	}
	return m.tick
}

func (m *model) touch(x *thing) {
	switch m.tick++; m.policy {
	case byAccess:
		x.order = m.tick
	case byMRU:
		x.order = math.MaxInt64 - m.tick
	}
}

func (m *model) evict() {
	for m.max >= 0 && len(m.things) > m.max {
		var first *thing
		for _, x := range m.things {
			if first == nil || x.order < first.order || x.order == first.order && x.h.Stamp.Node < first.h.Stamp.Node {
				first = x
			}
		}
		m.evicted = append(m.evicted, first.h.Key)
		delete(m.things, first.h.Key)
	}
}

// Index with backward-shift deletion, heap, slots and counters against a plain
// map, with one shard and many, with hashes that collide.
func TestTableAgainstMap(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var evicted []string
		m := &model{
			policy: rapid.SampledFrom([]policy{byStamp, byArrival, byAccess, byMRU}).Draw(t, "policy"),
			max:    rapid.SampledFrom([]int{-1, 1, 5, 20}).Draw(t, "max"),
			things: map[string]*thing{},
		}
		shards := rapid.SampledFrom([]int{1, manyShards}).Draw(t, "shards")
		tab := newTable(m.policy, shards, m.max, 0, 7, func(h held) { evicted = append(evicted, h.Key) })
		bits := rapid.SampledFrom([]int{0, 2, 64}).Draw(t, "bits of the hash")
		hash := func(key string) uint64 {
			h := hashOf(key, 7)
			if bits < 64 {
				h &= 1<<bits - 1
				h |= h << 32
			}
			return h
		}
		key := rapid.Custom(func(t *rapid.T) string { return fmt.Sprint("k", rapid.IntRange(0, 40).Draw(t, "key")) })
		attr, now := &cache.DefaultAttributes, base
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				now++
				if err := tab.audit(); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(evicted, m.evicted) {
					t.Fatalf("evicted %v, the model %v", evicted, m.evicted)
				}
			},
			"store": func(t *rapid.T) {
				k := key.Draw(t, "key")
				h := held{Element: cache.Element{Key: k, Attr: attr, Accessed: now, Stamp: cache.Stamp{
					Time: rapid.Uint64Range(1, 30).Draw(t, "time"), Node: cache.NodeID(len(m.evicted) + len(m.things) + int(now-base)*100)}}}
				if rapid.Bool().Draw(t, "live") {
					h.Value = text(rapid.StringN(0, 5, -1).Draw(t, "value"))
				} else {
					h.State = cache.Tombstone
				}
				if m.policy == byStamp && rapid.Bool().Draw(t, "hides") {
					h.under = &aside{stamp: cache.Stamp{Time: h.Stamp.Time - 1, Node: h.Stamp.Node}, attr: attr, state: cache.Tombstone}
				}
				m.things[k] = &thing{h: h, order: m.place(&h)}
				tab.store(h, hash(k), now)
				m.evict()
				tab.evict()
			},
			"get": func(t *rapid.T) {
				k := key.Draw(t, "key")
				e, ok, _ := tab.get(k, hash(k), now)
				x := m.things[k]
				if ok != (x != nil && x.h.State == cache.Live) || ok && (e.Value.Bytes != x.h.Value.Bytes || e.Key != k || e.Stamp != x.h.Stamp) {
					t.Fatalf("got %+v %v, the model has %+v", e, ok, x)
				}
				if ok {
					m.touch(x)
				}
			},
			"peek": func(t *rapid.T) {
				k := key.Draw(t, "key")
				h, ok := tab.peek(k, hash(k))
				if x := m.things[k]; ok != (x != nil) || ok && (h.Key != k || h.State != x.h.State || h.place() != x.h.place()) {
					t.Fatalf("peeked %+v %v, the model has %+v", h, ok, x)
				}
			},
			"drop": func(t *rapid.T) {
				k := key.Draw(t, "key")
				tab.drop(k, hash(k))
				delete(m.things, k)
			},
			"sweep": func(t *rapid.T) {
				digit := "0123456789"[rapid.IntRange(0, 9).Draw(t, "digit")]
				goaway := func(k string) bool { return k[len(k)-1] == digit }
				want := 0
				for k := range m.things {
					if goaway(k) {
						delete(m.things, k)
						want++
					}
				}
				n := tab.sweep(func(h *held) verdict {
					if goaway(h.Key) {
						return goes
					}
					return stays
				})
				if n != want {
					t.Fatalf("swept %d, the model %d", n, want)
				}
			},
			"strip": func(t *rapid.T) {
				if m.policy != byStamp {
					t.Skip() // floors are of replicated regions
				}
				k := key.Draw(t, "key")
				if x := m.things[k]; x != nil {
					x.h.Stamp, x.h.State, x.h.Value, x.h.under = x.h.place(), cache.Tombstone, cache.Value{}, nil
				}
				tab.sweep(func(h *held) verdict {
					if h.Key == k {
						return strips
					}
					return stays
				})
			},
			"clear": func(t *rapid.T) {
				if rapid.IntRange(0, 9).Draw(t, "seldom") > 0 {
					t.Skip()
				}
				n := 0
				tab.clear(func(*held) { n++ })
				if n != len(m.things) {
					t.Fatalf("cleared %d, the model %d", n, len(m.things))
				}
				clear(m.things)
			},
		})
	})
}

// The index tells hashes apart by what its length leaves over of them, whatever
// its length.
func TestIndexGrows(t *testing.T) {
	tab := newTable(byStamp, 1, -1, 0, 7, nil)
	const n = 50_000
	for i := range n {
		k := fmt.Sprint(i)
		h := held{Element: cache.Element{Key: k, Attr: &cache.DefaultAttributes, Stamp: cache.Stamp{Time: uint64(i)}}}
		tab.store(h, hashOf(k, 7), base)
		if i&(i-1) == 0 {
			if err := tab.audit(); err != nil {
				t.Fatal(i, err)
			}
		}
	}
	for i := range n {
		k := fmt.Sprint(i)
		if i%3 == 0 {
			tab.drop(k, hashOf(k, 7))
		}
	}
	if err := tab.audit(); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		k := fmt.Sprint(i)
		if _, ok := tab.peek(k, hashOf(k, 7)); ok != (i%3 != 0) {
			t.Fatalf("%d: %v", i, ok)
		}
	}
}

// Taking entries out of any place of the heap keeps it one.
func TestHeapKeepsOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var evicted []uint64
	tab := newTable(byStamp, 1, -1, 0, 7, func(h held) { evicted = append(evicted, h.Stamp.Time) })
	const n = 300
	for _, i := range rng.Perm(n) {
		k := fmt.Sprint(i)
		tab.store(held{Element: cache.Element{Key: k, Attr: &cache.DefaultAttributes, Stamp: cache.Stamp{Time: uint64(i)}}}, hashOf(k, 7), base)
	}
	for _, i := range rng.Perm(n)[:n/2] {
		k := fmt.Sprint(i)
		tab.drop(k, hashOf(k, 7))
		if err := tab.audit(); err != nil {
			t.Fatal(err)
		}
	}
	tab.maxObjects = 0
	tab.evict()
	if len(evicted) != n/2 || !slices.IsSorted(evicted) {
		t.Errorf("%d evicted: %v", len(evicted), evicted)
	}
}

// The rank of a rewritten entry may be out of date, its writer is not: where
// times are equal the heap must be told of another writer.
func TestHeapLearnsOfWriters(t *testing.T) {
	tab := newTable(byStamp, 1, -1, 0, 7, nil)
	put := func(key string, s cache.Stamp) {
		tab.store(held{Element: cache.Element{Key: key, Attr: &cache.DefaultAttributes, Stamp: s}}, hashOf(key, 7), base)
		if err := tab.audit(); err != nil {
			t.Error(err)
		}
	}
	put("a", cache.Stamp{Time: 5, Node: 2})
	put("b", cache.Stamp{Time: 5, Node: 3})
	put("a", cache.Stamp{Time: 6, Node: 9})
	put("b", cache.Stamp{Time: 6, Node: 1})
}
