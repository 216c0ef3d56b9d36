// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lateral/cache"
)

// sampleOne in so many frequent calls is timed: a get of a RESP client takes
// some hundred nanoseconds, and reading the clock twice a tenth of that.
const sampleOne = 64

// callBounds in seconds: from a get in memory to one that waits for peers.
var callBounds = []float64{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 5}

// maxTimed is how many regions have histograms of their own; each has up to
// 88 series, where other metrics of a region have one.
const maxTimed = 50

var (
	callLabels = []string{"front", "region"}

	gets = prometheus.HistogramOpts{Name: prefix + "get_duration_seconds", Buckets: callBounds,
		Help: "How long gets of clients took in the node, by front and region; of RESP one in 64 that found something in memory is timed, and one in 64 that went beyond."}
	puts = prometheus.HistogramOpts{Name: prefix + "put_duration_seconds", Buckets: callBounds,
		Help: "How long puts of clients took in the node, by front and region, acknowledgements over HTTP included; of RESP one in 64 is timed."}
)

func callFamilies() []Family {
	return []Family{{gets.Name, Histogram, callLabels, gets.Help}, {puts.Name, Histogram, callLabels, puts.Help}}
}

// Calls times the calls of clients. Its methods may be called by many
// goroutines.
type Calls struct {
	gets, puts *prometheus.HistogramVec

	mu     sync.Mutex // guards what follows
	seats  seats
	fronts map[[2]string]*Front // by front and region's label
}

// NewCalls makes histograms. The regions named have series of their own before
// any that clients name, as far as there are maxTimed.
func NewCalls(regions ...string) *Calls {
	c := &Calls{gets: prometheus.NewHistogramVec(gets, callLabels), puts: prometheus.NewHistogramVec(puts, callLabels),
		seats: seats{limit: maxTimed}, fronts: map[[2]string]*Front{}}
	c.seats.seat(regions)
	return c
}

// Describe is that of prometheus.Collector.
func (c *Calls) Describe(out chan<- *prometheus.Desc) { c.gets.Describe(out); c.puts.Describe(out) }

// Collect is that of prometheus.Collector.
func (c *Calls) Collect(out chan<- prometheus.Metric) { c.gets.Collect(out); c.puts.Collect(out) }

// A Front times the calls of one front for one region.
type Front struct{ Get, Put Timer }

// Front returns the timers of a front (http, resp) for a region. Who calls
// often keeps them.
func (c *Calls) Front(front, region string) *Front {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.seats.taken[region] && len(c.seats.taken) < maxTimed {
		c.seats.seat([]string{region})
	}
	region = c.seats.name(region)
	f := c.fronts[[2]string{front, region}]
	if f == nil {
		labels := clean([]string{front, region})
		f = &Front{Timer{c.gets.WithLabelValues(labels...)}, Timer{c.puts.WithLabelValues(labels...)}}
		c.fronts[[2]string{front, region}] = f
	}
	return f
}

// Do times every call of a front that is not in such a hurry, but for those of
// regions that there are not.
func (c *Calls) Do(front string, do cache.Do) cache.Do {
	return func(ctx context.Context, cmd cache.Command) (cache.Reply, error) {
		since := time.Now()
		rep, err := do(ctx, cmd)
		if new(Front).of(cmd.Op) == nil || errors.Is(err, cache.ErrNoRegion) {
			return rep, err
		}
		c.Front(front, cmd.Region).of(cmd.Op).End(since)
		return rep, err
	}
}

// A Timer observes how long calls take.
type Timer struct{ observer prometheus.Observer }

// Sample returns the time for one call of sampleOne, else the zero time.
func (t *Timer) Sample() time.Time {
	if rand.Uint32()%sampleOne != 0 {
		return time.Time{}
	}
	return time.Now()
}

// End observes a call that began at a time; the zero time is not observed.
func (t *Timer) End(since time.Time) {
	if !since.IsZero() {
		t.observer.Observe(time.Since(since).Seconds())
	}
}

// of returns the timer of an operation, nil if there is none.
func (f *Front) of(op cache.Op) *Timer {
	switch op {
	case cache.Get:
		return &f.Get
	case cache.Put, cache.PutIfAbsent, cache.Update:
		return &f.Put
	}
	return nil
}

// Sampled times a sample of the calls of a front.
func (f *Front) Sampled(ctx context.Context, c cache.Command, do cache.Do) (cache.Reply, error) {
	t := f.of(c.Op)
	if t == nil {
		return do(ctx, c)
	}
	since := t.Sample()
	rep, err := do(ctx, c)
	t.End(since)
	return rep, err
}
