// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"testing"
	"time"

	"lateral/cache"
)

// TestCalls: HTTP's calls are timed all, whatever comes of them; what is
// neither get nor put is not.
func TestCalls(t *testing.T) {
	c := NewCalls()
	do := c.Front("http").Do(func(_ context.Context, c cache.Command) (cache.Reply, error) {
		if c.Op == cache.Update {
			return cache.Reply{}, errors.New("no")
		}
		return cache.Reply{Found: true}, nil
	})
	for _, op := range []cache.Op{cache.Get, cache.Put, cache.PutIfAbsent, cache.Update, cache.Remove, cache.Take} {
		if rep, err := do(t.Context(), cache.Command{Op: op}); (err != nil) != (op == cache.Update) || rep.Found == (op == cache.Update) {
			t.Errorf("%s: %v, %v", op, rep, err)
		}
	}
	got := gather(t, c)
	for name, want := range map[string]uint64{`lateral_get_duration_seconds{front="http"}`: 1, `lateral_put_duration_seconds{front="http"}`: 3,
		`lateral_get_duration_seconds{front="resp"}`: 0} {
		if n := got[name].GetHistogram().GetSampleCount(); n != want {
			t.Errorf("%s: %d timed, want %d", name, n, want)
		}
	}
}

// TestSample times one in so many, and allocates nothing.
func TestSample(t *testing.T) {
	c := NewCalls()
	f := c.Front("resp")
	const n = 100_000
	for range n {
		f.Get.End(f.Get.Sample())
	}
	count := gather(t, c)[`lateral_get_duration_seconds{front="resp"}`].GetHistogram().GetSampleCount()
	if count < n/sampleOne/2 || count > n/sampleOne*2 {
		t.Errorf("%d of %d are timed", count, n)
	}
	if a := testing.AllocsPerRun(1000, func() { f.Get.End(f.Get.Sample()); f.Get.End(time.Now()) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
	do := func(context.Context, cache.Command) (cache.Reply, error) { return cache.Reply{}, nil }
	if a := testing.AllocsPerRun(1000, func() { f.Sampled(t.Context(), cache.Command{Op: cache.Put}, do) }); a != 0 {
		t.Errorf("%v allocations", a)
	}
}

// BenchmarkSample is what timing a sample costs a get.
func BenchmarkSample(b *testing.B) {
	f := NewCalls().Front("resp")
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			f.Get.End(f.Get.Sample())
		}
	})
}

// BenchmarkEvery is what timing all of them would.
func BenchmarkEvery(b *testing.B) {
	f := NewCalls().Front("resp")
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			f.Get.End(time.Now())
		}
	})
}
