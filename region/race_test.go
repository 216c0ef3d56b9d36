// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"

	"lateral/cache"
)

// Many goroutines do everything at once; afterwards digest, index, heap and
// counters fit together and the bounds are kept. A value tells its key, so a
// reader sees when it is handed another's.
func TestConcurrently(t *testing.T) {
	for name, c := range map[string]struct {
		m Mode
		s Settings
	}{
		"replicate":          {Replicate, Settings{MaxObjects: -1}},
		"replicate bounded":  {Replicate, Settings{MaxObjects: 40}},
		"replicate by bytes": {Replicate, Settings{MaxObjects: -1, MaxBytes: 400}},
		"tinylfu":            {Invalidate, Settings{MaxObjects: 40}},
		"lru":                {Local, Settings{MaxObjects: 40, Policy: "lru"}},
		"fifo":               {Local, Settings{MaxObjects: 40, Policy: "fifo"}},
		"mru":                {Local, Settings{MaxObjects: 40, Policy: "mru"}},
	} {
		t.Run(name, func(t *testing.T) {
			c.s.Retention, c.s.UseShrinker, c.s.MaxMemoryIdle, c.s.MaxPerShrink = second, true, second, -1
			g := open(t, c.m, c.s)
			if tab, ok := g.mem.(*table); ok { // many shards, even for a small bound
				g.mem = newTable(tab.policy, manyShards, tab.maxObjects, tab.maxBytes, g.seed, g.evicted)
			}
			var wg sync.WaitGroup
			for worker := range 6 {
				wg.Go(func() { g.hammer(uint64(worker)) })
			}
			wg.Wait()
			g.mustAudit()
			if live, _, _ := g.mem.size(); c.s.MaxObjects > 0 && live > c.s.MaxObjects {
				t.Errorf("%d elements", live)
			}
			// Ordinary life goes on, and a last pass empties everything.
			g.pass(10 * second)
			g.DropAll(g.now)
			g.Shrink(g.now)
			if st := g.Status(); st.Elements != 0 || st.Tombstones != 0 || st.Bytes != 0 || g.digest.Load() != 0 {
				t.Errorf("something is left: %+v, digest %x", st, g.digest.Load())
			}
			g.put("k", "v")
			g.see("k", "v")
		})
	}
}

func (g *rig) hammer(worker uint64) {
	rng := rand.New(rand.NewPCG(worker, 1))
	expires := &cache.Attributes{Lateral: true, MaxIdle: second, MaxLife: 2 * second}
	for i := range 3000 {
		now := base + int64(i)
		key := fmt.Sprintf("p%d:%d", rng.IntN(3), rng.IntN(40))
		c := cache.Command{Op: cache.Put, Key: key, Value: text(key + "=v")}
		switch rng.IntN(40) {
		default:
			if e, ok := g.Get(now, key); ok && (e.Key != key || !strings.HasPrefix(e.Value.Bytes, key+"=")) {
				g.t.Errorf("asked for %s, got %s with %q", key, e.Key, e.Value.Bytes)
			}
			continue
		case 0, 1, 2, 3, 4, 5:
		case 6, 7:
			c.Attr = expires
		case 8, 9, 10:
			c.Origin, c.Stamp = cache.FromLateral, cache.Stamp{Time: at(int64(rng.IntN(3000)), 0).Time, Node: cache.NodeID(2 + worker)}
		case 11, 12:
			c.Op = cache.Remove
		case 13:
			c.Op, c.Origin = cache.Remove, cache.LocalOnly
		case 14:
			c.Origin = cache.LocalOnly
		case 15:
			c.Op, c.Key = cache.Remove, key[:3]
		case 16:
			c.Op = cache.PutIfAbsent
		case 18:
			t := g.Ticket(key)
			if rng.IntN(2) == 0 {
				g.Peek(now, key)
			}
			if _, err := g.Fill(now, c, uint64(rng.IntN(3)), t); err != nil {
				g.t.Errorf("%v", err)
			}
			continue
		case 17:
			switch rng.IntN(6) {
			case 0:
				c.Op = cache.RemoveAll
			case 1:
				g.Shrink(now)
			case 2:
				g.Each(func(e cache.Element) bool { return rng.IntN(20) > 0 })
			case 3:
				c.Op = cache.GetMatching
			case 4:
				g.Lookup(key)
				g.Warm([]string{key, "p0:0", "p1:1", "p2:2"})
			case 5:
				g.DropAll(g.now)
			}
		}
		if _, err := g.Apply(now, c); err != nil {
			g.t.Errorf("%v", err)
		}
	}
}
