// SPDX-License-Identifier: Apache-2.0

package lateraltest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lateral"
	"lateral/cache"
)

// AssertConverged fails the test unless the nodes that run come to agree within
// two minutes: the mesh is complete, every write has been applied at every
// node, and each region whose values travel holds the same elements everywhere.
// It waits for that; in a bubble no time goes by outside. Of invalidated regions,
// which need not hold the same, it says that every removal has arrived.
//
// Elements that expire meanwhile are no difference. The program under test
// should have stopped writing.
func (c *Cluster) AssertConverged() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), convergeMax)
	defer cancel()
	for {
		why := c.unlike(ctx)
		if why == "" {
			return
		}
		select {
		case <-ctx.Done():
			c.t.Fatalf("lateraltest: after %v the nodes do not agree: %s", convergeMax, why)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// unlike says what the nodes do not agree on, "" if they agree.
func (c *Cluster) unlike(ctx context.Context) string {
	nodes := c.running()
	for _, n := range nodes {
		st := n.Mesh()
		if !st.Complete || st.Nodes != len(nodes) {
			return fmt.Sprintf("the mesh is not complete: %d of %d nodes, %d of %d links", st.Nodes, len(nodes), st.Present, st.Expected)
		}
	}
	if len(nodes) < 2 {
		return "" // a node agrees with itself
	}
	for _, n := range nodes {
		short, cancel := context.WithTimeout(ctx, 10*time.Second)
		err := n.Barrier(short)
		cancel()
		if err != nil {
			return "what was written is not applied everywhere: " + err.Error()
		}
	}
	v, err := nodes[0].Verify(ctx, "", false)
	if err != nil {
		return err.Error()
	}
	var out []string
	for _, r := range v.Regions {
		switch have := holders(nodes, r.Region); {
		case r.Verdict != cache.Equal && !local(r):
			out = append(out, verdictText(r))
		case len(r.Members) < have: // one that was just named
			out = append(out, fmt.Sprintf("region %s is held by %d nodes, of which %d know of each other", r.Region, have, len(r.Members)))
		}
	}
	return strings.Join(out, "; ")
}

// holders counts the nodes that have a region.
func holders(nodes []*lateral.Node, region string) (n int) {
	for _, node := range nodes {
		if slices.ContainsFunc(node.Status().Regions, func(r cache.RegionStatus) bool { return r.Region == region }) {
			n++
		}
	}
	return n
}

// local reports whether a region is held by one node alone: there is nothing
// that it could be compared with.
func local(r cache.RegionVerdict) bool { return r.Verdict == cache.Unknown && len(r.Members) == 1 }

// verdictText says in a line what members hold of a few keys that differ.
func verdictText(r cache.RegionVerdict) string {
	b := &strings.Builder{}
	fmt.Fprintf(b, "region %s is %s", r.Region, r.Verdict)
	for _, w := range r.Why {
		fmt.Fprintf(b, ", %s", w)
	}
	for i, d := range r.Differences {
		if i == 5 {
			fmt.Fprintf(b, ", and %d more", r.Total-i)
			break
		}
		fmt.Fprintf(b, ", key %q: %v", cache.KeyText(d.Raw), d.Held)
	}
	return b.String()
}
