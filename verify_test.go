// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/cache"
)

func (c *cluster) verify(name string, repair bool) cache.RegionVerdict {
	c.t.Helper()
	v, err := c.nodes[name].Verify(c.t.Context(), "Rep", repair)
	if err != nil || len(v.Regions) != 1 {
		c.t.Fatal(v, err)
	}
	if v.Verdict != v.Regions[0].Verdict {
		c.t.Errorf("%s over all, %s of the one", v.Verdict, v.Regions[0].Verdict)
	}
	return v.Regions[0]
}

// plant changes a replica behind the back of the log.
func (c *cluster) plant(name string, op cache.Op, key, value string, s cache.Stamp) {
	c.t.Helper()
	_, err := c.nodes[name].Do(c.t.Context(), cache.Command{Op: op, Origin: cache.FromSync, Region: "Rep", Key: key, Value: cache.Value{Bytes: value}, Stamp: s})
	if err != nil {
		c.t.Fatal(err)
	}
}

func three(c *cluster, more ...string) {
	c.t.Helper()
	for i := 1; i <= 3; i++ {
		c.own(i, more...)
		time.Sleep(310 * time.Millisecond) // so that they do not all forget removals at the same instants
	}
	c.within(time.Second, 3)
	for i := range 100 {
		c.put("1", "Rep", fmt.Sprint("k", i), "v")
	}
	time.Sleep(time.Second)
}

// What is equal is found equal, and what cannot be compared is not called so.
func TestVerifyEqual(t *testing.T) {
	inBubble(t, func(c *cluster) {
		three(c)
		for name := range c.nodes {
			v := c.verify(name, false)
			if v.Verdict != cache.Equal || len(v.Members) != 3 || v.Members[0].Digest != v.Members[2].Digest || v.Members[1].Elements != 100 || len(v.Why) != 0 {
				t.Errorf("%+v", v)
			}
		}
		v, err := c.nodes["1"].Verify(c.t.Context(), "", false)
		if err != nil || v.Verdict != cache.Equal || len(v.Regions) != 1 {
			t.Errorf("%+v, %v", v, err)
		}
		for _, name := range []string{"Inv", "Loc"} {
			if v, err := c.nodes["1"].Verify(c.t.Context(), name, false); err != nil || v.Verdict != cache.Unknown || len(v.Regions[0].Why) == 0 {
				t.Errorf("%+v, %v", v, err)
			}
		}
		if _, err := c.nodes["1"].Verify(c.t.Context(), "Nothing", false); !errors.Is(err, cache.ErrNoRegion) {
			t.Error(err)
		}
	})
}

// storm writes on all nodes until the returned function is called.
func storm(c *cluster, pause time.Duration) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var all sync.WaitGroup
	for name, n := range c.nodes {
		r := rand.New(rand.NewPCG(7, uint64(len(name))+uint64(name[0])))
		all.Go(func() {
			for ctx.Err() == nil {
				cmd := cache.Command{Op: cache.Put, Region: "Rep", Key: fmt.Sprintf("p%d:%d", r.IntN(3), r.IntN(40)), Value: cache.Value{Bytes: "x"}}
				switch r.IntN(20) {
				case 0:
					cmd.Op, cmd.Key = cache.Remove, fmt.Sprintf("p%d:", r.IntN(3))
				case 1, 2, 3, 4, 5, 6, 7:
					cmd.Op = cache.Remove
				case 8:
					if r.IntN(20) == 0 {
						cmd.Op = cache.RemoveAll
					}
				}
				if _, err := n.Do(context.Background(), cmd); err != nil {
					c.t.Error(err)
				}
				time.Sleep(time.Duration(r.Int64N(int64(pause))))
			}
		})
	}
	var once sync.Once
	stop = func() { once.Do(func() { cancel(); all.Wait() }) }
	c.t.Cleanup(stop)
	return stop
}

// While all nodes write and remove, and forget removals that all have, nothing
// is ever taken for a difference.
func TestVerifyWhileWriting(t *testing.T) {
	inBubble(t, func(c *cluster) {
		three(c)
		c.net.SetDelay(hostAddr(2), hostAddr(3), 400*time.Millisecond)
		stop := storm(c, 8*time.Millisecond)
		unlike := 0
		for i := range 40 {
			v := c.verify(fmt.Sprint(1+i%3), false)
			if v.Verdict != cache.Equal {
				stop()
				t.Fatalf("look %d: %+v", i, v)
			}
			if v.Members[0].Digest != v.Members[1].Digest {
				unlike++
			}
			time.Sleep(137 * time.Millisecond)
		}
		stop()
		if unlike == 0 {
			t.Errorf("%d of 40 looks saw different digests: nothing was tested", unlike)
		}
	})
}

// What is planted behind the back of the log is found from every node, quiet or
// under load, told with who lacks it, and repaired.
func TestVerifyDifferent(t *testing.T) {
	for _, load := range []bool{false, true} {
		inBubble(t, func(c *cluster) {
			three(c)
			stop := func() {}
			if load {
				stop = storm(c, 5*time.Millisecond)
			}
			now := time.Now().UnixMilli()
			c.plant("2", cache.Put, "extra", "v", cache.StampAt(now, 77))
			c.plant("3", cache.Remove, "gone", "", cache.StampAt(now+1, 77))
			for name := range c.nodes {
				v := c.verify(name, false)
				if v.Verdict != cache.Different || v.Total != 2 || v.More {
					stop()
					t.Fatalf("%s: %+v", name, v)
				}
				d := v.Differences[0]
				if d.Key != "extra" || len(d.Held) != 3 || len(d.Lacked) != 2 || strings.Contains(strings.Join(d.Lacked, " "), "h2/") {
					t.Errorf("%s: %+v", name, d)
				}
				for _, h := range d.Held {
					if want := cache.KnownAbsent; h.Member != "h2/s2.LTCP" && h.State != want || h.Member == "h2/s2.LTCP" && h.Stamp.Node != 77 {
						t.Errorf("%s: %+v", name, h)
					}
				}
				if d := v.Differences[1]; d.Key != "gone" || len(d.Lacked) != 2 {
					t.Errorf("%s: %+v", name, d)
				}
			}
			if v := c.verify("1", true); v.Verdict != cache.Equal || !v.Repaired {
				t.Errorf("%+v", v)
			}
			stop()
			time.Sleep(time.Second)
			for name := range c.nodes {
				if !load { // else everything may have been removed meanwhile
					c.expect(name, "Rep", "extra", "v")
				}
			}
		})
	}
}

// A member that cannot be asked is named, and the verdict is not "equal" as long
// as it may come back; a difference between the others is found all the same.
func TestVerifyCutOff(t *testing.T) {
	inBubble(t, func(c *cluster) {
		three(c)
		c.net.Partition(hostAddr(1), hostAddr(3))
		c.net.Partition(hostAddr(2), hostAddr(3))
		unsure := func(when string) {
			t.Helper()
			v := c.verify("1", false)
			if v.Verdict != cache.Unknown || len(v.Why) != 1 || len(v.Members) != 3 || !strings.Contains(v.Why[0], "h3/s3") {
				t.Errorf("%s: %+v", when, v)
			}
		}
		unsure("the link still seems to be up")
		time.Sleep(10 * time.Second)
		unsure("it is down")
		time.Sleep(10 * time.Minute)
		unsure("discovery has forgotten it")
		c.plant("2", cache.Put, "extra", "v", cache.StampAt(time.Now().UnixMilli(), 77))
		if v := c.verify("1", false); v.Verdict != cache.Different || len(v.Why) != 1 || len(v.Differences[0].Held) != 2 {
			t.Errorf("%+v", v)
		}
		c.heal3()
		if v := c.verify("1", true); v.Verdict != cache.Equal || len(v.Members) != 3 {
			t.Errorf("%+v", v)
		}
		c.stop("3")
		time.Sleep(5 * time.Second)
		if v := c.verify("1", false); v.Verdict != cache.Equal || len(v.Members) != 2 {
			t.Errorf("after a goodbye: %+v", v)
		}
	})
}

func (c *cluster) heal3() {
	c.t.Helper()
	c.net.HealAll()
	c.within(10*time.Second, 3)
	time.Sleep(2 * time.Second)
}

// More keys differ than a sketch holds: some are listed, and all are repaired.
func TestVerifyMany(t *testing.T) {
	inBubble(t, func(c *cluster) {
		three(c)
		now := time.Now().UnixMilli()
		for i := range 6000 {
			c.plant("2", cache.Put, fmt.Sprint("extra", i), "v", cache.StampAt(now, 77))
		}
		v := c.verify("1", false)
		if v.Verdict != cache.Different || len(v.Differences) != cache.MaxDifferences || v.Total < 4000 || !v.More {
			t.Errorf("%s, %d, %d, %v", v.Verdict, len(v.Differences), v.Total, v.Why)
		}
		if v := c.verify("3", true); v.Verdict != cache.Equal || !v.Repaired {
			t.Errorf("%s, %d, %v", v.Verdict, v.Total, v.Why)
		}
	})
}

// What each member knows of a key, and why, is told by each of them.
func TestExplain(t *testing.T) {
	inBubble(t, func(c *cluster) {
		three(c, "jcs.region.Rep.elementattributes=org.apache.jcs.engine.ElementAttributes", "jcs.region.Rep.elementattributes.MaxLifeSeconds=600", "jcs.region.Rep.elementattributes.IsEternal=false")
		explain := func(name, region, key, want string) cache.Explanation {
			t.Helper()
			x, err := c.nodes[name].Explain(c.t.Context(), region, key)
			if err != nil || len(x.Held) != 3 || !strings.Contains(strings.Join(x.Why, "; "), want) {
				t.Errorf("%s of %s: %v, %v; want %q in %q", key, region, err, x.Held, want, x.Why)
			}
			return x
		}
		x := explain("2", "Rep", "k1", "3 of 3 members have it")
		for _, h := range x.Held {
			if h.State != cache.KnownLive || h.Writer != "h1/s1" || h.Bytes != 1 || h.Left <= 0 || h.Left > 10*time.Minute || h.MaxLife != 10*time.Minute {
				t.Errorf("%+v", h)
			}
		}
		c.local("2", "Rep", "k1", "mine")
		if x := explain("2", "Rep", "k1", "a value of its own"); x.Held[0].Hidden.IsZero() || x.Held[0].Stamp != x.Held[1].Stamp {
			t.Errorf("%+v", x.Held)
		}
		c.remove("2", "Rep", "k2")
		time.Sleep(10 * time.Millisecond)
		explain("3", "Rep", "k2", "is remembered until every member has it")
		c.put("1", "Rep", "p:x", "v")
		c.remove("1", "Rep", "p:")
		time.Sleep(10 * time.Millisecond)
		explain("3", "Rep", "p:y", "(removal of prefix p:)")
		explain("3", "Rep", "never", "no member that could be asked knows of the key")
		now := time.Now().UnixMilli()
		c.plant("2", cache.Put, "k3", "old", cache.StampAt(now-60_000, 9))
		explain("1", "Rep", "k3", "what is held here is newer: the larger stamp wins")
		c.plant("2", cache.Put, "k4", "far", cache.StampAt(now+120_000, 9))
		explain("1", "Rep", "k4", "its clock is further ahead")
		c.put("1", "Inv", "k", "v")
		time.Sleep(10 * time.Millisecond)
		explain("1", "Inv", "k", "values of this region do not travel")
		c.net.Partition(hostAddr(1), hostAddr(2))
		explain("1", "Rep", "k1", "h2/s2.LTCP could not be asked")
		c.net.HealAll()
		if _, err := c.nodes["1"].Explain(c.t.Context(), "Nothing", "k"); !errors.Is(err, cache.ErrNoRegion) {
			t.Error(err)
		}
		if x, err := c.nodes["1"].Explain(c.t.Context(), "Loc", "k"); err != nil || len(x.Held) != 1 {
			t.Errorf("%+v, %v", x, err)
		}
	})
}
