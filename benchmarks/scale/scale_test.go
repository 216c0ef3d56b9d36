// SPDX-License-Identifier: Apache-2.0

//go:build unix && !race

package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// counts is what a cluster of some size costs each node, in numbers that do
// not depend on the machine: time is virtual, the network is in memory and takes none.
type counts struct {
	nodes        int
	formed       time.Duration
	made         float64 // links that came up while it formed, of those that are kept
	told         float64 // bytes that a node had read until it was at rest
	frames       float64 // that a node reads in a second at rest
	bytes        float64
	made0        float64 // bytes that it allocates in a second at rest
	goroutines   float64 // of a node
	memory       float64 // of a node: heap and stacks
	allocs       float64 // of one put, in all nodes, for each peer
	joined       time.Duration
	healed, took time.Duration // after half of the nodes were cut off; took is the time of the machine
}

// watched is how long a cluster may settle, and then is watched.
const watched = 5 * time.Second

func count(t *testing.T, mode string, nodes int, faults bool) (r counts) {
	began := realNow()
	synctest.Test(t, func(t *testing.T) {
		c := inMemory(mode)
		defer c.close()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		before, idle := memory(), runtime.NumGoroutine()
		formed, err := c.form(ctx, nodes, 0)
		if err != nil {
			t.Fatal(err)
		}
		each := float64(nodes)
		r = counts{nodes: nodes, formed: formed, made: float64(c.links.ever) / each / (each - 1)}
		time.Sleep(watched)
		r.memory = float64(memory()-before) / each
		r.goroutines = float64(runtime.NumGoroutine()-idle) / each
		_, r.told = c.total()
		r.told /= each
		var a, b runtime.MemStats
		f0, b0 := c.total()
		runtime.ReadMemStats(&a)
		time.Sleep(watched)
		runtime.ReadMemStats(&b)
		f1, b1 := c.total()
		per := each * watched.Seconds()
		r.frames, r.bytes, r.made0 = (f1-f0)/per, (b1-b0)/per, float64(b.TotalAlloc-a.TotalAlloc)/per
		r.allocs = c.putAllocs(t) / (each - 1)
		if st := c.nodes[0].Mesh(); !st.Complete || st.Present != nodes*(nodes-1)/2 {
			t.Errorf("%d of %d links are there by the first node's word", st.Present, st.Expected)
		}
		if faults {
			r.joined, r.healed = c.faults(ctx, t)
		}
	})
	r.took = realNow() - began
	return r
}

// faults has one more node join, then cuts half of the nodes off for 20 s.
func (c *cluster) faults(ctx context.Context, t *testing.T) (joined, healed time.Duration) {
	began := time.Now()
	if err := c.start(ctx); err != nil {
		t.Fatal(err)
	}
	joined, err := c.linked(ctx, began)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.nodes {
		for j := range c.nodes {
			if i%2 != j%2 {
				c.net.Block(addr(i+1), addr(j+1))
			}
		}
	}
	time.Sleep(20 * time.Second)
	if c.nodes[0].Mesh().Complete {
		t.Error("nobody misses the other half")
	}
	c.net.HealAll()
	if healed, err = c.linked(ctx, time.Now()); err != nil {
		t.Fatal(err)
	}
	return joined, healed
}

// putAllocs is how much is allocated by all until a put is everywhere.
func (c *cluster) putAllocs(t *testing.T) float64 {
	const puts = 20
	synctest.Wait()
	var a, b runtime.MemStats
	runtime.ReadMemStats(&a)
	for i := range puts {
		if err := c.put(t.Context(), fmt.Sprint("key", i), 100); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	runtime.ReadMemStats(&b)
	return float64(b.Mallocs-a.Mallocs) / puts
}

// Nothing that a node has or does grows worse than the number of its peers. The
// increase from 50 to 100 nodes is compared with that from 10 to 50: what is
// proportional to peers has the same for each, what is to pairs 2.5 times as much.
// LATERAL_SCALE="invalidate 300" counts another cluster instead, and prints it,
// "faultless" without faults.
func TestScale(t *testing.T) {
	if s := os.Getenv("LATERAL_SCALE"); s != "" {
		figures(t, strings.Fields(s))
		return
	}
	if testing.Short() {
		t.Skip("it takes 10 s")
	}
	var at []counts
	for _, n := range []int{10, 50, 100} {
		at = append(at, count(t, replicate, n, false))
	}
	for _, m := range []struct {
		what string
		of   func(counts) float64
		most float64
	}{
		{"goroutines", func(c counts) float64 { return c.goroutines }, 1.1},
		{"frames a second at rest", func(c counts) float64 { return c.frames }, 1.2},
		{"bytes a second at rest", func(c counts) float64 { return c.bytes }, 1.2},
		{"bytes allocated a second at rest", func(c counts) float64 { return c.made0 }, 1.5},
		{"memory", func(c counts) float64 { return c.memory }, 1.5},
		{"allocations of a put", func(c counts) float64 { return c.allocs * float64(c.nodes-1) }, 1.2},
	} {
		few := (m.of(at[1]) - m.of(at[0])) / 40
		many := (m.of(at[2]) - m.of(at[1])) / 50
		t.Logf("%-32s %12.1f %12.1f %12.1f: %10.1f per peer, then %10.1f (%.2f, at most %.1f)",
			m.what, m.of(at[0]), m.of(at[1]), m.of(at[2]), few, many, many/few, m.most)
		if many > few*m.most {
			t.Errorf("%s of a node: %.1f of 10, %.1f of 50, %.1f of 100 nodes: worse than linear", m.what, m.of(at[0]), m.of(at[1]), m.of(at[2]))
		}
	}
	for _, c := range at {
		if c.made > 1.05 {
			t.Errorf("%d nodes made %.2f times as many links as they kept", c.nodes, c.made)
		}
	}
}

const heading = "mode       nodes   formed  links made/kept   read until at rest   at rest, each second: frames    bytes  allocated   goroutines     memory   allocations/put/peer     join     heal  (took)"

func figures(t *testing.T, what []string) {
	mode, faults := replicate, true
	fmt.Println(heading)
	for _, f := range what {
		n, err := strconv.Atoi(f)
		switch {
		case f == "faultless":
			faults = false
			continue
		case err != nil:
			mode = f
			continue
		}
		c := count(t, mode, n, faults)
		fmt.Printf("%-10s %5d %8v %16.2f %16.1f KiB %30.1f %8.0f %6.1f KiB %12.1f %6.2f MiB %22.2f %8v %8v  (%v)\n", mode, c.nodes, c.formed.Round(time.Millisecond),
			c.made, c.told/1024, c.frames, c.bytes, c.made0/1024, c.goroutines, c.memory/1024/1024, c.allocs,
			c.joined.Round(time.Millisecond), c.healed.Round(time.Millisecond), c.took.Round(100*time.Millisecond))
	}
}
