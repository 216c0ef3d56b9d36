// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"context"
	"fmt"
	"math/bits"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"lateral"
)

// latencies times gets of two goroutines, alone, with a writer whose values are the
// garbage, and with the collector running all the time.
func latencies(r *lateral.Region[string], value string) {
	for _, with := range []struct {
		what         string
		write, clean bool
	}{{"two readers", false, false}, {"two readers and a writer", true, false}, {"two readers, the collector running all the time", false, true}} {
		var stop atomic.Bool
		var all sync.WaitGroup
		var times [2]histogram
		var before, after debug.GCStats
		before.PauseQuantiles, after.PauseQuantiles = make([]time.Duration, 5), make([]time.Duration, 5)
		debug.ReadGCStats(&before)
		for i := range times {
			keys := make([]string, 100_000) // now: to make them is garbage, whose maker helps the collector
			for i := range keys {
				keys[i] = key(rand.IntN(*elements))
			}
			all.Go(func() { read(r, keys, &stop, &times[i]) })
		}
		puts := 0
		if with.write {
			all.Go(func() {
				for ; !stop.Load(); puts++ {
					r.Put(context.Background(), key(rand.IntN(*elements)), value)
				}
			})
		}
		collections := 0
		if with.clean {
			all.Go(func() {
				for ; !stop.Load(); collections++ {
					heap()
				}
			})
		}
		time.Sleep(*watch)
		stop.Store(true)
		all.Wait()
		debug.ReadGCStats(&after)
		times[0].add(&times[1])
		h := &times[0]
		n := after.NumGC - before.NumGC
		pause := (after.PauseTotal - before.PauseTotal) / time.Duration(max(n, 1))
		fmt.Printf("gets, %s: %.0f per second, p50 %v, p99 %v, p99.9 %v, slowest %v; %.0f puts per second; %d collections, which stop all for %v each\n", with.what,
			float64(h.n)/watch.Seconds(), h.quantile(0.50), h.quantile(0.99), h.quantile(0.999), h.most, float64(puts)/watch.Seconds(), n, pause)
	}
}

func read(r *lateral.Region[string], keys []string, stop *atomic.Bool, h *histogram) {
	for i := 0; !stop.Load(); i++ {
		began := time.Now()
		_, ok, err := r.Get(context.Background(), keys[i%len(keys)])
		took := time.Since(began)
		if !ok || err != nil {
			panic(fmt.Sprint("a key is not there: ", err))
		}
		h.note(took)
	}
}

// A histogram counts times by their magnitude, eight buckets to a doubling.
type histogram struct {
	n      uint64
	most   time.Duration
	counts [64 * 8]uint64
}

func (h *histogram) note(d time.Duration) {
	h.n++
	h.most = max(h.most, d)
	h.counts[bucket(d)]++
}

func bucket(d time.Duration) int {
	n := uint64(max(d, 8))
	top := bits.Len64(n) - 1
	return top*8 + int(n>>(top-3)&7)
}

func (h *histogram) add(o *histogram) {
	h.n += o.n
	h.most = max(h.most, o.most)
	for i, n := range o.counts {
		h.counts[i] += n
	}
}

// quantile returns the end of the bucket in which it lies.
func (h *histogram) quantile(part float64) time.Duration {
	want, seen := uint64(part*float64(h.n)), uint64(0)
	for i, n := range h.counts {
		if seen += n; seen > want {
			return time.Duration(9+i%8) << (i/8 - 3)
		}
	}
	return h.most
}
