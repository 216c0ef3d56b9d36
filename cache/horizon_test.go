// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"sync"
	"sync/atomic"
	"testing"

	"lateral/cache"
)

func TestSettled(t *testing.T) {
	c := &cache.Clock{Node: 7}
	if got := c.Settled(5); got != cache.StampAt(5, 0).Time {
		t.Errorf("nobody writes, and %x is settled", got)
	}
	turn := c.Begin()
	s := c.Next(5)
	first := c.Settled(9)
	if first >= s.Time {
		t.Errorf("%v is not logged, and %x is settled", s, first)
	}
	later := c.Begin() // after the time was noted: it need not be waited for
	c.End(turn)
	if got := c.Settled(9); got < s.Time || got >= c.Next(9).Time {
		t.Errorf("%v is logged, and %x is settled", s, got)
	}
	c.End(later)
	if a, b := c.Settled(2), c.Settled(2); b < a || c.Next(0).Time <= b {
		t.Error("a clock that is set back hands out what was settled")
	}
}

// Whoever reads the log after Settled finds in it every stamp up to then.
func TestSettledIsLogged(t *testing.T) {
	c := &cache.Clock{Node: 7}
	var logged [4]atomic.Uint64 // by writer: the last stamp that it has logged
	var taken [4]atomic.Uint64  // … that it has taken
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for w := range logged {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				turn := c.Begin()
				s := c.Next(1)
				taken[w].Store(s.Time)
				logged[w].Store(s.Time)
				c.End(turn)
			}
		})
	}
	for range 50_000 {
		settled := c.Settled(1)
		for w := range logged {
			// What is taken now and not logged is later than what is settled.
			if l, s := logged[w].Load(), taken[w].Load(); s <= settled && s > l && logged[w].Load() < s {
				t.Fatalf("%x is settled, writer %d has not logged %x", settled, w, s)
			}
		}
	}
	close(stop)
	writers.Wait()
}
