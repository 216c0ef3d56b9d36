// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// schedulesEnv says how many schedules TestSchedules runs, in processes of
// one core each; seedEnv runs one and says everything about it, or all from one
// to another (1-99) and tells of those that broke.
const (
	schedulesEnv = "LATERAL_SCHEDULES"
	seedEnv      = "LATERAL_SEED"
)

// TestSchedules runs clusters through faults drawn from seeds.
func TestSchedules(t *testing.T) {
	if text := os.Getenv(seedEnv); text != "" {
		first, last, many := strings.Cut(text, "-")
		from, err := strconv.ParseUint(first, 0, 64)
		to := from
		if err == nil && many {
			to, err = strconv.ParseUint(last, 0, 64)
		}
		if err != nil || to < from {
			t.Fatalf("%s=%s: want a number or two, as in 4711 or 1-99: %v", seedEnv, text, err)
		}
		children(t, build(t), orders{From: from, Count: to - from + 1, Traces: !many}, func(r report) { tellSchedule(t, r) })
		return
	}
	if text := os.Getenv(schedulesEnv); text != "" {
		count, err := strconv.ParseUint(text, 0, 64)
		if err != nil {
			t.Fatalf("%s=%s: %v", schedulesEnv, text, err)
		}
		manySchedules(t, count)
		return
	}
	// A few, in this process: with its own runtime they are not repeated
	// exactly by their seeds.
	for seed := uint64(1); seed <= few; seed++ {
		p := Make(seed)
		if r := Run(t, p, nil); len(r.Broken) > 0 {
			tellSchedule(t, report{Seed: seed, Broken: r.Broken, Plan: p.String(), History: r.History})
			break
		}
	}
	t.Logf("%d schedules; %s=100000 runs as many", few, schedulesEnv)
}

func tellSchedule(t *testing.T, r report) {
	if r.Seed == 0 && r.Plan == "" {
		return
	}
	say := t.Logf
	if len(r.Broken) > 0 {
		say = t.Errorf
	}
	say("seed %d (%s=%d repeats it)\n%s\n%s\nwhat applications did:\n%s", r.Seed, seedEnv, r.Seed, strings.Join(r.Broken, "\n"), r.Plan, strings.Join(r.History, "\n"))
}

func manySchedules(t *testing.T, count uint64) {
	binary := build(t)
	began, last := time.Now(), time.Now()
	sum := report{Faults: map[string]int{}}
	children(t, binary, orders{From: 1, Count: count, Stop: true}, func(r report) {
		tellSchedule(t, r)
		sum.Ran += r.Ran
		sum.Ops += r.Ops
		sum.Slowest = max(sum.Slowest, r.Slowest)
		for k, n := range r.Faults {
			sum.Faults[k] += n
		}
		if time.Since(last) > 10*time.Second {
			last = time.Now()
			progress("%d of %d schedules, %.0f per second", sum.Ran, count, float64(sum.Ran)/time.Since(began).Seconds())
		}
	})
	progress("%d schedules in %v (%.0f per second): %d operations; the slowest was of one mind %v after it was healed",
		sum.Ran, time.Since(began).Round(time.Second), float64(sum.Ran)/time.Since(began).Seconds(), sum.Ops, sum.Slowest)
	for _, k := range slices.Sorted(maps.Keys(sum.Faults)) {
		progress("  %-22s %d", k, sum.Faults[k])
	}
}

// progress goes past go test's buffer.
func progress(format string, args ...any) { fmt.Fprintf(os.Stderr, "sim: "+format+"\n", args...) }

// TestSeedRepeats wants a seed to repeat its run exactly, in whatever process
// and after whatever other runs.
func TestSeedRepeats(t *testing.T) {
	if os.Getenv(schedulesEnv) == "" {
		t.Skipf("it builds the Go runtime anew: run it with %s", schedulesEnv)
	}
	binary := build(t)
	const count = 400
	forth, back := map[uint64]uint64{}, map[uint64]uint64{}
	for _, way := range []struct {
		o  orders
		to map[uint64]uint64
	}{{orders{From: 1, Step: 1, Count: count, Traces: true}, forth}, {orders{From: count, Step: 1<<64 - 1, Count: count, Traces: true}, back}} {
		if err := child(t.Context(), binary, way.o, func(r report) {
			if r.Plan != "" {
				way.to[r.Seed] = r.Trace
			}
		}); err != nil {
			t.Fatal(err)
		}
	}
	for seed := uint64(1); seed <= count; seed++ {
		if forth[seed] == 0 || forth[seed] != back[seed] {
			t.Errorf("seed %d: %x and %x", seed, forth[seed], back[seed])
		}
	}
}
