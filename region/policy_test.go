// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"lateral/cache"
)

// play runs a script of puts (+a) and gets (?a), so many milliseconds apart,
// and returns the keys in the order in which they were evicted.
func (g *rig) play(script string, step int64) string {
	g.t.Helper()
	g.disk.take()
	for _, w := range strings.Fields(script) {
		if w[0] == '+' {
			g.put(w[1:], "v")
		} else {
			g.sees(w[1:], true)
		}
		g.now += step
	}
	var out []string
	for _, c := range g.disk.told {
		if c.Op == cache.Put {
			out = append(out, c.Element.Key)
		}
	}
	g.disk.take()
	return strings.Join(out, "")
}

// The order of eviction of each policy as the list of its JCS class gives it,
// with three elements in memory.
func TestPolicies(t *testing.T) {
	for _, c := range []struct{ policies, script, evicted string }{
		{"fifo", "+a +b +c ?a ?b +d +e +f", "abc"},
		{"fifo", "+a +b +c +a +d +e +f", "bca"}, // a put again is an arrival
		{"lru lhmlru soft nonsense", "+a +b +c ?a ?b +d +e +f", "cab"},
		{"lru lhmlru soft", "+a +b +c +a +d +e +f", "bca"},
		{"lru lhmlru soft", "+a +b +c ?a ?c ?a +d ?b", "?"}, // b is gone: see below
		{"mru", "+a +b +c ?a ?b +d +e +f", "bac"},           // the last one read first, then the oldest put
		{"mru", "+a +b +c ?a +a +d +e +f", "bca"},           // a put takes it back to the front
		{"mru", "+a +b +c ?c ?a ?c +d +e +f", "cab"},
	} {
		for _, policy := range strings.Fields(c.policies) {
			for _, step := range []int64{0, 1, 1000} {
				g := open(t, Local, Settings{MaxObjects: 3, Policy: policy})
				if c.evicted == "?" {
					if g.play("+a +b +c ?a ?c ?a +d", step) != "b" {
						t.Errorf("%s: the least recently used one stays", policy)
					}
					continue
				}
				if got := g.play(c.script, step); got != c.evicted {
					t.Errorf("%s, %d ms apart, %s: evicts %s, want %s", policy, step, c.script, got, c.evicted)
				}
				if st := g.Status(); st.Elements != 3 || st.Policy != policy || st.Stats.Evictions != uint64(len(c.evicted)) {
					t.Errorf("%s: %+v", policy, st)
				}
				g.mustAudit()
			}
		}
	}
}

// Over many shards the order is exact to the millisecond.
func TestPolicyOfManyShards(t *testing.T) {
	const n = 3 * fewObjects / 2
	for policy, hot := range map[string]bool{"lru": true, "fifo": false} {
		g := open(t, Local, Settings{MaxObjects: n, Policy: policy})
		if len(g.mem.(*table).shards) != manyShards {
			t.Fatal("one shard")
		}
		var script []string
		for i := range n {
			script = append(script, fmt.Sprintf("+%04x", i))
		}
		for i := range 100 {
			script = append(script, fmt.Sprintf("?%04x", i))
		}
		g.play(strings.Join(script, " "), 1)
		want := ""
		script = script[:0]
		for i := range 100 {
			script = append(script, fmt.Sprintf("+new%d", i))
			if hot {
				want += fmt.Sprintf("%04x", i+100)
			} else {
				want += fmt.Sprintf("%04x", i)
			}
		}
		if got := g.play(strings.Join(script, " "), 1); got != want {
			t.Errorf("%s evicts %s", policy, got)
		}
		g.mustAudit()
	}
}

// What arrives from a disk or a peer with an old stamp is new to this memory.
func TestOldArrivalsStay(t *testing.T) {
	for _, policy := range []string{"lru", "fifo", "mru"} {
		g := open(t, Local, Settings{MaxObjects: 2, Policy: policy})
		g.play("+a +b", 1)
		g.do(cache.Command{Op: cache.Put, Origin: cache.FromDisk, Key: "old", Value: text("v"), Stamp: at(-1e6, 1)})
		g.left("b old")
	}
}

// The default policy keeps what is used often while a scan passes through.
func TestScanResistance(t *testing.T) {
	hits := func(policy string) int {
		g := open(t, Local, Settings{MaxObjects: 200, Policy: policy})
		rng := rand.New(rand.NewPCG(1, 2))
		get := func(key string) bool {
			_, ok := g.Get(g.now, key)
			if !ok {
				g.put(key, "v")
			}
			g.now++
			return ok
		}
		n := 0
		for i := range 20_000 {
			if get(fmt.Sprintf("hot%d", rng.IntN(100))) && i > 10_000 {
				n++
			}
			get(fmt.Sprintf("scan%d", i))
			get(fmt.Sprintf("scan%d+", i))
		}
		g.mustAudit()
		return n
	}
	if tiny, lru := hits(""), hits("lru"); tiny < 9_500 || tiny <= lru {
		t.Errorf("of 10,000 reads of a hot set the default policy answers %d, LRU %d", tiny, lru)
	}
}

func TestMaxObjects(t *testing.T) {
	for _, m := range []Mode{Local, Invalidate, Replicate} {
		for _, policy := range []string{"", "lru", "fifo", "mru"} {
			for _, n := range []int{-1, 0, 1, 2, 50} {
				g := open(t, m, Settings{MaxObjects: n, Policy: policy})
				for i := range 100 {
					g.put(fmt.Sprintf("%02d", i), "value")
					g.now++
				}
				want := min(n, 100)
				if n < 0 {
					want = 100
				}
				st := g.Status()
				if st.Elements != want || st.Bytes != int64(7*want) || st.MaxObjects != n {
					t.Errorf("%s %q with at most %d: %+v", m, policy, n, st)
				}
				// Everything is in memory or was handed to the disk.
				if got := len(g.disk.told); got != 100-want {
					t.Errorf("%s %q with at most %d: %d spooled", m, policy, n, got)
				}
				g.mustAudit()
				g.put("last", "v")
				if n == 0 {
					g.see("last", "")
				} else if g.policyName() != "mru" && g.policyName() != "tinylfu" {
					g.see("last", "v")
				}
			}
		}
	}
}

// A replicated region keeps the largest stamps, tombstones among them.
func TestBoundOfTombstones(t *testing.T) {
	for _, shards := range []int{1, manyShards} {
		g := open(t, Replicate, Settings{MaxObjects: 10})
		g.mem = newTable(byStamp, shards, 10, 0, g.seed, g.evicted)
		for i := range 100 {
			g.remove(fmt.Sprint(i)) // of what is not there
		}
		if st := g.Status(); st.Tombstones != 10 || st.Elements != 0 {
			t.Errorf("%+v", st)
		}
		g.arrives("old", "v", at(0, 1))
		g.see("old", "")
		for i := range 10 {
			g.put(fmt.Sprint("k", i), "v")
		}
		g.left("k0 k1 k2 k3 k4 k5 k6 k7 k8 k9")
		g.mustAudit()
	}
}

// A tombstone that was pushed out still counts when there is room again.
func TestPushedOutStaysOut(t *testing.T) {
	g := open(t, Replicate, Settings{MaxObjects: 2})
	g.arrives("k", "v", at(1, 2))
	g.now += 10
	g.remove("k")
	g.now += 10
	g.putFor("x", cache.Attributes{MaxLife: second})
	g.putFor("y", cache.Attributes{MaxLife: second})
	g.now += 2000
	g.Shrink(g.now)
	if st := g.Status(); st.Elements+st.Tombstones != 0 {
		t.Fatalf("%+v", st)
	}
	g.arrives("k", "v", at(1, 2)) // of a peer that missed the removal
	g.see("k", "")
	g.arrives("l", "v", at(11, 2))
	g.see("l", "v")
	if g.Stats().Stale != 1 {
		t.Errorf("%+v", g.Stats())
	}
	// By bytes a small old one may well have a place beside a larger new one.
	g = open(t, Replicate, Settings{MaxObjects: -1, MaxBytes: 10})
	g.arrives("a", "12345", at(2, 2))
	g.arrives("b", "1234567", at(3, 2))
	g.see("a", "")
	g.arrives("b", "1", at(4, 2))
	g.arrives("a", "12345", at(1, 2))
	g.see("a", "12345")
}

func TestMaxBytes(t *testing.T) {
	for _, m := range []Mode{Local, Replicate} {
		g := open(t, m, Settings{MaxObjects: -1, MaxBytes: 100})
		put := func(key string, size int) { g.now++; g.put(key, strings.Repeat("v", size)) }
		for i := range 20 {
			put(fmt.Sprintf("%02d", i), 18)
		}
		g.left("15 16 17 18 19")
		put("15", 38) // a larger value pushes out, too
		g.left("17 18 19 15")
		put("15", 1)
		put("x", 1)
		g.left("17 18 19 15 x")
		g.disk.take()
		put("x", 100) // would never fit: it pushes out nothing but its former self
		g.left("17 18 19 15")
		if len(g.disk.told) != 1 || g.disk.told[0].Element.Key != "x" {
			t.Errorf("spooled %s", g.disk.take())
		}
		if st := g.Status(); st.Bytes != 63 || m == Local && st.Policy != "lru" {
			t.Errorf("%+v", st)
		}
		g.mustAudit()
	}
}

// What does not spool, or was written when it was put, is not handed over.
func TestSpool(t *testing.T) {
	g := open(t, Local, Settings{MaxObjects: 1, Policy: "lru"})
	no := cache.DefaultAttributes
	no.Spool = false
	g.do(cache.Command{Op: cache.Put, Key: "a", Value: text("1"), Attr: &no})
	g.put("b", "2")
	g.told("", "", "put a=1, put b=2")
	g.put("c", "3")
	g.told("", "put b=2", "put c=3")
	g.s.Auxiliaries[0].DiskUpdate = true
	g.put("d", "4")
	g.told("", "put d=4", "put d=4")
}
