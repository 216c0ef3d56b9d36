// SPDX-License-Identifier: Apache-2.0

package main

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// never and unknown are figures that are none: it did not happen in the time
// given; it is not offered.
var (
	never   = math.Inf(1)
	unknown = math.NaN()
)

// figures are those of one engine and one round, by the row's id.
type figures map[string]float64

// sizes of the values that throughput is measured with.
var sizes = []int{100, 1024}

// round measures one engine once, all on one fresh pair. What bursts do to a
// system must not be seen in the rest: they come last. Each part is warmed up: a
// JVM compiles what it has seen run.
func round(e *engine, s settings, work string) (figures, error) {
	p, err := open(e, work, 1024)
	if err != nil {
		return nil, err
	}
	defer p.end()
	f := figures{}
	if err := p.latency(s, f); err != nil {
		return nil, err
	}
	if err := p.reads(s, f); err != nil {
		return nil, err
	}
	if _, err := p.burst(s, "warm", 8, 100); err != nil {
		return nil, err
	}
	for _, size := range sizes {
		for _, writers := range []int{1, 8} {
			id := strconv.Itoa(writers) + "-" + strconv.Itoa(size)
			b, err := p.burst(s, "w"+id, writers, size)
			if err != nil {
				return nil, err
			}
			f["put"+id], f["all"+id], f["lost"+id] = b.put, b.all, b.lost
		}
	}
	return f, nil
}

type burst struct{ put, all, lost float64 }

// burst has A put as fast as it can, B holding what was before, and waits until
// B is up to date.
func (p *pair) burst(s settings, run string, writers, size int) (b burst, err error) {
	if p.e.drops || !p.e.replicates {
		if _, err := p.b.Ask(2*ordinary, "prime %d %d", s.Keys, size); err != nil { // else there is nothing to invalidate
			return b, err
		}
	}
	n, err := p.a.Ask(2*ordinary, "fill %s %d %d %d %d %d", run, writers, s.Keys, size, s.Fill.Milliseconds(), s.FillPuts)
	if err != nil {
		return b, err
	}
	took, puts, each := float64(n[0])/1e9, int64(0), make([]string, 0, writers)
	for _, x := range n[1:] {
		puts += x
		each = append(each, strconv.FormatInt(x, 10))
	}
	got, err := p.b.Ask(4*ordinary, "settle %s %d %d %d %d %d %s", run, writers, s.Keys, s.HoldQuiet.Milliseconds(), 2*ordinary.Milliseconds(), drops(p.e), strings.Join(each, " "))
	if err != nil {
		return b, err
	}
	b = burst{put: float64(puts) / took, lost: float64(got[1] - got[0]), all: never}
	if b.lost == 0 {
		b.all = float64(puts) / (took + float64(got[2])/1e9)
	}
	return b, nil
}

func drops(e *engine) int {
	if e.drops {
		return 1
	}
	return 0
}

// latency is of puts at a steady rate, which B holds the old values of.
func (p *pair) latency(s settings, f figures) error {
	for range 3 { // … which warms up
		if _, err := p.a.Ask(ordinary, "seed %d 100 2000", s.Samples); err != nil {
			return err
		}
	}
	n, err := p.b.Ask(ordinary, "ready %d 10000", s.Samples)
	if err != nil {
		return err
	}
	f["unready"] = float64(int64(s.Samples) - n[0])
	q := p.b.Tell("poll %d %d %d", s.Samples, (ordinary / 2).Milliseconds(), drops(p.e))
	puts, err := p.a.Ask(ordinary, "paced 500 %d 100", s.Samples)
	if err != nil {
		return err
	}
	seen, err := p.b.Numbers(q, 2*ordinary)
	if err != nil {
		return err
	}
	travel(puts, seen, f)
	return nil
}

// travel makes figures of the wall clock before and after each put at A, and of
// the last time B asked for and had the old value, and the first it had not.
func travel(puts, seen []int64, f figures) {
	var until, stale []float64
	missed, after := 0, 0
	for i := 0; i+1 < len(puts) && i+1 < len(seen); i += 2 {
		if seen[i+1] < 0 {
			missed++
			after++
			continue
		}
		until = append(until, float64(seen[i+1]-puts[i])/1e3)
		if late := seen[i] - puts[i+1]; late > 0 {
			after++
			stale = append(stale, float64(late)/1e3)
		}
	}
	f["fresh50"], f["fresh99"] = percentile(until, 50), percentile(until, 99)
	f["stale"] = 100 * float64(after) / float64(max(1, len(puts)/2))
	f["stalemax"] = 0
	if len(stale) > 0 {
		f["stalemax"] = slices.Max(stale)
	}
	f["unseen"] = float64(missed)
	if missed > 0 {
		f["stalemax"] = never
	}
}

func percentile(xs []float64, percent int) float64 {
	if len(xs) == 0 {
		return never
	}
	s := slices.Sorted(slices.Values(xs))
	return s[(len(s)-1)*percent/100]
}

// reads are of keys that B has in its memory.
func (p *pair) reads(s settings, f figures) error {
	if _, err := p.a.Ask(ordinary, "bulk %d 100", s.Keys); err != nil {
		return err
	}
	if _, err := p.b.Ask(ordinary, "prime %d 100", s.Keys); err != nil {
		return err
	}
	if _, err := p.b.Ask(ordinary, "gets 2 %d %d", s.Keys, s.Gets.Milliseconds()); err != nil { // warms up
		return err
	}
	for _, readers := range []int{1, 2} {
		n, err := p.b.Ask(ordinary, "gets %d %d %d", readers, s.Keys, s.Gets.Milliseconds())
		if err != nil {
			return err
		}
		f["get"+strconv.Itoa(readers)] = float64(n[0]-n[2]) / (float64(n[1]) / 1e9) // a miss is no read
	}
	return nil
}
