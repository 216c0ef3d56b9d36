// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
)

// A Result is what came of a plan.
type Result struct {
	Broken  []string // promises that were not kept; none: all is well
	Trace   uint64   // of all that was done and seen, in order
	Settled time.Duration
	Ops     int
	History []string // what applications did
}

// trace sums up a run.
type trace struct{ sum uint64 }

func (t *trace) add(s string) {
	h := fnv.New64a()
	fmt.Fprint(h, t.sum, s)
	t.sum = h.Sum64()
}

// Run carries a plan out, in a bubble of its own, and judges it. w, if not
// nil, is where the nodes log.
func Run(t *testing.T, p *Plan, w io.Writer) (r Result) {
	log := slog.New(slog.DiscardHandler)
	if w != nil {
		log = slog.New(slog.NewTextHandler(w, nil))
	}
	seedRuntime(p.Seed)
	synctest.Test(t, func(*testing.T) {
		c := newCluster(p, log)
		defer c.close()
		for _, s := range p.Steps {
			time.Sleep(s.At - c.now())
			c.notice()
			if s.isOp() {
				c.acting.Go(func() { c.act(s) })
			} else if s.Verb == "start" && c.at(s.node(0)) != nil {
				continue // two faults drawn for one node
			} else if err := c.fault(s); err != nil {
				c.breaks("step %q: %v", s, err)
			}
		}
		time.Sleep(p.End - c.now())
		c.calm()
		c.acting.Wait()
		r.Settled = c.settle()
		c.judge()
		c.mu.Lock()
		defer c.mu.Unlock()
		r.Broken, r.Trace, r.Ops = c.broken, c.trace.sum, len(c.ops)
		if len(r.Broken) > 0 {
			for _, o := range c.ops {
				r.History = append(r.History, o.String())
			}
		}
	})
	return r
}

// calm ends every fault.
func (c *cluster) calm() {
	c.net.HealAll()
	for i := range c.hosts {
		c.hosts[i].slow.Store(0)
		for j := range c.hosts {
			if i > 0 && j > 0 {
				c.net.SetDelay(c.hosts[i].addr, c.hosts[j].addr, time.Millisecond)
			}
		}
	}
}

// quiet is how long a cluster may take to be of one mind after all is healed:
// links are noticed and dialled anew, and what was missed comes from the log or
// by a sync. Where a writer has ended, and what it wrote last is with some only,
// the comparison that every pair makes once a minute (between 30 and 90 s)
// has to come round, for a chain of two.
func (p *Plan) quiet() time.Duration {
	q := p.Set.LinkTimeout + 15*time.Second
	if slices.ContainsFunc(p.Steps, func(s Step) bool { return s.Verb == "crash" || s.Verb == "exit" || s.Verb == "stop" }) {
		q += 2 * 90 * time.Second
	}
	return q
}

// settle waits until all nodes agree, and says how long that took.
func (c *cluster) settle() time.Duration {
	began := c.now()
	for step := 50 * time.Millisecond; ; step = min(2*step, 2*time.Second) {
		time.Sleep(step)
		why := c.differs(false)
		if why == "" {
			return c.now() - began
		}
		if c.now()-began > c.p.quiet() {
			if c.heldBack() {
				why = c.differs(true)
			}
			if why != "" {
				c.breaks("convergence: %v after all is healed %s", c.now()-began, why)
			}
			return c.now() - began
		}
	}
}

// heldBack reports whether somebody who is not there, silent or expected, keeps
// the nodes from forgetting removals. Then they may remember different ones
// for the whole retention, and the room that these take in the bounded region
// is not the same: not promised, see docs/coherence.md.
func (c *cluster) heldBack() bool {
	return slices.ContainsFunc(c.alive(), func(l *life) bool {
		st := l.node.Status().Endpoints[0].Stable
		return st.Holder != "" && !st.Linked
	})
}

// differs says what keeps the nodes from being of one mind; "" is nothing. What
// the bounded region holds may be left out.
func (c *cluster) differs(butBounded bool) string {
	nodes := c.alive()
	pairs := c.links()
	for i, a := range nodes {
		for _, b := range nodes[i+1:] {
			if n := pairs[[2]int{a.host, b.host}]; n != 1 {
				return fmt.Sprintf("%s and %s have %d connections", a, b, n)
			}
		}
	}
	for _, r := range c.p.Set.Regions {
		if !replicated(r) || len(nodes) < 2 || butBounded && r == "Top" {
			continue
		}
		first := c.contents(nodes[0], r)
		for _, l := range nodes[1:] {
			if why := unlike(first, c.contents(l, r)); why != "" {
				return fmt.Sprintf("%s of %s and %s is not the same: %s", r, nodes[0], l, why)
			}
		}
	}
	return c.digestsDiffer(nodes)
}

// digestsDiffer compares them, removals included. While a member is silent that
// may be alive, each node remembers the removals since the time up to which it
// knows that all have them, and these times differ.
func (c *cluster) digestsDiffer(nodes []*life) string {
	type sum struct {
		digest  string
		waiting bool
	}
	first := map[string]sum{}
	for _, l := range nodes {
		st := l.node.Status()
		silent := false
		for _, e := range st.Endpoints {
			silent = silent || e.Stable.Holder != "" && !e.Stable.Linked
		}
		for _, r := range st.Regions {
			waiting := silent && r.Tombstones > 0
			if d, ok := first[r.Region]; !ok {
				first[r.Region] = sum{r.Digest, waiting}
			} else if d.digest != r.Digest && !waiting && !d.waiting {
				return fmt.Sprintf("%s of %s and %s has the same elements and another digest", r.Region, nodes[0], l)
			}
		}
	}
	return ""
}

// contents are the live elements of a node's region.
func (c *cluster) contents(l *life, region string) []cache.Element {
	rep, err := l.node.Do(c.ctx(), cache.Command{Op: cache.GetMatching, Region: region})
	if err != nil {
		c.breaks("%s of %s cannot be read: %v", region, l, err)
	}
	return rep.Elements
}

// unlike says in what two contents differ.
func unlike(a, b []cache.Element) string {
	for i := range max(len(a), len(b)) {
		switch {
		case i >= len(a):
			return fmt.Sprintf("%s is missing at the first", cache.KeyText(b[i].Key))
		case i >= len(b):
			return fmt.Sprintf("%s is missing at the other", cache.KeyText(a[i].Key))
		case a[i].Key != b[i].Key || a[i].Stamp != b[i].Stamp || a[i].Value.Bytes != b[i].Value.Bytes:
			return fmt.Sprintf("%s=%.20q %s, %s=%.20q %s", cache.KeyText(a[i].Key), a[i].Value.Bytes, a[i].Stamp,
				cache.KeyText(b[i].Key), b[i].Value.Bytes, b[i].Stamp)
		}
	}
	return ""
}
