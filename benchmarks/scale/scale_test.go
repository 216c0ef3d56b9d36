// SPDX-License-Identifier: Apache-2.0

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
// not depend on the machine: time is virtual.
type counts struct {
	nodes      int
	formed     time.Duration
	ends       int     // of links that came up while it formed, per pair 2
	formIn     float64 // bytes that a node read until then
	frames     float64 // a second at rest, per node
	bytes      float64
	goroutines float64 // per node
	memory     float64 // bytes in use, per node
	allocs     float64 // of a put, per peer
}

func (c counts) String() string {
	return fmt.Sprintf("%5d  %8v  %6.2f  %10.1f  %8.1f  %9.0f  %8.1f  %9.0f  %8.2f", c.nodes, c.formed.Round(time.Millisecond),
		float64(c.ends)/float64(c.nodes*(c.nodes-1)), c.formIn/1024, c.frames, c.bytes, c.goroutines, c.memory/1024, c.allocs)
}

const heading = "nodes    formed  ends/1  formed KiB  frames/s    bytes/s  goroutin  memory KiB  allocs/put/peer"

// window is for how long a cluster is watched at rest.
const window = 10 * time.Second

func count(t *testing.T, mode string, nodes int) (r counts) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		wall := realNow()
		c := inMemory(mode)
		defer c.close()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		before, idle := memory(), runtime.NumGoroutine()
		formed, err := c.form(ctx, nodes)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d nodes formed, wall %v", nodes, realNow()-wall)
		r = counts{nodes: nodes, formed: formed, ends: c.links.ever}
		time.Sleep(window)
		_, b := c.total()
		r.formIn = b / float64(nodes)
		r.memory = float64(memory()-before) / float64(nodes)
		r.goroutines = float64(runtime.NumGoroutine()-idle) / float64(nodes)
		f0, b0 := c.total()
		time.Sleep(window)
		f1, b1 := c.total()
		r.frames, r.bytes = (f1-f0)/float64(nodes)/window.Seconds(), (b1-b0)/float64(nodes)/window.Seconds()
		r.allocs = c.putAllocs(t) / float64(nodes-1)
		if st := c.nodes[0].Mesh(); !st.Complete || st.Present != nodes*(nodes-1)/2 {
			t.Errorf("%d of %d links are there by the first node's word", st.Present, st.Expected)
		}
		t.Logf("virtual %v, wall %v", time.Since(began), realNow()-wall)
	})
	return r
}

// putAllocs is how much is allocated by all until a put is everywhere.
func (c *cluster) putAllocs(t *testing.T) float64 {
	const puts = 20
	synctest.Wait()
	var a, b runtime.MemStats
	runtime.ReadMemStats(&a)
	for i := range puts {
		if err := put(t.Context(), c.nodes[0], fmt.Sprint("key", i), 100); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
	}
	runtime.ReadMemStats(&b)
	return float64(b.Mallocs-a.Mallocs) / puts
}

func TestScale(t *testing.T) {
	mode, sizes := replicate, []int{10, 50, 100}
	if s := os.Getenv("LATERAL_SCALE"); s != "" {
		sizes = nil
		for f := range strings.FieldsSeq(s) {
			n, err := strconv.Atoi(f)
			if err != nil {
				mode = f
				continue
			}
			sizes = append(sizes, n)
		}
	}
	var all []counts
	for _, n := range sizes {
		all = append(all, count(t, mode, n))
	}
	fmt.Println(heading)
	for _, c := range all {
		fmt.Println(c)
	}
}
