// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/cache"
)

// A process that is stopped between its look into memory and its answer does
// not serve what it saw, even though it holds leases again by then.
func TestStrictWakesUp(t *testing.T) {
	inBubble(t, func(c *cluster) {
		strictly(c, 2)
		if r := c.in("1", "Inv"); !lateral.Stopped(r, func() {}) || lateral.Stopped(r, func() { time.Sleep(lease) }) || !lateral.Stopped(r, func() {}) {
			t.Error("a lease of later counts for what was read before, or none does")
		}
	})
}

// A member that is stopped answers nothing and asks nothing; when it goes on,
// what arrives meanwhile is dealt with first. Its removal waits, too.
func TestStrictStopped(t *testing.T) {
	inBubble(t, func(c *cluster) {
		strictly(c, 2)
		c.net.Partition(hostAddr(1), hostAddr(2))
		if took := c.removal("1"); took > waits || took < lease/2 {
			t.Errorf("the removal took %v", took)
		}
		c.expect("2", "Inv", "k", "")
		if took := c.removal("2"); took > lease { // its own leases ran from before
			t.Errorf("the removal of who was stopped took %v", took)
		}
		c.heal()
		c.expect("2", "Inv", "k", "")
	})
}

// A killed member is waited for at most a lease, and nobody serves until its
// successor is there; then from an empty memory, since what the dead one
// removed last is unknown. One that takes its leave is missed by nobody.
func TestStrictRestart(t *testing.T) {
	inBubble(t, func(c *cluster) {
		strictly(c, 3)
		c.stop("3")
		synctest.Wait()
		time.Sleep(50 * time.Millisecond) // rows that still speak of it
		c.expect("1", "Inv", "k", "old")
		if took := c.removal("1"); took != 0 {
			t.Errorf("waited %v for who had left", took)
		}
		c.local("1", "Inv", "k", "older")
		c.kill("2")
		synctest.Wait()
		c.expect("1", "Inv", "k", "")
		if took := c.removal("1"); took > waits {
			t.Errorf("waited %v for who was killed", took)
		}
		c.local("1", "Inv", "k", "older")
		time.Sleep(10 * time.Minute) // forgotten by discovery, and yet it may be alive and removing
		c.local("1", "Inv", "k", "older")
		c.expect("1", "Inv", "k", "")
		c.local("1", "Inv", "k2", "old")
		c.own(2, attribute("Inv", "Strict=true"))
		c.within(time.Second, 2)
		time.Sleep(settle)
		c.expect("1", "Inv", "k2", "")
		d := &database{}
		c.load("1", "Inv", "k", d, "0")
		c.expect("1", "Inv", "k", "0")
		if took := c.removal("2"); took != 0 {
			t.Errorf("the removal took %v", took)
		}
	})
}

// Who joins while a removal waits holds nothing old when that returns, and a
// removal of his own waits until he knows the others.
func TestStrictJoin(t *testing.T) {
	inBubble(t, func(c *cluster) {
		strictly(c, 2)
		c.net.Partition(hostAddr(1), hostAddr(2))
		removed := make(chan time.Duration)
		d := &database{}
		go func() {
			began := time.Now()
			if err := c.in("1", "Inv").Update(c.t.Context(), "k", d.commit); err != nil {
				t.Error(err)
			}
			removed <- time.Since(began)
		}()
		synctest.Wait()
		c.own(3, attribute("Inv", "Strict=true"))
		for over := false; !over; {
			got, err := c.in("3", "Inv").GetOrLoad(c.t.Context(), "k", d.load)
			if err != nil || got != "0" && d.value.Load() == 0 {
				t.Errorf("%q, %v", got, err)
			}
			select {
			case took := <-removed:
				over = true
				if took > waits {
					t.Errorf("took %v", took)
				}
			case <-time.After(time.Millisecond):
			}
		}
		for range 5000 {
			c.load("3", "Inv", "k", d, "1")
			c.load("1", "Inv", "k", d, "1")
			time.Sleep(time.Millisecond)
		}
		c.net.HealAll()
		c.within(5*time.Second, 3)
		time.Sleep(settle)
		c.expect("3", "Inv", "k", "1")
		c.local("1", "Inv", "k", "old")
		c.own(4, attribute("Inv", "Strict=true"))
		if err := c.in("4", "Inv").Remove(c.t.Context(), "k"); err != nil {
			t.Error(err)
		}
		c.expect("1", "Inv", "k", "")
	})
}

// A member that is known and cannot be linked: neither serves, and a removal
// does not pretend.
func TestStrictStrangers(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.net.Partition(hostAddr(2), hostAddr(3))
		for i := 1; i <= 3; i++ {
			c.own(i, attribute("Inv", "Strict=true"))
		}
		time.Sleep(time.Minute)
		for name, want := range map[string]string{"1": "v", "2": "", "3": ""} {
			c.local(name, "Inv", "k", "v")
			c.expect(name, "Inv", "k", want)
		}
		began := time.Now()
		err := c.in("2", "Inv").Remove(c.t.Context(), "k")
		if !errors.Is(err, cache.ErrUnsettled) || !strings.Contains(err.Error(), "h3/s3.LTCP") || time.Since(began) != lease+5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		err = c.in("2", "Inv").Update(c.t.Context(), "k", func(context.Context) error { t.Error("committed"); return nil })
		if !errors.Is(err, cache.ErrUnsettled) {
			t.Error(err)
		}
		ctx, cancel := context.WithTimeout(c.t.Context(), time.Second)
		defer cancel()
		if err := c.in("2", "Inv").Remove(ctx, "k"); !errors.Is(err, cache.ErrUnsettled) || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if took := c.removal("1"); took != 0 {
			t.Errorf("took %v", took)
		}
	})
	inBubble(t, func(c *cluster) { // a configured address counts before it has led anywhere
		c.own(1, attribute("Inv", "Strict=true"), "TcpServers="+hostAddr(7).String()+":57462", "UdpDiscoveryEnabled=false")
		time.Sleep(time.Minute)
		c.local("1", "Inv", "k", "v")
		c.expect("1", "Inv", "k", "")
		if err := c.in("1", "Inv").Remove(c.t.Context(), "k"); !errors.Is(err, cache.ErrUnsettled) || !strings.Contains(err.Error(), "10.0.0.7") {
			t.Error(err)
		}
	})
}

// One that applies nothing of what peers send serves nothing, and nobody waits
// for it; its own removals wait for the others.
func TestStrictWithoutReceive(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1, attribute("Inv", "Strict=true"))
		c.own(2, attribute("Inv", "Strict=true"), "Receive=false")
		c.within(3*time.Second, 2)
		time.Sleep(lease + lease/4)
		c.local("1", "Inv", "k", "old")
		c.local("2", "Inv", "k", "old")
		c.expect("1", "Inv", "k", "old")
		c.expect("2", "Inv", "k", "")
		if took := c.removal("1"); took != 0 {
			t.Errorf("took %v", took)
		}
		c.local("1", "Inv", "k", "old")
		c.net.SetDelay(hostAddr(1), hostAddr(2), 10*time.Millisecond)
		if took := c.removal("2"); took != 10*time.Millisecond {
			t.Errorf("took %v", took)
		}
		c.expect("1", "Inv", "k", "")
	})
}
