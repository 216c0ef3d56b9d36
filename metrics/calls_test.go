// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"lateral/cache"
)

// TestCalls: HTTP's calls are timed all, whatever comes of them; what is
// neither get nor put is not.
func TestCalls(t *testing.T) {
	c := NewCalls()
	do := c.Do("http", func(_ context.Context, c cache.Command) (cache.Reply, error) {
		if c.Op == cache.Update {
			return cache.Reply{}, errors.New("no")
		}
		return cache.Reply{Found: true}, nil
	})
	for _, op := range []cache.Op{cache.Get, cache.Put, cache.PutIfAbsent, cache.Update, cache.Remove, cache.Take} {
		if rep, err := do(t.Context(), cache.Command{Op: op, Region: "User"}); (err != nil) != (op == cache.Update) || rep.Found == (op == cache.Update) {
			t.Errorf("%s: %v, %v", op, rep, err)
		}
	}
	got := gather(t, c)
	for name, want := range map[string]uint64{`lateral_get_duration_seconds{front="http",region="User"}`: 1, `lateral_put_duration_seconds{front="http",region="User"}`: 3} {
		if n := got[name].GetHistogram().GetSampleCount(); n != want {
			t.Errorf("%s: %d timed, want %d", name, n, want)
		}
	}
	if len(got) != 2 {
		t.Errorf("%d histograms, want those of what was called: %v", len(got), got)
	}
}

// TestCallsBounded: regions of the ccf have histograms of their own whatever
// clients name first, then some that were named; a region that there is not has
// none, and what is counted is still counted.
func TestCallsBounded(t *testing.T) {
	c := NewCalls("User", "SessionCache")
	do := c.Do("http", func(_ context.Context, c cache.Command) (cache.Reply, error) {
		if c.Region == "no" {
			return cache.Reply{}, fmt.Errorf("%w: no", cache.ErrNoRegion)
		}
		return cache.Reply{}, nil
	})
	get := func(region string) { do(t.Context(), cache.Command{Op: cache.Get, Region: region}) }
	get("no")
	for i := range 10 * maxTimed {
		get(fmt.Sprintf("region-%04d", i))
	}
	get("User")
	get("User")
	c.Front("resp", "SessionCache").Get.End(time.Now())
	c.Front("resp", "\xff").Put.End(time.Now())
	got := gather(t, c)
	count := func(labels string) uint64 {
		return got["lateral_get_duration_seconds{"+labels+"}"].GetHistogram().GetSampleCount()
	}
	for labels, want := range map[string]uint64{`front="http",region="User"`: 2, `front="resp",region="SessionCache"`: 1, `front="http",region="region-0000"`: 1,
		`front="http",region="other"`: 9*maxTimed + 2, `front="http",region="no"`: 0} {
		if n := count(labels); n != want {
			t.Errorf("%s: %d timed, want %d", labels, n, want)
		}
	}
	if n, most := len(got), 2*(maxTimed+3); n > most { // User of http, SessionCache and other of resp beside it
		t.Errorf("%d histograms, want %d at most", n, most)
	}
}

// TestSample times one in so many, and allocates nothing.
func TestSample(t *testing.T) {
	c := NewCalls()
	f := c.Front("resp", "User")
	const n = 100_000
	for range n {
		f.Get.End(f.Get.Sample())
	}
	count := gather(t, c)[`lateral_get_duration_seconds{front="resp",region="User"}`].GetHistogram().GetSampleCount()
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
	f := NewCalls().Front("resp", "User")
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			f.Get.End(f.Get.Sample())
		}
	})
}

// BenchmarkEvery is what timing all of them would.
func BenchmarkEvery(b *testing.B) {
	f := NewCalls().Front("resp", "User")
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			f.Get.End(time.Now())
		}
	})
}

// BenchmarkDo is what timing costs a call over HTTP.
func BenchmarkDo(b *testing.B) {
	do := NewCalls("User").Do("http", func(context.Context, cache.Command) (cache.Reply, error) { return cache.Reply{}, nil })
	b.ReportAllocs()
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			do(b.Context(), cache.Command{Op: cache.Get, Region: "User"})
		}
	})
}
