// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/internal/memnet"
)

// A spread's percentiles are never too small and at most a quarter too large.
func TestSpread(t *testing.T) {
	for d := time.Microsecond; d < time.Minute; d += d/7 + 1 {
		us := d.Truncate(time.Microsecond)
		if up := upper(bucketOf(us)); up <= us || up > us+us/4+time.Microsecond {
			t.Errorf("%v is counted up to %v", us, up)
		}
	}
	var s spread
	for i := 1; i <= 1000; i++ {
		s.add(time.Duration(i) * time.Millisecond)
	}
	st := s.status()
	for _, c := range []struct{ got, want time.Duration }{{st.P50, 500 * time.Millisecond}, {st.P90, 900 * time.Millisecond}, {st.P99, 990 * time.Millisecond}} {
		if c.got < c.want || c.got > c.want+c.want/4 {
			t.Errorf("%v, want about %v", c.got, c.want)
		}
	}
	if st.Max != time.Second || st.Count != 1000 {
		t.Errorf("%+v", st)
	}
	times := s.times()
	for i, bound := range cache.TravelBounds {
		if want := min(uint64((bound-1)/time.Millisecond), 1000); times.Under[i] != want {
			t.Errorf("%d under %v, want %d", times.Under[i], bound, want)
		}
	}
	if times.Count != 1000 || times.Sum != 500500*time.Millisecond {
		t.Errorf("%+v", times)
	}
	s.add(time.Hour)
	s.add(-time.Second)
	if st := s.status(); st.Max != time.Hour || st.P99 > time.Second*5/4 {
		t.Errorf("%+v", st)
	}
}

// Changes are timed from the log to the acknowledgement, ten per second; a minute
// later only heartbeats are left of the last minute, and all is in the sum.
func TestCanary(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		n.SetDelay(at(1), at(2), 30*time.Millisecond)
		n.SetDelay(at(2), at(1), 10*time.Millisecond)
		for i := range 1000 {
			a.put(a.state, fmt.Sprint("k", i), "v")
			time.Sleep(5 * time.Millisecond)
		}
		synctest.Wait()
		travel := func() (min, all uint64) {
			st := a.Status().Links[0].Travel
			for _, s := range []struct {
				of       string
				p50, p99 time.Duration
				count    uint64
			}{{"minute", st.Minute.P50, st.Minute.P99, st.Minute.Count}, {"all", st.All.P50, st.All.P99, st.All.Count}} {
				if s.p50 < 40*time.Millisecond || s.p99 > 55*time.Millisecond {
					t.Errorf("%s: %+v", s.of, st)
				}
			}
			return st.Minute.Count, st.All.Count
		}
		if minute, all := travel(); minute < 40 || minute > 60 || all != minute {
			t.Errorf("%d in a minute, %d in all", minute, all)
		}
		time.Sleep(90 * time.Second)
		if minute, all := travel(); minute < 45 || minute > 65 || all < 120 {
			t.Errorf("%d in a minute, %d in all", minute, all)
		}
		a.close()
		b.close()
	})
}
