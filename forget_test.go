// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
)

// joinBehindPartition is a strict node that joins one of two that are cut off
// from each other, and can itself reach that one only.
func joinBehindPartition(c *cluster) {
	c.t.Helper()
	strictly(c, 2)
	c.net.Partition(hostAddr(1), hostAddr(2))
	c.net.Partition(hostAddr(3), hostAddr(2))
	time.Sleep(10 * time.Minute) // the link is down and discovery has forgotten it
	c.own(3, attribute("Inv", "Strict=true"))
	time.Sleep(settle)
	c.local("3", "Inv", "k", "old")
}

// A joiner counts whom its peers reckon with, though none of them is linked
// with it and discovery has forgotten it: it goes on removing.
func TestStrictJoinerOfAPart(t *testing.T) {
	inBubble(t, func(c *cluster) {
		joinBehindPartition(c)
		c.removal("2")
		c.never("3", time.Minute)
		var why string
		for _, l := range c.nodes["3"].Status().Endpoints[0].Leases {
			if l.Why != "" {
				why += l.ID + " " + l.Why
			}
		}
		if want := c.nodes["2"].Status().Endpoints[0].ID + " it is known and was never linked, so it may be removing (gone for good? lateral forget)"; why != want {
			t.Errorf("no lease because of %q, want %q", why, want)
		}
		c.net.HealAll()
		c.within(10*time.Second, 3)
		time.Sleep(settle)
		c.local("3", "Inv", "k", "new")
		c.expect("3", "Inv", "k", "new")
	})
}

// Who is forgotten counts on no member, and is refused by all if it lives.
func TestForget(t *testing.T) {
	inBubble(t, func(c *cluster) {
		joinBehindPartition(c)
		id := c.nodes["2"].Status().Endpoints[0].ID
		want := map[string]string{"1": "h2/s2.LTCP " + id + " strict", "3": " " + id + " strict"}
		for name, want := range want {
			if got := silent(c, name); got != want {
				t.Errorf("%s: silent are %q, want %q", name, got, want)
			}
		}
		for _, wrong := range []string{"", "h2", "h2/s2.", "h2/s2.LTC", "h1/s1.LTCP", "/"} {
			if gone, err := c.nodes["1"].Forget(wrong); !errors.Is(err, cache.ErrNoMember) || gone != nil {
				t.Errorf("forget %q: %v, %v", wrong, gone, err)
			}
		}
		c.local("1", "Inv", "k", "old")
		gone, err := c.nodes["1"].Forget("h2/s2")
		if err != nil || len(gone) != 1 || gone[0].ID != id || gone[0].Dropped != 1 {
			t.Errorf("%+v, %v", gone, err)
		}
		time.Sleep(settle)
		for name := range want {
			if got := silent(c, name); got != "" {
				t.Errorf("%s: silent are %q", name, got)
			}
			c.expect(name, "Inv", "k", "") // what 2 may have removed
			c.local(name, "Inv", "k", "new")
			c.expect(name, "Inv", "k", "new")
		}
		if took := c.removal("3"); took != 0 {
			t.Errorf("a removal takes %v", took)
		}
		c.net.HealAll()
		time.Sleep(time.Minute)
		if st := c.nodes["2"].Status(); len(st.Endpoints[0].Links) != 0 {
			t.Errorf("2 is linked: %+v", st.Endpoints[0].Links)
		}
		c.local("1", "Inv", "k", "served")
		c.expect("1", "Inv", "k", "served")
		c.stop("2")
		c.own(2, attribute("Inv", "Strict=true"))
		c.within(5*time.Second, 3)
		time.Sleep(settle)
		c.local("1", "Inv", "k", "new")
		c.expect("1", "Inv", "k", "new")
	})
}

// silent is whom a node waits for.
func silent(c *cluster, name string) string {
	var all []string
	for _, s := range c.nodes[name].Silent() {
		text := s.Name + " " + s.ID
		if s.Strict {
			text += " strict"
		}
		all = append(all, text)
	}
	return strings.Join(all, ", ")
}

// What is removed after a silent member was forgotten is not remembered for it.
func TestForgetFreesRemovals(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 3; i++ {
			c.own(i)
		}
		c.within(time.Second, 3)
		c.kill("3")
		synctest.Wait()
		c.put("1", "Rep", "k", "v")
		c.remove("1", "Rep", "k")
		time.Sleep(10 * time.Minute)
		stones := func(name string) int { return c.region(name, "Rep").Tombstones }
		if stones("1") == 0 || stones("2") == 0 {
			t.Fatal("the removal is not remembered")
		}
		believed := func(name string) int { return len(c.nodes[name].Status().Endpoints[0].Members) }
		c.own(4)
		c.within(5*time.Second, 3)
		c.kill("4")
		synctest.Wait()
		if n := believed("2"); n != 3 {
			t.Errorf("%d members, of whom one was killed just now", n)
		}
		for _, gone := range []string{"h3/s3.LTCP", "h4/s4"} {
			if _, err := c.nodes["2"].Forget(gone); err != nil {
				t.Fatal(err)
			}
		}
		if n := believed("2"); n != 2 {
			t.Errorf("%d members after one was forgotten", n)
		}
		c.until(time.Minute, "nobody remembers it", func() bool { return stones("1") == 0 && stones("2") == 0 })
	})
}
