// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"sync"
	"testing"
	"time"

	"lateral/cache"
)

// sessionRegion makes Rep one of sessions.
var sessionRegion = attribute("Rep", "Acks=1")

// slow delays what travels from one host to others.
func (c *cluster) slow(d time.Duration, from int, to ...int) {
	for _, n := range to {
		c.net.SetDelay(hostAddr(from), hostAddr(n), d)
	}
}

// unseen has node 1 write k of Rep so that 3 holds "old", 4 holds "new" and 2
// nothing, and die.
func unseen(c *cluster, lines ...string) {
	c.t.Helper()
	for i := 1; i <= 4; i++ {
		c.own(i, lines...)
	}
	c.within(time.Second, 4)
	c.slow(900*time.Millisecond, 1, 2)
	c.put("1", "Rep", "k", "old")
	time.Sleep(10 * time.Millisecond)
	c.slow(900*time.Millisecond, 1, 3)
	c.put("1", "Rep", "k", "new")
	time.Sleep(10 * time.Millisecond)
	c.slow(0, 1, 2, 3)
	c.kill("1")
	c.until(time.Second, "missed", func() bool { return len(c.nodes["2"].Status().Endpoints[0].Links) == 2 })
}

// A miss in a region of sessions asks all peers, whatever AllowGet says, and
// takes the newest answer; elsewhere it asks nobody.
func TestMissAsksPeers(t *testing.T) {
	const trip = 20 * time.Millisecond
	inBubble(t, func(c *cluster) {
		unseen(c, sessionRegion, "AllowGet=false")
		c.slow(trip, 4, 2) // so that "old" comes first
		began := time.Now()
		c.expect("2", "Rep", "k", "new")
		if took := time.Since(began); took != trip {
			c.t.Errorf("found after %v", took)
		}
		began = time.Now()
		c.expect("2", "Rep", "k", "new")
		if took := time.Since(began); took != 0 {
			c.t.Errorf("found again after %v: it was not kept", took)
		}
		var all sync.WaitGroup
		asked := c.region("3", "Rep").Stats.Misses
		for range 100 {
			all.Go(func() { c.expect("2", "Rep", "none", "") })
		}
		all.Wait()
		if took := time.Since(began); took != trip {
			c.t.Errorf("a miss everywhere took %v", took)
		}
		if n := c.region("3", "Rep").Stats.Misses - asked; n != 1 {
			c.t.Errorf("100 misses of one key at once asked %d times", n)
		}
	})
	inBubble(t, func(c *cluster) {
		unseen(c, "AllowGet=false")
		c.expect("2", "Rep", "k", "")
	})
}

// A removal that any peer knows of counts among the answers, one that is known
// here is final.
func TestMissHearsOfRemovals(t *testing.T) {
	for _, what := range []cache.Command{{Op: cache.Remove, Key: "k"}, {Op: cache.RemoveAll}} {
		inBubble(t, func(c *cluster) {
			unseen(c, sessionRegion)
			what.Region, what.Acks = "Rep", cache.NoAcks
			c.slow(500*time.Millisecond, 4, 2, 3)
			do(c, "4", what) // 3 holds "old", and has not heard of it
			c.slow(0, 4, 2)
			began := time.Now()
			c.expect("2", "Rep", "k", "")
			if time.Since(began) >= time.Second {
				c.t.Error("the one who knows was not heard")
			}
		})
	}
	inBubble(t, func(c *cluster) {
		c.own(1, sessionRegion)
		c.own(2, sessionRegion)
		c.within(time.Second, 2)
		c.put("1", "Rep", "k", "v")
		c.remove("1", "Rep", "k")
		time.Sleep(time.Second)
		c.slow(10*time.Millisecond, 1, 2)
		began := time.Now()
		c.expect("2", "Rep", "k", "")
		if took := time.Since(began); took != 0 {
			c.t.Errorf("a known removal is asked about for %v", took)
		}
	})
}

// What a node put for itself alone is not told to peers that ask.
func TestMissLeavesAsides(t *testing.T) {
	inBubble(t, func(c *cluster) {
		unseen(c, sessionRegion)
		c.local("4", "Rep", "k", "aside")
		c.local("3", "Rep", "other", "aside")
		c.expect("2", "Rep", "k", "old")
		c.expect("2", "Rep", "other", "")
	})
}
