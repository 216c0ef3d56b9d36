// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lateral/cache"
)

// ways lets every way between n hosts take a time of its own, at most that.
func (c *cluster) ways(rnd *rand.Rand, n int, most time.Duration) {
	for i := 1; i <= n; i++ {
		for j := 1; j <= n; j++ {
			if i != j {
				c.slow(time.Duration(rnd.Int64N(int64(most))), i, j)
			}
		}
	}
}

// takers has several callers of each of n nodes take a key within a moment,
// and returns how many were handed the value. An error is one that is allowed.
func (c *cluster) takers(rnd *rand.Rand, n int, key string) (winners int64, refused int64) {
	var won, no atomic.Int64
	var all sync.WaitGroup
	for i := range 2 * n {
		name := fmt.Sprint(i%n + 1)
		node := c.nodes[name]
		pause := time.Duration(rnd.Int64N(int64(40 * time.Millisecond)))
		all.Go(func() {
			time.Sleep(pause)
			rep, err := node.Do(context.Background(), cache.Command{Op: cache.Take, Region: "Rep", Key: key})
			switch {
			case errors.Is(err, cache.ErrNotReplicated) || errors.Is(err, cache.ErrClosed):
				no.Add(1)
			case err != nil:
				c.t.Error(err)
			case rep.Found:
				won.Add(1)
				if rep.Element.Value.Bytes != "v" {
					c.t.Errorf("took %q", rep.Element.Value.Bytes)
				}
			}
		})
	}
	all.Wait()
	return won.Load(), no.Load()
}

// Of all who take an element at once, exactly one gets it, whatever the delays.
func TestTakeOnce(t *testing.T) {
	for seed := range uint64(20) {
		inBubble(t, func(c *cluster) {
			const n = 3
			c.sessionNodes(n, sessionRegion)
			rnd := rand.New(rand.NewPCG(seed, 3))
			for i := range 25 {
				key := fmt.Sprint("s", i)
				c.put("1", "Rep", key, "v")
				c.ways(rnd, n, 30*time.Millisecond)
				if rnd.IntN(2) == 0 {
					time.Sleep(30 * time.Millisecond) // else some have not heard of it, and ask
				}
				if won, refused := c.takers(rnd, n, key); won != 1 || refused != 0 {
					c.t.Errorf("seed %d, %s: %d winners, %d refused", seed, key, won, refused)
				}
				time.Sleep(30 * time.Millisecond) // more than half have heard of it, and now all
				for j := 1; j <= n; j++ {
					if won, err := c.in(fmt.Sprint(j), "Rep").Touch(c.t.Context(), key); won || err != nil {
						c.t.Errorf("seed %d: it is there after it was taken: %v", seed, err)
					}
				}
			}
		})
	}
}

// While nodes are killed and links are cut there may be none, never two.
func TestTakeAmongFaults(t *testing.T) {
	wins := int64(0)
	for seed := range uint64(60) {
		inBubble(t, func(c *cluster) {
			const n = 3
			c.sessionNodes(n, sessionRegion)
			rnd := rand.New(rand.NewPCG(seed, 4))
			if err := c.in("1", "Rep").PutAcks(c.t.Context(), "k", "v", 2); err != nil {
				c.t.Fatal(err)
			}
			c.ways(rnd, n, 30*time.Millisecond)
			when := time.Duration(rnd.Int64N(int64(150 * time.Millisecond)))
			i := rnd.IntN(n) + 1
			time.AfterFunc(when, func() {
				if seed%2 == 0 {
					c.die(fmt.Sprint(i))
				} else {
					c.net.Partition(hostAddr(i), hostAddr(i%n+1))
					c.net.Partition(hostAddr(i), hostAddr((i+1)%n+1))
				}
			})
			won, _ := c.takers(rnd, n, "k")
			time.Sleep(time.Second) // votes bind no longer
			again, _ := c.takers(rnd, n, "k")
			time.Sleep(10 * time.Second)
			last, _ := c.takers(rnd, n, "k")
			if seed%2 == 1 {
				c.net.HealAll()
				time.Sleep(10 * time.Second)
				healed, _ := c.takers(rnd, n, "k")
				last += healed
			}
			if wins += won + again + last; won+again+last > 1 {
				c.t.Errorf("seed %d: %d+%d+%d winners", seed, won, again, last)
			}
		})
	}
	if wins < 50 {
		t.Errorf("%d of 60 were taken at all", wins)
	}
}

// A part that cannot reach more than half of those who hold the region is
// refused; the other part takes. Neither of two halves does.
func TestTakePartitioned(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.sessionNodes(3, sessionRegion)
		if err := c.in("1", "Rep").PutAcks(c.t.Context(), "k", "v", 2); err != nil {
			c.t.Fatal(err)
		}
		for _, i := range []int{2, 3} {
			c.net.Partition(hostAddr(1), hostAddr(i))
		}
		for range 2 { // before and after the silence is noticed
			began := time.Now()
			if _, ok, err := c.in("1", "Rep").Take(c.t.Context(), "k"); ok || !errors.Is(err, cache.ErrNotReplicated) || time.Since(began) > 250*time.Millisecond {
				c.t.Fatalf("the lesser part: %v, %v after %v", ok, err, time.Since(began))
			}
			c.expect("1", "Rep", "k", "v") // it has removed nothing
			time.Sleep(7 * time.Second)
		}
		if v, ok, err := c.in("2", "Rep").Take(c.t.Context(), "k"); !ok || err != nil || v != "v" {
			c.t.Fatalf("the greater part: %q, %v, %v", v, ok, err)
		}
		c.net.HealAll()
		c.within(5*time.Second, 3)
		time.Sleep(time.Second)
		if _, ok, err := c.in("1", "Rep").Take(c.t.Context(), "k"); ok || err != nil {
			c.t.Errorf("after the heal: %v, %v", ok, err)
		}
	})
	inBubble(t, func(c *cluster) {
		c.sessionNodes(2, sessionRegion)
		c.put("1", "Rep", "k", "v")
		time.Sleep(10 * time.Millisecond)
		c.net.Partition(hostAddr(1), hostAddr(2))
		time.Sleep(7 * time.Second)
		for _, name := range []string{"1", "2"} {
			if _, ok, err := c.in(name, "Rep").Take(c.t.Context(), "k"); ok || !errors.Is(err, cache.ErrNotReplicated) {
				c.t.Errorf("half of two: %v, %v", ok, err)
			}
		}
		c.nodes["2"].Close() // it says goodbye, but nobody hears it; nor does anybody take its session
		delete(c.nodes, "2")
		c.net.HealAll()
		time.Sleep(4 * time.Minute) // MemberTimeout: it is forgotten
		if _, ok, err := c.in("1", "Rep").Take(c.t.Context(), "k"); !ok || err != nil {
			c.t.Errorf("alone: %v, %v", ok, err)
		}
	})
}

// Where nobody else holds a version it is taken without asking; where values
// do not travel nobody is promised anything.
func TestTakeAlone(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.sessionNodes(2, sessionRegion)
		c.local("1", "Loc", "k", "v")
		c.local("1", "Rep", "k", "aside")
		c.local("1", "Inv", "k", "v")
		for region, want := range map[string]string{"Loc": "v", "Rep": "aside"} {
			if v, ok, err := c.in("1", region).Take(c.t.Context(), "k"); v != want || !ok || err != nil {
				c.t.Errorf("%s: %q, %v, %v", region, v, ok, err)
			}
			if _, ok, err := c.in("1", region).Take(c.t.Context(), "k"); ok || err != nil {
				c.t.Errorf("%s again: %v, %v", region, ok, err)
			}
		}
		if _, ok, err := c.in("1", "Inv").Take(c.t.Context(), "k"); ok || !errors.Is(err, cache.ErrNotReplicated) {
			c.t.Errorf("Inv: %v, %v", ok, err)
		}
		if _, _, err := c.in("1", "Rep").Take(c.t.Context(), "p:"); !errors.Is(err, cache.ErrKey) {
			c.t.Errorf("a prefix: %v", err)
		}
	})
}

// What was taken and is put again can be taken again, at once.
func TestTakeAgain(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.sessionNodes(3, sessionRegion)
		c.ways(rand.New(rand.NewPCG(1, 5)), 3, 10*time.Millisecond)
		for i := range 30 {
			from, to := c.in(fmt.Sprint(i%3+1), "Rep"), c.in(fmt.Sprint((i+1)%3+1), "Rep")
			if err := from.PutAcks(c.t.Context(), "k", fmt.Sprint(i), 2); err != nil {
				c.t.Fatal(err)
			}
			if v, ok, err := to.Take(c.t.Context(), "k"); !ok || err != nil || v != fmt.Sprint(i) {
				c.t.Fatalf("round %d: %q, %v, %v", i, v, ok, err)
			}
		}
	})
}
