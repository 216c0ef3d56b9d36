// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"testing"
	"testing/synctest"
	"time"
)

// attribute is a line that sets something of a region in a node's ccf.
func attribute(region, line string) string {
	return "jcs.region." + region + ".cacheattributes." + line
}

// pair is two nodes with a value of Inv in each, cut off from each other for
// long enough for both to have noticed. With a log of a few bytes what happens
// meanwhile is a gap, else it is replayed.
func pair(c *cluster, more ...string) {
	c.t.Helper()
	for i := 1; i <= 2; i++ {
		c.own(i, more...)
	}
	c.within(time.Second, 2)
	c.local("1", "Inv", "k", "old")
	c.local("1", "Loc", "k", "old")
	c.put("2", "Rep", "k", "old")
	time.Sleep(10 * time.Millisecond)
	c.net.Partition(hostAddr(1), hostAddr(2))
	c.until(6*time.Second, "noticed", func() bool { return !c.nodes["1"].Mesh().Complete && !c.nodes["2"].Mesh().Complete })
}

func (c *cluster) heal() {
	c.t.Helper()
	c.net.HealAll()
	c.within(5*time.Second, 2)
}

// settle is how long what was missed may take to arrive, twice: the link may
// give way to one that both ends prefer.
const settle = 2 * time.Second

// Serve: what is held is served for StaleMax, then bypassed; and served again
// when the link is back and what was missed has arrived.
func TestServe(t *testing.T) {
	for _, set := range []string{"", "StaleMax=3s"} {
		inBubble(t, func(c *cluster) {
			stale := 10 * time.Second
			if set != "" {
				stale = 3 * time.Second
				pair(c, attribute("Inv", set))
			} else {
				pair(c)
			}
			c.local("1", "Inv", "fresh", "v")
			time.Sleep(stale - 10*time.Millisecond) // until polls every 5 ms
			c.expect("1", "Inv", "k", "old")
			time.Sleep(10 * time.Millisecond)
			before := c.region("1", "Inv").Stats
			c.expect("1", "Inv", "k", "")
			if v, ok, err := c.in("1", "Inv").Get(c.t.Context(), "k"); ok || err != nil {
				t.Errorf("%q, %v", v, err)
			}
			d := &database{}
			c.load("1", "Inv", "k", d, "0")
			c.load("1", "Inv", "k", d, "0")
			if after := c.region("1", "Inv").Stats; d.loads.Load() != 2 || after.Fills != before.Fills || after.Hits != before.Hits || after.Bypassed <= before.Bypassed {
				t.Errorf("%d loads, %+v", d.loads.Load(), after)
			}
			// Regions whose values travel, or that have no peers, are no worse off.
			c.expect("1", "Rep", "k", "old")
			c.expect("1", "Loc", "k", "old")
			c.remove("2", "Inv", "k")
			c.heal()
			time.Sleep(settle)
			c.expect("1", "Inv", "k", "")
			c.expect("1", "Inv", "fresh", "v")
			if st := c.region("1", "Inv").Stats; st.GapDrops != 0 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// Bypass: nothing is served from memory from the moment the link is missed.
func TestBypass(t *testing.T) {
	inBubble(t, func(c *cluster) {
		pair(c, attribute("Inv", "WhenLinkDown=bypass"))
		c.expect("1", "Inv", "k", "")
		if st := c.region("1", "Inv").Stats; st.Bypassed != 1 || st.Misses != 0 {
			t.Errorf("%+v", st)
		}
		d := &database{}
		for range 2 {
			c.load("1", "Inv", "k", d, "0")
			c.load("1", "Inv", "other", d, "0")
		}
		if n := d.loads.Load(); n != 4 {
			t.Errorf("%d loads", n)
		}
		c.remove("2", "Inv", "k")
		c.net.SetDelay(hostAddr(2), hostAddr(1), 50*time.Millisecond)
		c.heal()
		c.expect("1", "Inv", "k", "") // not even now, when the removal is on its way
		time.Sleep(settle)
		c.expect("1", "Inv", "k", "")
		c.load("1", "Inv", "other", d, "0")
		c.load("1", "Inv", "other", d, "0")
		if n := d.loads.Load(); n != 5 {
			t.Errorf("%d loads", n)
		}
	})
}

// Drop: the region is emptied when the link goes, and caches what is loaded
// since, for StaleMax.
func TestDrop(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 2; i++ {
			c.own(i, attribute("Inv", "WhenLinkDown=drop"))
		}
		c.within(time.Second, 2)
		c.local("1", "Inv", "k", "old")
		d := &database{slow: 8 * time.Second}
		loaded := make(chan struct{})
		go func() { defer close(loaded); c.load("1", "Inv", "from before", d, "0") }()
		synctest.Wait()
		c.net.Partition(hostAddr(1), hostAddr(2))
		c.until(6*time.Second, "noticed", func() bool { return !c.nodes["1"].Mesh().Complete })
		c.until(time.Second, "emptied though nobody reads", func() bool { return c.region("1", "Inv").Elements == 0 })
		<-loaded
		c.expect("1", "Inv", "k", "")
		d.slow = 0
		for range 2 {
			c.load("1", "Inv", "from before", d, "0")
		}
		if st := c.region("1", "Inv").Stats; d.loads.Load() != 2 || st.RejectedFills != 1 || st.Fills != 1 || st.GapDrops != 1 {
			t.Errorf("%d loads, %+v", d.loads.Load(), st)
		}
		time.Sleep(10 * time.Second)
		c.expect("1", "Inv", "from before", "")
		c.heal()
		time.Sleep(settle)
		c.expect("1", "Inv", "from before", "0")
		// Emptied before the first who asks, however soon that is.
		c.local("1", "Inv", "k", "old")
		c.die("2")
		synctest.Wait()
		if c.nodes["1"].Mesh().Complete {
			t.Fatal("not noticed")
		}
		c.expect("1", "Inv", "k", "")
	})
}

// A goodbye is no outage, nor is a peer that was never linked; a killed one is
// until discovery has forgotten it.
func TestGoodbyeIsNoOutage(t *testing.T) {
	for _, when := range []string{"bypass", "drop"} {
		inBubble(t, func(c *cluster) {
			for i := 1; i <= 3; i++ {
				c.own(i, attribute("Inv", "WhenLinkDown="+when), "MemberTimeout=30s", "Receive=true")
			}
			c.within(time.Second, 3)
			c.local("1", "Inv", "k", "v")
			c.stop("2")
			time.Sleep(2 * time.Second)
			c.expect("1", "Inv", "k", "v")
			c.die("3")
			synctest.Wait()
			c.expect("1", "Inv", "k", "")
			time.Sleep(time.Minute)
			c.local("1", "Inv", "new", "v")
			c.expect("1", "Inv", "k", "") // what it removed last is unknown
			c.expect("1", "Inv", "new", "v")
			if st := c.region("1", "Inv"); st.Stats.Bypassed > 1 {
				t.Errorf("%+v", st)
			}
		})
	}
}

// A node that applies nothing of what peers send misses nothing.
func TestNoOutageWithoutReceive(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1, "Receive=false", attribute("Inv", "WhenLinkDown=bypass"))
		c.own(2)
		c.within(3*time.Second, 2)
		c.local("1", "Inv", "k", "v")
		c.die("2")
		synctest.Wait()
		c.expect("1", "Inv", "k", "v")
	})
}

// What may be stale here is not told to peers that ask.
func TestBypassAnswersNoPeer(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 3; i++ {
			c.own(i, "AllowGet=true", "PutOnlyMode=false", attribute("Inv", "WhenLinkDown=bypass"))
		}
		c.within(time.Second, 3)
		c.local("1", "Inv", "k", "old")
		c.local("3", "Inv", "k3", "v")
		c.net.Partition(hostAddr(1), hostAddr(2))
		c.until(6*time.Second, "noticed", func() bool { return !c.nodes["1"].Mesh().Complete })
		c.remove("2", "Inv", "k")
		c.expect("3", "Inv", "k", "")
		c.expect("1", "Inv", "k3", "") // nor are they asked
		c.expect("3", "Inv", "k3", "v")
	})
}
