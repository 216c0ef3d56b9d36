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

// unseen has node 1 write k of Rep so that 3 holds "old", 4 what came second
// and 2 nothing, and die. It returns when that is noticed; the survivors are
// far from each other, so it takes them a while to compare what they have.
func unseen(c *cluster, second cache.Command, lines ...string) {
	c.t.Helper()
	for i := 1; i <= 4; i++ {
		c.own(i, lines...)
	}
	c.within(time.Second, 4)
	c.slow(900*time.Millisecond, 1, 2)
	c.put("1", "Rep", "k", "old")
	time.Sleep(10 * time.Millisecond)
	c.slow(900*time.Millisecond, 1, 3)
	second.Region = "Rep"
	do(c, "1", second)
	time.Sleep(10 * time.Millisecond)
	c.slow(0, 1, 2, 3)
	c.slow(far, 2, 3, 4)
	c.slow(far, 3, 2, 4)
	c.slow(far, 4, 2, 3)
	c.kill("1")
	c.until(time.Second, "missed", func() bool { return len(c.nodes["2"].Status().Endpoints[0].Links) == 2 })
}

// far is how long anything takes between survivors.
const far = 50 * time.Millisecond

// newer is a second write to be unseen.
var newer = cache.Command{Op: cache.Put, Key: "k", Value: cache.Value{Bytes: "new"}}

// A miss in a region of sessions asks all peers, whatever AllowGet says, and
// takes the newest answer; elsewhere it asks nobody.
func TestMissAsksPeers(t *testing.T) {
	const trip = far + 60*time.Millisecond
	inBubble(t, func(c *cluster) {
		unseen(c, newer, sessionRegion, "AllowGet=false")
		c.slow(trip-far, 4, 2) // so that "old" comes first
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
		unseen(c, newer, "AllowGet=false")
		c.expect("2", "Rep", "k", "")
	})
}

// A removal that any peer knows of counts among the answers, one that is known
// here is final.
func TestMissHearsOfRemovals(t *testing.T) {
	for _, what := range []cache.Command{{Op: cache.Remove, Key: "k"}, {Op: cache.RemoveAll}} {
		inBubble(t, func(c *cluster) {
			unseen(c, what, sessionRegion)
			c.expect("3", "Rep", "k", "old") // which has not heard of it
			c.expect("2", "Rep", "k", "")
			c.expect("3", "Rep", "k", "old")
		})
	}
	inBubble(t, func(c *cluster) {
		c.own(1, sessionRegion)
		c.own(2, sessionRegion)
		c.within(time.Second, 2)
		c.put("1", "Rep", "k", "v")
		c.remove("1", "Rep", "k")
		time.Sleep(100 * time.Millisecond) // less than a removal is remembered for
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
		unseen(c, newer, sessionRegion)
		c.local("4", "Rep", "k", "aside")
		c.local("3", "Rep", "other", "aside")
		c.expect("2", "Rep", "k", "old")
		c.expect("2", "Rep", "other", "")
	})
}
