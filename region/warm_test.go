// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"lateral/cache"
)

// What Warm fetches is what a lookup then looks at, before and after entries
// were removed and the index has grown, and there is nothing for a key that is
// not there.
func TestWarmLooksWhereFindDoes(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	tab := g.mem.(*table)
	var keys []string
	other := 0
	for i := range 5000 {
		keys = append(keys, fmt.Sprint("key", i))
		g.put(keys[i], "v")
		if i%7 == 0 {
			g.mem.drop(keys[i/2], hashOf(keys[i/2], g.seed))
		}
	}
	for _, key := range keys {
		hash := hashOf(key, g.seed)
		e, _ := tab.shard(hash).find(key, uint32(hash))
		if likely := tab.shard(hash).likely(uint32(hash)); e != nil && likely != e {
			other++ // the upper bits of two hashes are the same
		} else if e == nil && likely != nil && likely.key() == key {
			t.Errorf("%s is not there, and would be fetched", key)
		}
	}
	if other > len(keys)/50 {
		t.Errorf("another entry than that of the key would be fetched for %d of %d", other, len(keys))
	}
	g.Warm(keys) // more than it looks at
	g.Warm(nil)
	open(t, Replicate, Settings{MaxObjects: -1}).Warm(keys) // an empty one
	if n := testing.AllocsPerRun(100, func() { g.Warm(keys[:16]) }); n != 0 {
		t.Errorf("%.1f allocations", n)
	}
}

// A whole that is not key and value is not kept.
func TestWholeIsLookedAt(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: -1})
	own, other := "keyvalue", "keyother"
	for _, whole := range []string{other, "keyvalue!", "key", own[3:], string([]byte(own))} {
		g.Apply(g.now, cache.Command{Op: cache.Put, Key: own[:3], Value: text(own[3:]), Whole: whole})
		if e, ok := g.Get(g.now, "key"); !ok || e.Key != "key" || e.Value.Bytes != "value" {
			t.Errorf("%q: %q is %q", whole, e.Key, e.Value.Bytes)
		}
	}
	g.Apply(g.now, cache.Command{Op: cache.Put, Key: own[:3], Whole: own})
	if e, _ := g.Get(g.now, "key"); e.Value.Bytes != "" {
		t.Errorf("a value that is empty is %q", e.Value.Bytes)
	}
}

// BenchmarkWarm looks up keys sixteen at a time, with and without.
func BenchmarkWarm(b *testing.B) {
	for _, warm := range []bool{false, true} {
		b.Run(fmt.Sprint(warm), func(b *testing.B) {
			r := benchRegion(b, Replicate, Settings{MaxObjects: -1})
			keys, _ := benchFill(r, 1<<17)
			rand.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
			b.ResetTimer()
			for i := 0; i < b.N; i += 16 {
				batch := keys[i&(1<<17-1):][:16]
				if warm {
					r.Warm(batch)
				}
				for _, key := range batch {
					r.Get(base, key)
				}
			}
		})
	}
}
