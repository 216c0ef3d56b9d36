// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"lateral/cache"
)

// The canary measures how long a change takes until a peer has applied it and
// said so: of the changes that are written, one per samplePause is timed from
// when it is appended to the log until each peer's acknowledgement covers it.
// Where nothing is written for a second, the round trip of a heartbeat, which
// stands in the same line, takes its place. No region sees a write for it.

const (
	samplePause = 100 * time.Millisecond
	// maxSamples is how many changes may be under way: for longer than a link
	// is silent before it is dead, by default.
	maxSamples = 64
	// minuteSlices cut the last minute, so that it is forgotten in steps.
	minuteSlices = 6
	sliceTime    = 10 * time.Second
)

// samples are the changes that are timed.
type samples struct {
	due  atomic.Bool // the next change is to be timed
	last atomic.Uint64

	mu   sync.Mutex // guards what follows
	ring [maxSamples]sample
	next int
}

// sample: the change of that number was appended right after at.
type sample struct {
	change uint64
	at     time.Time
}

// take times the next change, if it is time for one. The number is read before
// the change is appended, so that no acknowledgement can come before it is noted;
// should another writer get it, it is that one's change that is timed.
func (s *samples) take(next func() uint64) {
	if !s.due.Load() || !s.due.Swap(false) {
		return
	}
	time.AfterFunc(samplePause, func() { s.due.Store(true) })
	x := sample{next(), time.Now()}
	s.mu.Lock()
	s.ring[s.next%maxSamples] = x
	s.next++
	s.mu.Unlock()
	s.last.Store(x.change)
}

// between hands over the samples of changes after one and up to another.
func (s *samples) between(after, upTo uint64, each func(at time.Time)) {
	if s.last.Load() <= after {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, x := range s.ring {
		if x.change > after && x.change <= upTo {
			each(x.at)
		}
	}
}

// buckets of a spread: four per doubling, from 1 µs to 68 s.
const buckets = 26 * 4

// A spread counts durations by their magnitude: what it returns is at most a
// quarter too large.
type spread struct {
	n    uint64
	max  time.Duration
	sum  time.Duration
	hist [buckets]uint32
}

func bucketOf(d time.Duration) int {
	us := uint64(max(d.Microseconds(), 1))
	top := bits.Len64(us) - 1
	part := 0
	if top >= 2 {
		part = int(us >> (top - 2) & 3)
	} else {
		part = int(us<<(2-top)) & 3
	}
	return min(top*4+part, buckets-1)
}

// upper returns the end of a bucket.
func upper(i int) time.Duration {
	return time.Duration((5+i%4)<<(i/4)) * time.Microsecond / 4
}

func (s *spread) add(d time.Duration) {
	s.n++
	s.max = max(s.max, d)
	s.sum += max(d, 0)
	s.hist[bucketOf(d)]++
}

func (s *spread) join(o *spread) {
	s.n += o.n
	s.max = max(s.max, o.max)
	s.sum += o.sum
	for i, n := range o.hist {
		s.hist[i] += n
	}
}

func (s *spread) quantile(part float64) time.Duration {
	want, seen := uint64(part*float64(s.n)), uint64(0)
	for i, n := range s.hist {
		if seen += uint64(n); n > 0 && seen > want {
			return min(upper(i), s.max)
		}
	}
	return s.max
}

func (s *spread) status() cache.Spread {
	return cache.Spread{Count: s.n, P50: s.quantile(0.50), P90: s.quantile(0.90), P99: s.quantile(0.99), Max: s.max}
}

// times returns the counts under cache.TravelBounds, each of which is the end
// of a bucket.
func (s *spread) times() cache.Histogram {
	h := cache.Histogram{Under: make([]uint64, 0, len(cache.TravelBounds)), Count: s.n, Sum: s.sum}
	under, i := uint64(0), 0
	for _, bound := range cache.TravelBounds {
		for ; i < buckets && upper(i) <= bound; i++ {
			under += uint64(s.hist[i])
		}
		h.Under = append(h.Under, under)
	}
	return h
}

// canary is what was measured of one peer.
type canary struct {
	mu     sync.Mutex // guards what follows
	all    spread
	slices [minuteSlices]spread
	at     [minuteSlices]int64 // which slice of time each is of
	heard  time.Time           // when a change was timed last
}

func (c *canary) note(d time.Duration, change bool) {
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	if change {
		c.heard = now
	} else if now.Sub(c.heard) < time.Second {
		return
	}
	slice := now.UnixNano() / int64(sliceTime)
	i := slice % minuteSlices
	if c.at[i] != slice {
		c.at[i], c.slices[i] = slice, spread{}
	}
	c.slices[i].add(d)
	c.all.add(d)
}

func (c *canary) status() cache.Propagation {
	now := time.Now().UnixNano() / int64(sliceTime)
	c.mu.Lock()
	defer c.mu.Unlock()
	minute := new(spread)
	for i := range c.slices {
		if now-c.at[i] < minuteSlices {
			minute.join(&c.slices[i])
		}
	}
	return cache.Propagation{Minute: minute.status(), All: c.all.status(), Times: c.all.times()}
}

// timed notes that a peer has acknowledged the changes after one and up to
// another.
func (p *peer) timed(after, upTo uint64) {
	p.m.samples.between(after, upTo, func(at time.Time) { p.canary.note(time.Since(at), true) })
}
