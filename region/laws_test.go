// SPDX-License-Identifier: Apache-2.0

package region

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"lateral/cache"
)

// lawKeys are few, so that deliveries meet: plain, of prefixes, of groups.
var lawKeys = []string{"a", "b", "p:1", "p:2", "p:q:1", cache.GroupKey("g", "1"), cache.GroupKey("g", "2"), cache.GroupKey("h", "1")}

// deliveries draws what peers may send: each stamp is given once, as clocks do.
func deliveries(t *rapid.T) []cache.Command {
	var all []cache.Command
	n := rapid.IntRange(0, 30).Draw(t, "deliveries")
	stamps := rapid.SliceOfNDistinct(rapid.Custom(func(t *rapid.T) cache.Stamp {
		return cache.Stamp{Time: at(0, 0).Time + uint64(rapid.IntRange(1, 12).Draw(t, "time")), Node: cache.NodeID(rapid.IntRange(2, 4).Draw(t, "node"))}
	}), n, n, func(s cache.Stamp) cache.Stamp { return s }).Draw(t, "stamps")
	for i, s := range stamps {
		c := cache.Command{Op: cache.Merge, Origin: cache.FromSync, Stamp: s, Value: text(fmt.Sprint("v", i))}
		c.Key = rapid.SampledFrom(lawKeys).Draw(t, "key")
		switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
		case kind == 0:
			c.Key, c.State = rapid.SampledFrom(allFloors).Draw(t, "floor"), cache.Floor
		case kind <= 3:
			c.State = cache.Tombstone
		case kind <= 6: // the same thing, told as a change
			c.Op, c.Origin = cache.Put, cache.FromLateral
		}
		if c.State != cache.Live {
			c.Value = cache.Value{}
		} else {
			c.Attr = rapid.SampledFrom(lawTags).Draw(t, "tags")
		}
		all = append(all, c)
	}
	return all
}

// lawTags are of elements that have none, one and two of two tags.
var lawTags = []*cache.Attributes{nil, nil, tagged(cache.DefaultAttributes, "x"), tagged(cache.DefaultAttributes, "x", "y")}

func tagged(a cache.Attributes, tags ...string) *cache.Attributes {
	var err error
	if a.Tags, err = cache.JoinTags(tags...); err != nil {
		panic(err)
	}
	return &a
}

var allFloors = []string{cache.FloorKey(cache.RemoveAll, ""), cache.FloorKey(cache.RemoveGroup, "g"), cache.FloorKey(cache.RemoveGroup, "h"),
	cache.FloorKey(cache.Remove, "p:"), cache.FloorKey(cache.Remove, "p:q:"),
	cache.FloorKey(cache.RemoveTag, "x"), cache.FloorKey(cache.RemoveTag, "y")}

// bounded opens a replicated region of at most n elements in so many shards.
func bounded(t rapid.TB, n, shards int) *rig {
	g := open(t, Replicate, Settings{MaxObjects: n})
	g.mem = newTable(byStamp, shards, n, 0, g.seed, g.evicted)
	return g
}

// ideal computes without any region what must remain of the deliveries.
func ideal(all []cache.Command, n int) map[string]cache.Element {
	newest := map[string]cache.Element{}
	for _, c := range all {
		if e := newest[c.Key]; e.Stamp.Before(c.Stamp) {
			newest[c.Key] = cache.Element{Key: c.Key, Stamp: c.Stamp, State: c.State, Value: c.Value, Attr: c.Attr}
		}
	}
	below := func(key string, e cache.Element, op cache.Op) bool {
		for floor, f := range newest {
			if o, name, ok := cache.SplitFloor(floor); ok && o == op && floor != key && e.Stamp.Compare(f.Stamp) <= 0 && in(op, name, key, e.Attr) {
				return true
			}
		}
		return false
	}
	maps.DeleteFunc(newest, func(key string, e cache.Element) bool { return below(key, e, cache.RemoveAll) })
	var els []cache.Element
	for key, e := range newest {
		if e.State == cache.Floor {
			continue
		}
		els = append(els, e)
		if below(key, e, cache.RemoveGroup) || below(key, e, cache.Remove) || below(key, e, cache.RemoveTag) {
			e.State, e.Value = cache.Tombstone, cache.Value{}
			newest[key] = e
		}
	}
	slices.SortFunc(els, func(a, b cache.Element) int { return b.Stamp.Compare(a.Stamp) })
	if n >= 0 && len(els) > n {
		for _, e := range els[n:] {
			delete(newest, e.Key)
		}
	}
	return newest
}

func same(a, b map[string]cache.Element) bool {
	return maps.EqualFunc(a, b, func(x, y cache.Element) bool {
		return x.Stamp == y.Stamp && x.State == y.State && x.Value == y.Value
	})
}

func show(m map[string]cache.Element) string {
	els := slices.SortedFunc(maps.Values(m), func(a, b cache.Element) int { return cmp.Compare(a.Key, b.Key) })
	s := ""
	for _, e := range els {
		s += fmt.Sprintf("\n  %q %d at %s %q", e.Key, e.State, e.Stamp, e.Value.Bytes)
	}
	return s
}

// deliver hands everything over in an order of its own, some of it twice.
func (g *rig) deliver(t *rapid.T, all []cache.Command, seed int) {
	rng := rand.New(rand.NewSource(int64(seed)))
	twice := slices.Clone(all)
	for _, c := range all {
		if rng.Intn(3) == 0 {
			twice = append(twice, c)
		}
	}
	rng.Shuffle(len(twice), func(i, j int) { twice[i], twice[j] = twice[j], twice[i] })
	for _, c := range twice {
		if _, err := g.Apply(g.now, c); err != nil {
			t.Fatal(err)
		}
		if err := g.audit(); err != nil {
			t.Fatal(err)
		}
	}
}

// Merge is idempotent, commutative and associative: whatever the order and
// however often it is delivered, the newest of each key above the floors
// remains, and of a bounded region the n newest of these.
func TestMergeLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.SampledFrom([]int{-1, 1, 3, 5}).Draw(t, "bound")
		all := deliveries(t)
		want := ideal(all, n)
		var digest uint64
		for i, shards := range []int{1, 1, manyShards} {
			g := bounded(t, n, shards)
			g.deliver(t, all, rapid.Int().Draw(t, "order"))
			if got := g.shares(); !same(got, want) {
				t.Fatalf("replica %d holds%s\nbut should%s", i, show(got), show(want))
			}
			if i > 0 && g.digest.Load() != digest {
				t.Fatalf("replica %d has another digest", i)
			}
			digest = g.digest.Load()
		}
	})
}

// After any sequence of anything the digest is that of what is there.
func TestDigestFollows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := Settings{
			MaxObjects: rapid.SampledFrom([]int{-1, 0, 1, 4}).Draw(t, "bound"), MaxBytes: rapid.SampledFrom([]int64{0, 30}).Draw(t, "bytes"),
			Policy: rapid.SampledFrom([]string{"", "lru", "fifo", "mru"}).Draw(t, "policy"), Retention: 5 * second,
			UseShrinker: true, MaxMemoryIdle: 2 * second, MaxPerShrink: -1,
		}
		g := open(t, rapid.SampledFrom([]Mode{Replicate, Replicate, Invalidate, Local}).Draw(t, "mode"), s)
		if tab, ok := g.mem.(*table); ok && rapid.Bool().Draw(t, "many shards") {
			g.mem = newTable(tab.policy, manyShards, tab.maxObjects, tab.maxBytes, g.seed, g.evicted)
		}
		attrs := []*cache.Attributes{nil, {Lateral: true, MaxLife: 3 * second}, {Lateral: true, MaxIdle: 2 * second}, {Eternal: true},
			tagged(cache.DefaultAttributes, "x"), tagged(cache.Attributes{Spool: true, MaxLife: 3 * second}, "x", "y")}
		t.Repeat(map[string]func(*rapid.T){
			"": func(t *rapid.T) {
				if err := g.audit(); err != nil {
					t.Fatal(err)
				}
			},
			"own command": func(t *rapid.T) {
				c := cache.Command{Key: rapid.SampledFrom(lawKeys).Draw(t, "key"), Attr: rapid.SampledFrom(attrs).Draw(t, "attributes")}
				c.Op = rapid.SampledFrom([]cache.Op{cache.Put, cache.Put, cache.PutIfAbsent, cache.Update, cache.Remove, cache.Remove, cache.RemoveAll, cache.RemoveGroup, cache.RemoveTag, cache.Get}).Draw(t, "op")
				c.Origin = rapid.SampledFrom([]cache.Origin{cache.Application, cache.LocalOnly}).Draw(t, "origin")
				c.Value = text(rapid.SampledFrom([]string{"", "v", "a longer value", "one that is longer than all the bytes"}).Draw(t, "value"))
				if c.Op == cache.RemoveGroup {
					c.Key = "g"
				} else if c.Op == cache.RemoveTag {
					c.Key = "x"
				} else if c.Op == cache.Remove && rapid.Bool().Draw(t, "prefix") {
					c.Key = "p:"
				}
				if c.Op == cache.Put && c.Origin == cache.Application && rapid.Bool().Draw(t, "from disk") {
					c.Origin, c.Stamp = cache.FromDisk, at(g.now-base-rapid.Int64Range(0, 4000).Draw(t, "age"), 1)
				}
				g.do(c)
			},
			"delivery": func(t *rapid.T) {
				for _, c := range deliveries(t) {
					c.Stamp.Time += at(g.now-base, 0).Time - at(0, 0).Time
					own := *attrs[1]
					if c.Attr != nil {
						own.Tags = c.Attr.Tags
					}
					c.Attr = &own
					g.do(c)
				}
			},
			"time":     func(t *rapid.T) { g.now += rapid.Int64Range(0, 4000).Draw(t, "ms") },
			"shrink":   func(t *rapid.T) { g.Shrink(g.now) },
			"drop all": func(t *rapid.T) { g.DropAll(g.now) },
		})
	})
}
