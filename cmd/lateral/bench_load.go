// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"lateral/cache"
	"lateral/web"
)

// A throughputRun is what several writers get through.
type throughputRun struct {
	Puts      int       `json:"puts"`
	Seconds   float64   `json:"seconds"`
	Rate      float64   `json:"puts_per_second"`
	Arrived   float64   `json:"arrived_per_second"`    // by the time when every service held them; 0 if they did not
	Behind    float64   `json:"behind_seconds"`        // between the last put and that
	Keys      int       `json:"keys_written"`          // that were looked at afterwards, at each other service
	Lost      int       `json:"keys_without_last_put"` // of these, at any of them
	PerSlice  []float64 `json:"puts_per_second_by_slice"`
	SliceTime float64   `json:"slice_seconds"`
}

type benchPut struct{ key, value string }

// benchSlices is how many points the line of a rate has.
const benchSlices = 50

func (b *bench) throughput(ctx context.Context) error {
	c, writer := b.cluster, b.cluster.members[0]
	run := &throughputRun{SliceTime: b.Duration.Seconds() / benchSlices}
	counts := make([]atomic.Int64, benchSlices)
	last := make([]map[string]string, b.Writers) // by writer: keys with what was put last
	final := make([]benchPut, b.Writers)
	began := time.Now()
	end, cancel := context.WithDeadline(ctx, began.Add(b.Duration))
	defer cancel()
	errs := make([]error, b.Writers)
	var puts atomic.Int64
	var wg sync.WaitGroup
	for w := range b.Writers {
		last[w] = map[string]string{}
		wg.Go(func() {
			for i := w; end.Err() == nil; i += b.Writers {
				// A key has one writer: of two values the later put is the last.
				key, value := c.key("t", i%b.Writers+b.Writers*((i/b.Writers)%max(1, b.Keys/b.Writers))), padded(strconv.Itoa(i), b.Size)
				if err := c.put(ctx, writer, key, value, cache.NoAcks); err != nil {
					errs[w] = err
					cancel() // the others need not go on
					return
				}
				last[w][key], final[w] = value, benchPut{key, value}
				puts.Add(1)
				counts[min(int(float64(time.Since(began))/float64(b.Duration)*benchSlices), benchSlices-1)].Add(1)
			}
		})
	}
	b.watch(end, func() { b.say("throughput: %d puts in %s of %s", puts.Load(), took(time.Since(began)), b.Duration) })
	wg.Wait()
	final = slices.DeleteFunc(final, func(p benchPut) bool { return p.key == "" }) // who came to nothing
	run.Puts, run.Seconds = int(puts.Load()), time.Since(began).Seconds()
	run.Rate = float64(run.Puts) / run.Seconds
	for i := range counts {
		run.PerSlice = append(run.PerSlice, float64(counts[i].Load())/run.SliceTime)
	}
	b.report.Throughput = run
	if err := errors.Join(errs...); err != nil {
		return err
	}
	// Changes of one service arrive in their order: with the last of each writer all have.
	giveUp := time.Now().Add(benchSetup)
	for _, peer := range b.cluster.members[1:] {
		for w := range final {
			if _, err := b.await(ctx, peer, final[w].key, final[w].value, giveUp); err != nil {
				return err
			}
		}
	}
	all := time.Since(began)
	if err := b.compare(ctx, run, last); err != nil {
		return err
	}
	if run.Lost == 0 {
		run.Arrived, run.Behind = float64(run.Puts)/all.Seconds(), all.Seconds()-run.Seconds
	}
	b.report.OK = b.report.OK && run.Lost == 0
	return nil
}

// compare asks each other service for every key that was written.
func (b *bench) compare(ctx context.Context, run *throughputRun, last []map[string]string) error {
	var lost, seen atomic.Int64
	errs := make([]error, len(last))
	for _, m := range last {
		run.Keys += len(m)
	}
	var wg sync.WaitGroup
	for w, m := range last {
		wg.Go(func() {
			for key, value := range m {
				for _, peer := range b.cluster.members[1:] {
					ok, err := b.cluster.arrived(ctx, peer, key, value)
					if err != nil {
						errs[w] = err
						return
					}
					if !ok {
						lost.Add(1)
						break
					}
				}
				seen.Add(1)
			}
		})
	}
	done, cancel := context.WithCancel(ctx)
	go func() { wg.Wait(); cancel() }()
	b.watch(done, func() { b.say("throughput: %d of %d keys compared", seen.Load(), run.Keys) })
	wg.Wait()
	run.Lost = int(lost.Load())
	return errors.Join(errs...)
}

// await asks a member until it is up to date with a put; false if it is not at
// that time.
func (b *bench) await(ctx context.Context, at *web.Client, key, value string, giveUp time.Time) (bool, error) {
	for {
		ok, err := b.cluster.arrived(ctx, at, key, value)
		if ok || err != nil || time.Now().After(giveUp) {
			return ok, err
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// watch calls show now and then until the context is over.
func (b *bench) watch(ctx context.Context, show func()) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			show()
		}
	}
}

// Percentiles are of times in milliseconds.
type percentiles struct {
	N    int       `json:"n"`
	P50  float64   `json:"p50_ms"`
	P90  float64   `json:"p90_ms"`
	P99  float64   `json:"p99_ms"`
	Max  float64   `json:"max_ms"`
	Line []float64 `json:"percents_ms"` // 0th to 100th
}

func percentilesOf(ds []time.Duration) (p percentiles) {
	if p.N = len(ds); p.N == 0 {
		return p
	}
	slices.Sort(ds)
	at := func(percent int) float64 { return float64(ds[(len(ds)-1)*percent/100]) / 1e6 }
	for i := range 101 {
		p.Line = append(p.Line, at(i))
	}
	p.P50, p.P90, p.P99, p.Max = at(50), at(90), at(99), at(100)
	return p
}

// A travelRun is how soon a put is everywhere.
type travelRun struct {
	Rate  int         `json:"puts_per_second"`
	Peers int         `json:"peers"`
	Put   percentiles `json:"put"`           // until the put had returned
	First percentiles `json:"first_service"` // … one other service had it
	All   percentiles `json:"all_services"`  // … all had it
	Late  int         `json:"never_seen"`    // puts that one of them had not within 5 s
}

func (b *bench) propagation(ctx context.Context) error {
	c, writer, peers := b.cluster, b.cluster.members[0], b.cluster.members[1:]
	run := &travelRun{Rate: b.Rate, Peers: len(peers)}
	b.report.Propagation = run
	var put, first, all []time.Duration
	defer func() { run.Put, run.First, run.All = percentilesOf(put), percentilesOf(first), percentilesOf(all) }()
	until := time.Now().Add(b.Duration)
	next := time.Now()
	for i := 0; time.Now().Before(until); i++ {
		key, value := c.key("p", i%b.Keys), padded("p"+strconv.Itoa(i), b.Size)
		if c.mode == "invalidate" {
			for _, p := range peers {
				if err := c.hold(ctx, p, key, "old"); err != nil {
					return err
				}
			}
		}
		next = next.Add(time.Second / time.Duration(b.Rate))
		time.Sleep(time.Until(next)) // late ones are not made up for: the next begins where this one ended
		seen, returned, err := b.travel(ctx, writer, peers, key, value)
		if err != nil {
			return err
		}
		if len(seen) < len(peers) {
			run.Late++
			b.report.OK = false
			continue
		}
		put, first, all = append(put, returned), append(first, seen[0]), append(all, seen[len(seen)-1])
		if i%20 == 0 {
			b.say("propagation: %d puts, %s left", i+1, time.Until(until).Round(100*time.Millisecond))
		}
	}
	return nil
}

// travel puts once, and returns when each of the others had it, soonest first,
// and when the put returned.
func (b *bench) travel(ctx context.Context, writer *web.Client, peers []*web.Client, key, value string) (seen []time.Duration, returned time.Duration, err error) {
	began := time.Now()
	at, errs := make([]time.Duration, len(peers)), make([]error, len(peers))
	var wg sync.WaitGroup
	for i, p := range peers {
		wg.Go(func() {
			ok, err := b.await(ctx, p, key, value, began.Add(reachTime))
			if errs[i] = err; ok {
				at[i] = time.Since(began)
			}
		})
	}
	err = b.cluster.put(ctx, writer, key, value, cache.NoAcks)
	returned = time.Since(began)
	wg.Wait()
	for _, d := range at {
		if d > 0 {
			seen = append(seen, d)
		}
	}
	slices.Sort(seen)
	return seen, returned, errors.Join(err, errors.Join(errs...))
}
