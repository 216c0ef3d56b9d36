// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"slices"
	"time"
)

// ordinary is how long a question may take that only asks for what is there.
const ordinary = 30 * time.Second

const maxSamples = 1_000_000

// never is what a measure says of something that did not happen in the time given.
var never = math.Inf(1)

// A row is one figure of a measure.
type row struct {
	Name string `json:"name"`
	Unit string `json:"unit"`
	// Good says which way is better; "" is a count that makes no ratio.
	Good string `json:"better,omitempty"`
}

// A measure runs on a fresh pair and returns one figure per row.
type measure struct {
	name  string
	about string
	rows  []row
	run   func(pr *pair) ([]float64, error)
}

func measures() []measure {
	return []measure{
		{"throughput", fmt.Sprintf("%d puts of %d bytes over %d keys", *puts, *size, *keys), []row{
			{"put returns at A", "puts/s", "more"},
			{"all of them applied at B (0: never)", "puts/s", "more"},
			{"arrived at B until nothing more did", "puts/s", ""},
			{"updates that never arrived", "puts", ""},
			{"keys without their last value at B", "keys", ""},
		}, throughput},
		{"latency", fmt.Sprintf("%d puts at %d/s; told: JCS when its memory stores it, Lateral when B's acknowledgement is back at A", *samples, *rate), []row{
			{"polling reader at B, p50", "µs", "less"},
			{"polling reader at B, p99", "µs", "less"},
			{"told by the system, p50", "µs", "less"},
			{"told by the system, p99", "µs", "less"},
			{"puts that the reader never saw", "puts", ""},
		}, latency},
		{"get", fmt.Sprintf("random reads of %d keys, all present, for %v", *keys, *reading), []row{
			{"1 thread", "gets/s", "more"},
			{"2 threads", "gets/s", "more"},
		}, get},
		{"recovery", fmt.Sprintf("B killed, started anew 1 s later, A writing; given up after %v", *giveUp), []row{
			{"new B ready after its start", "s", "less"},
			{"puts of A arrive again after its start", "s", "less"},
		}, recovery},
	}
}

func throughput(pr *pair) ([]float64, error) {
	if _, err := pr.b.Ask(ordinary, "reset main"); err != nil {
		return nil, err
	}
	// B waits before A begins; what A prepares is not timed, so A's own time
	// is asked for, and its beginning is reckoned from the end.
	q := pr.b.Tell("arrived %d %d %d", *puts, quiet.Milliseconds(), longest.Milliseconds())
	wrote, err := pr.a.Ask(*longest, "fill main %d %d %d", *puts, *keys, *size)
	if err != nil {
		return nil, err
	}
	began := time.Now().Add(-time.Duration(wrote[0]))
	got, err := pr.b.Numbers(q, *longest+ordinary)
	if err != nil {
		return nil, err
	}
	took := time.Since(began) - time.Duration(got[1])
	good, err := pr.b.Ask(ordinary, "check main %d %d", *puts, *keys)
	if err != nil {
		return nil, err
	}
	if lost := int64(*puts) - got[0]; lost > 0 {
		pr.note = fmt.Sprintf("%s: %d updates never arrived; A logged %q, B %q", pr.s.name, lost, trouble(pr.a.Log), trouble(pr.b.Log))
	}
	// Where some are lost, pauses between retries are in the time: that rate
	// says little, and no ratio is made of it.
	arrived, all := float64(got[0])/took.Seconds(), 0.0
	if got[0] >= int64(*puts) {
		all = arrived
	}
	return []float64{float64(*puts) / time.Duration(wrote[0]).Seconds(), all, arrived,
		float64(int64(*puts) - got[0]), float64(int64(*keys) - good[0])}, nil
}

func latency(pr *pair) ([]float64, error) {
	seen, missing, err := polled(pr)
	if err != nil {
		return nil, err
	}
	teller := map[string]*process{"a": pr.a, "b": pr.b}[pr.s.tells]
	told, err := teller.Ask(ordinary, "told")
	if err != nil {
		return nil, err
	}
	return []float64{micros(seen, 50), micros(seen, 99), micros(told, 50), micros(told, 99), float64(missing)}, nil
}

// polled returns how long each put of A took to be seen by a reader at B that
// looks all the time, in ns, and how many it never saw.
func polled(pr *pair) (seen []int64, missing int, err error) {
	span := time.Duration(*samples) * time.Second / time.Duration(*rate)
	if _, err := pr.b.Ask(ordinary, "reset main"); err != nil {
		return nil, 0, err
	}
	q := pr.b.Tell("poll %d %d", *samples, (span + *quiet).Milliseconds())
	if _, err := pr.a.Ask(span+*giveUp+ordinary, "paced %d %d %d", *rate, *samples, *size); err != nil {
		return nil, 0, err
	}
	if seen, err = pr.b.Numbers(q, span+*quiet+ordinary); err != nil {
		return nil, 0, err
	}
	seen = slices.DeleteFunc(seen, func(n int64) bool {
		if n < 0 {
			missing++
		}
		return n < 0
	})
	return seen, missing, nil
}

// micros returns a percentile of durations in ns, in µs; the first tenth, when
// compilers and caches are cold, does not count.
func micros(ns []int64, percent int) float64 {
	ns = slices.Clone(ns[len(ns)/10:])
	if len(ns) == 0 {
		return never
	}
	slices.Sort(ns)
	return float64(ns[min(len(ns)*percent/100, len(ns)-1)]) / 1000
}

func get(pr *pair) ([]float64, error) {
	// Every key is written once, and B is let finish: it would take a core.
	if _, err := pr.b.Ask(ordinary, "reset main"); err != nil {
		return nil, err
	}
	if _, err := pr.a.Ask(*longest, "fill main %d %d %d", *keys, *keys, *size); err != nil {
		return nil, err
	}
	if _, err := pr.b.Ask(*longest+ordinary, "arrived %d %d %d", *keys, quiet.Milliseconds(), longest.Milliseconds()); err != nil {
		return nil, err
	}
	var out []float64
	for _, threads := range []int{1, 2} {
		for _, span := range []time.Duration{time.Second, *reading} { // the first warms up
			n, err := pr.a.Ask(span+ordinary, "gets %d %d %d", threads, *keys, span.Milliseconds())
			if err != nil {
				return nil, err
			}
			if n[2] > 0 {
				return nil, fmt.Errorf("%s: %d of %d gets found nothing, of keys that were all put: the rate would be of misses", pr.s.name, n[2], n[0])
			}
			if span == *reading {
				out = append(out, float64(n[0])/time.Duration(n[1]).Seconds())
			}
		}
	}
	return out, nil
}

func recovery(pr *pair) ([]float64, error) {
	if _, err := pr.a.Ask(ordinary, "beat"); err != nil {
		return nil, err
	}
	if ok, err := pr.await(50, ordinary); err != nil || !ok {
		return nil, fmt.Errorf("%s: puts did not arrive before B was killed either: %w", pr.s.name, err)
	}
	pr.b.End()
	time.Sleep(time.Second)
	began := time.Now()
	b, err := pr.s.start("b", pr.bdir)
	if err != nil {
		return nil, err
	}
	pr.b = b
	ready := time.Since(began).Seconds()
	seq, err := pr.a.Ask(ordinary, "beats")
	if err != nil {
		return nil, err
	}
	ok, err := pr.await(seq[0], *giveUp)
	if err != nil {
		return nil, err
	}
	if !ok {
		return []float64{ready, never}, nil
	}
	return []float64{ready, time.Since(began).Seconds()}, nil
}

// await waits until B sees a beat of A after seq.
func (pr *pair) await(seq int64, max time.Duration) (bool, error) {
	q := pr.b.Tell("await %d %d", seq, max.Milliseconds())
	answer, err := pr.b.Answer(q, max+ordinary)
	return answer == "yes", err
}
