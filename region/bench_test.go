// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"runtime"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"lateral/cache"
)

const benchKeys = 1 << 16

// quiet is a digest and an auxiliary that cost nothing.
type quiet struct{ ear }

func (*quiet) Add(string, cache.Stamp)                  {}
func (*quiet) Remove(string, cache.Stamp)               {}
func (*quiet) Replace(string, cache.Stamp, cache.Stamp) {}
func (*quiet) Note(cache.Change)                        {}

func benchRegion(t rapid.TB, m Mode, s Settings) *Region {
	s.Name = "bench"
	if s.Attr == (cache.Attributes{}) {
		s.Attr = cache.DefaultAttributes
	}
	q := &quiet{}
	if m == Replicate {
		s.Auxiliaries = []Binding{{Name: "LTCP", Kind: cache.Lateral, Aux: q, Gates: sendsValues}}
	}
	r, err := New(s, &cache.Clock{Node: 1}, q)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func benchFill(r *Region, n int) (keys []string, value cache.Value) {
	keys = make([]string, n)
	value = text(strings.Repeat("v", 100))
	for i := range keys {
		keys[i] = fmt.Sprintf("user:%011d", i)
		r.Apply(base, cache.Command{Op: cache.Put, Key: keys[i], Value: value})
	}
	return keys, value
}

var getCases = []struct {
	name string
	m    Mode
	s    Settings
}{
	{"eternal", Replicate, Settings{MaxObjects: -1}},
	{"idle", Replicate, Settings{MaxObjects: -1, Attr: cache.Attributes{Lateral: true, MaxIdle: 3600e9}}},
	{"lru", Local, Settings{MaxObjects: 2 * benchKeys, Policy: "lru"}},
	{"tinylfu", Local, Settings{MaxObjects: 2 * benchKeys}},
}

func BenchmarkGet(b *testing.B) {
	for _, c := range getCases {
		r := benchRegion(b, c.m, c.s)
		keys, _ := benchFill(r, benchKeys)
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				if _, ok := r.Get(base+1, keys[i&(benchKeys-1)]); !ok {
					b.Fatal(i)
				}
			}
		})
		b.Run(c.name+"/hot", func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				if _, ok := r.Get(base+1, keys[i&1023]); !ok {
					b.Fatal(i)
				}
			}
		})
		b.Run(c.name+"/parallel", func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for i := 0; pb.Next(); i += 7 {
					if _, ok := r.Get(base+1, keys[i&(benchKeys-1)]); !ok {
						b.Error(i)
					}
				}
			})
		})
	}
}

// BenchmarkMutex is the least that a safe cache costs in Go, as a measure for
// the machine: a built-in map of elements under one lock.
func BenchmarkMutex(b *testing.B) {
	var mu sync.RWMutex
	m := map[string]*cache.Element{}
	keys, value := benchFill(benchRegion(b, Local, Settings{MaxObjects: -1, Policy: "lru"}), benchKeys)
	for _, k := range keys {
		m[k] = &cache.Element{Key: k, Value: value}
	}
	get := func(key string) (cache.Element, bool) {
		mu.RLock()
		defer mu.RUnlock()
		e := m[key]
		return *e, true
	}
	for name, mask := range map[string]int{"get": benchKeys - 1, "get/hot": 1023} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; i < b.N; i++ {
				if e, ok := get(keys[i&mask]); !ok || e.Key == "" {
					b.Fatal(i)
				}
			}
		})
	}
	b.Run("put", func(b *testing.B) {
		b.ReportAllocs()
		for i := 0; i < b.N; i++ {
			mu.Lock()
			m[keys[i&(benchKeys-1)]] = &cache.Element{Key: keys[i&(benchKeys-1)], Value: value}
			mu.Unlock()
		}
	})
}

func BenchmarkPut(b *testing.B) {
	for _, c := range []struct {
		name string
		m    Mode
		s    Settings
		keys int
	}{
		{"replace/replicate", Replicate, Settings{MaxObjects: -1}, benchKeys},
		{"replace/lru", Local, Settings{MaxObjects: -1, Policy: "lru"}, benchKeys},
		{"replace/tinylfu", Local, Settings{MaxObjects: -1}, benchKeys},
		{"evict/replicate", Replicate, Settings{MaxObjects: benchKeys / 2}, benchKeys},
		{"evict/lru", Local, Settings{MaxObjects: benchKeys / 2, Policy: "lru"}, benchKeys},
		{"evict/tinylfu", Local, Settings{MaxObjects: benchKeys / 2}, benchKeys},
	} {
		b.Run(c.name, func(b *testing.B) {
			r := benchRegion(b, c.m, c.s)
			keys, value := benchFill(r, c.keys)
			b.ReportAllocs()
			b.ResetTimer()
			for i := 0; i < b.N; i++ {
				r.Apply(base+int64(i>>10), cache.Command{Op: cache.Put, Key: keys[i&(c.keys-1)], Value: value})
			}
		})
	}
}

// heap is what is in use after a collection.
func heap() int64 {
	var st runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&st)
	return int64(st.HeapAlloc)
}

// overhead is what an element costs beside the bytes of its key and value.
func overhead(t rapid.TB, n, maxObjects int) float64 {
	before := heap()
	r := benchRegion(t, Replicate, Settings{MaxObjects: maxObjects})
	value := text(strings.Repeat("v", 100))
	for i := range n {
		r.Apply(base, cache.Command{Op: cache.Put, Key: fmt.Sprintf("user:%011d", i), Value: value})
	}
	used := heap() - before
	if live, _, bytes := r.mem.size(); live != n || bytes != int64(n)*116 {
		t.Fatalf("%d elements of %d bytes", live, bytes)
	}
	runtime.KeepAlive(r)
	return float64(used)/float64(n) - 116
}

func BenchmarkOverhead(b *testing.B) {
	for b.Loop() {
		b.ReportMetric(overhead(b, 1_000_000, -1), "B/element")
	}
}

// An element of a replicated region costs at most 120 bytes beside its key and
// value, as measured by what the heap grows by, size classes included.
func TestOverhead(t *testing.T) {
	if testing.Short() || raceEnabled {
		t.Skip("a million elements")
	}
	if got := overhead(t, 1_000_000, -1); got > 120 {
		t.Errorf("%.1f bytes per element", got)
	} else {
		t.Logf("%.1f bytes per element", got)
	}
}

// A read allocates nothing, a put the one string of key and value.
func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for _, c := range getCases {
		r := benchRegion(t, c.m, c.s)
		keys, value := benchFill(r, 1000)
		if n := testing.AllocsPerRun(1000, func() { r.Get(base+1, keys[7]) }); n != 0 {
			t.Errorf("%s: %.1f allocations per read", c.name, n)
		}
		i := 0
		n := testing.AllocsPerRun(999, func() {
			r.Apply(base+1, cache.Command{Op: cache.Put, Key: keys[i%1000], Value: value})
			i++
		})
		if whole := strings.Clone(keys[7] + value.Bytes); c.name != "tinylfu" {
			put := cache.Command{Op: cache.Put, Key: whole[:len(keys[7])], Value: text(whole[len(keys[7]):]), Whole: whole}
			if n := testing.AllocsPerRun(999, func() { r.Apply(base+1, put) }); n != 0 {
				t.Errorf("%s: %.1f allocations per put of what is whole", c.name, n)
			}
		}
		if n > 1 && c.name != "tinylfu" { // otter has nodes of its own
			t.Errorf("%s: %.1f allocations per put", c.name, n)
		}
	}
}
