// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"lateral/cache"
)

// sampleOne in so many frequent calls is timed: a get of a RESP client takes
// some hundred nanoseconds, and reading the clock twice a tenth of that.
const sampleOne = 64

// callBounds in seconds: from a get in memory to one that waits for peers.
var callBounds = []float64{1e-6, 2.5e-6, 5e-6, 1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 1e-2, 2.5e-2, 5e-2, 0.1, 0.25, 0.5, 1, 5}

var (
	gets = prometheus.HistogramOpts{Name: prefix + "get_duration_seconds", Buckets: callBounds,
		Help: "How long gets of clients took in the node, by front; of RESP one in 64 that found something in memory is timed, and one in 64 that went beyond."}
	puts = prometheus.HistogramOpts{Name: prefix + "put_duration_seconds", Buckets: callBounds,
		Help: "How long puts of clients took in the node, by front, acknowledgements over HTTP included; of RESP one in 64 is timed."}
)

// Fronts are those whose calls are timed.
var Fronts = []string{"http", "resp"}

func callFamilies() []Family {
	return []Family{{gets.Name, Histogram, []string{"front"}, gets.Help}, {puts.Name, Histogram, []string{"front"}, puts.Help}}
}

// Calls times the calls of clients.
type Calls struct{ gets, puts *prometheus.HistogramVec }

// NewCalls makes histograms for both fronts.
func NewCalls() *Calls {
	c := &Calls{prometheus.NewHistogramVec(gets, []string{"front"}), prometheus.NewHistogramVec(puts, []string{"front"})}
	for _, front := range Fronts {
		c.Front(front)
	}
	return c
}

// Describe is that of prometheus.Collector.
func (c *Calls) Describe(out chan<- *prometheus.Desc) { c.gets.Describe(out); c.puts.Describe(out) }

// Collect is that of prometheus.Collector.
func (c *Calls) Collect(out chan<- prometheus.Metric) { c.gets.Collect(out); c.puts.Collect(out) }

// A Front times calls of one front.
type Front struct{ Get, Put Timer }

// Front returns the timers of a front.
func (c *Calls) Front(name string) *Front {
	return &Front{Timer{c.gets.WithLabelValues(name)}, Timer{c.puts.WithLabelValues(name)}}
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

// Do times every call of a front that is not in such a hurry.
func (f *Front) Do(do cache.Do) cache.Do {
	return func(ctx context.Context, c cache.Command) (cache.Reply, error) {
		if t := f.of(c.Op); t != nil {
			defer t.End(time.Now())
		}
		return do(ctx, c)
	}
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
