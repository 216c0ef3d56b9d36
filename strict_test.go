// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
)

// Of a strict region whose lease is lease, a removal waits at most waits: the
// granter allows for clocks that run at different rates.
const (
	lease = 2 * time.Second
	waits = lease + lease/50
)

// strictly is some nodes whose Inv is strict, with k in each, settled.
func strictly(c *cluster, nodes int, more ...string) {
	c.t.Helper()
	for i := 1; i <= nodes; i++ {
		c.own(i, append([]string{attribute("Inv", "Strict=true")}, more...)...)
	}
	c.within(time.Second, nodes)
	for name := range c.nodes {
		c.local(name, "Inv", "k", "old")
	}
	c.expect("1", "Inv", "k", "") // not in the first lease of its life
	time.Sleep(lease + lease/4)   // and then asked for every quarter
	for name := range c.nodes {
		c.expect(name, "Inv", "k", "old")
	}
}

// removal removes k at a node and says how long that took.
func (c *cluster) removal(name string) time.Duration {
	c.t.Helper()
	began := time.Now()
	c.remove(name, "Inv", "k")
	return time.Since(began)
}

// Without a fault a removal returns after one round trip, whatever it is, and
// the value is gone everywhere when it does.
func TestStrictRemoval(t *testing.T) {
	ctx := context.Background()
	for what, remove := range map[string]func(c *cluster) error{
		"remove": func(c *cluster) error { return c.in("1", "Inv").Remove(ctx, "p:k") },
		"prefix": func(c *cluster) error { return c.in("1", "Inv").Remove(ctx, "p:") },
		"clear":  func(c *cluster) error { return c.in("1", "Inv").Clear(ctx) },
		"group": func(c *cluster) error {
			_, err := c.nodes["1"].Do(ctx, cache.Command{Op: cache.RemoveGroup, Region: "Inv", Key: "g"})
			return err
		},
		"replace": func(c *cluster) error { return c.in("1", "Inv").Replace(ctx, "p:k", "new") },
		"update": func(c *cluster) error {
			return c.in("1", "Inv").Update(ctx, "p:k", func(context.Context) error { return nil })
		},
	} {
		inBubble(t, func(c *cluster) {
			strictly(c, 3)
			key := "p:k"
			if what == "group" {
				key = cache.GroupKey("g", "k")
			}
			const trip = 30 * time.Millisecond
			for _, i := range []int{2, 3} {
				c.local(fmt.Sprint(i), "Inv", key, "old")
				c.net.SetDelay(hostAddr(1), hostAddr(i), trip/3)
				c.net.SetDelay(hostAddr(i), hostAddr(1), 2*trip/3)
			}
			began := time.Now()
			if err := remove(c); err != nil {
				t.Errorf("%s: %v", what, err)
			}
			if took := time.Since(began); took != trip {
				t.Errorf("%s took %v", what, took)
			}
			c.expect("2", "Inv", key, "")
			c.expect("3", "Inv", key, "")
			c.expect("3", "Inv", "k", map[bool]string{false: "old"}[what == "clear"])
		})
	}
}

// Cut off in either direction or both, a removal returns when the lease is
// over; from then on who is cut off serves nothing, not even once. It serves
// again, what is new, when it is back.
func TestStrictCut(t *testing.T) {
	for how, cut := range map[string]func(c *cluster){
		"both":  func(c *cluster) { c.net.Partition(hostAddr(1), hostAddr(2)) },
		"there": func(c *cluster) { c.net.Block(hostAddr(1), hostAddr(2)) },
		"back":  func(c *cluster) { c.net.Block(hostAddr(2), hostAddr(1)) },
	} {
		inBubble(t, func(c *cluster) {
			strictly(c, 3)
			cut(c)
			c.expect("2", "Inv", "k", "old")
			removed := make(chan time.Duration)
			go func() { removed <- c.removal("1") }()
			var took time.Duration
			for took == 0 { // asked at every moment, it says old or nothing, and nothing once the removal has returned
				select {
				case took = <-removed:
				default:
					c.get("2", "Inv", "k")
					time.Sleep(time.Millisecond)
				}
			}
			if took > waits || how != "back" && took < lease/2 {
				t.Errorf("%s: the removal took %v", how, took)
			}
			for range 20_000 { // 20 s: it is missed, dialled, given up
				if got := c.get("2", "Inv", "k"); got != "" {
					t.Fatalf("%s: 2 serves %q after the removal has returned", how, got)
				}
				time.Sleep(time.Millisecond)
			}
			c.expect("3", "Inv", "k", "")
			d := &database{}
			for range 2 {
				c.load("2", "Inv", "k", d, "0")
				c.load("3", "Inv", "x", d, "0") // no lease from 2? it has one: all its links are up
			}
			if n := d.loads.Load(); n != 2+1 {
				t.Errorf("%s: %d loads", how, n)
			}
			if st := c.region("2", "Inv"); st.Stats.Unleased == 0 || !st.Strict || st.Lease != 0 {
				t.Errorf("%+v", st)
			}
			for _, l := range c.nodes["2"].Status().Endpoints[0].Leases {
				if l.Host == "h1" && (l.Held != 0 || l.Granted != 0 || l.Why == "") || l.Host == "h3" && (l.Held == 0 || l.Granted == 0 || l.Why != "") {
					t.Errorf("%+v", l)
				}
			}
			c.net.HealAll()
			c.within(5*time.Second, 3)
			time.Sleep(settle)
			c.expect("2", "Inv", "k", "")
			c.load("2", "Inv", "k", d, "0")
			c.expect("2", "Inv", "k", "0")
			if took := c.removal("1"); took != 0 {
				t.Errorf("%s: healed, and the removal takes %v", how, took)
			}
		})
	}
}

// never polls a node every millisecond for a while: it must not serve k.
func (c *cluster) never(name string, most time.Duration) {
	c.t.Helper()
	for began := time.Now(); time.Since(began) < most; time.Sleep(time.Millisecond) {
		if got := c.get(name, "Inv", "k"); got != "" {
			c.t.Fatalf("%s serves %q %v after the removal has returned", name, got, time.Since(began))
		}
	}
}

// A lease is counted from when it was asked for, however late it arrives.
func TestStrictSlowAnswer(t *testing.T) {
	inBubble(t, func(c *cluster) {
		strictly(c, 2)
		c.net.SetDelay(hostAddr(1), hostAddr(2), lease-100*time.Millisecond)
		time.Sleep(2 * lease)
		c.net.SetDelay(hostAddr(1), hostAddr(2), 2*lease)
		if took := c.removal("1"); took > waits {
			t.Errorf("the removal took %v", took)
		}
		c.never("2", 2*lease)
	})
}

// A lease that is granted while a link works off what has piled up on it says
// nothing of the removal at the end of that.
func TestStrictBacklog(t *testing.T) {
	for _, update := range []bool{false, true} {
		inBubble(t, func(c *cluster) {
			strictly(c, 2)
			c.net.SetDelay(hostAddr(1), hostAddr(2), 20*time.Millisecond)
			c.net.Block(hostAddr(1), hostAddr(2))
			for i := range 800 {
				c.put("1", "Rep", fmt.Sprint("k", i), strings.Repeat("v", 10_000))
			}
			began, err := time.Now(), error(nil)
			if update {
				err = c.in("1", "Inv").Update(c.t.Context(), "k", func(context.Context) error { return nil })
			} else {
				err = c.in("1", "Inv").Remove(c.t.Context(), "k")
			}
			if took := time.Since(began); took > waits || err != nil {
				t.Errorf("the removal took %v: %v", took, err)
			}
			c.net.HealAll()
			c.never("2", time.Second)
			c.local("2", "Inv", "k", "new")
			c.expect("2", "Inv", "k", "new")
		})
	}
}

// While a source changes nobody keeps, shares or serves the key, on any node;
// so who has seen the new value is followed by nobody who sees the old.
func TestStrictUpdateHolds(t *testing.T) {
	inBubble(t, func(c *cluster) {
		strictly(c, 2)
		d, p := &database{}, &database{}
		for _, key := range []string{"k", "p:1"} {
			c.local("1", "Inv", key, "old")
			c.local("2", "Inv", key, "old")
		}
		for _, key := range []string{"k", "p:"} {
			one := strings.Replace(key, "p:", "p:1", 1)
			err := c.in("1", "Inv").Update(c.t.Context(), key, func(context.Context) error {
				d.slow = time.Second
				for _, name := range []string{"1", "2"} {
					go c.load(name, "Inv", one, d, "0") // reads before
				}
				synctest.Wait()
				d.commit(c.t.Context())
				synctest.Wait()
				d.slow = 0
				for _, name := range []string{"1", "2"} {
					c.load(name, "Inv", one, d, "1")
				}
				time.Sleep(time.Second)
				for _, name := range []string{"1", "2"} {
					c.expect(name, "Inv", one, "")
					c.load(name, "Inv", "other", p, "0")
					c.expect(name, "Inv", "other", "0")
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
			synctest.Wait()
			c.load("1", "Inv", one, d, "1")
			c.load("2", "Inv", one, d, "1")
			c.expect("2", "Inv", one, "1")
			d.value.Store(0)
		}
		// Nothing was changed: what is there may be kept again at once.
		before := c.nodes["1"].Status().Endpoints[0].Log.Next
		if err := c.in("1", "Inv").Update(c.t.Context(), "z", func(context.Context) error { return cache.ErrKey }); !errors.Is(err, cache.ErrKey) {
			t.Error(err)
		}
		synctest.Wait()
		c.load("2", "Inv", "z", p, "0")
		c.expect("2", "Inv", "z", "0")
		if after := c.nodes["1"].Status().Endpoints[0].Log.Next; after != before {
			t.Error("it was removed all the same")
		}
	})
}

// A node that stops while a source changes waits for that, for a second; if
// it takes longer it leaves without a goodbye, and nobody serves what may have
// changed until its successor is there.
func TestStrictCloseDuringUpdate(t *testing.T) {
	for _, slow := range []time.Duration{500 * time.Millisecond, 5 * time.Second} {
		inBubble(t, func(c *cluster) {
			strictly(c, 2)
			d := &database{}
			updated := make(chan error)
			go func() {
				updated <- c.in("1", "Inv").Update(context.Background(), "k", func(context.Context) error {
					time.Sleep(slow)
					return d.commit(c.t.Context())
				})
			}()
			synctest.Wait()
			stopped := make(chan struct{})
			go func() { c.nodes["1"].Close(); close(stopped) }()
			time.Sleep(100 * time.Millisecond)
			if err := c.in("1", "Inv").Update(c.t.Context(), "other", d.commit); err == nil || d.value.Load() != 0 {
				t.Errorf("changed while it stops: %v", err)
			}
			for wait := true; wait; {
				before := fmt.Sprint(d.value.Load())
				got, err := c.in("2", "Inv").GetOrLoad(c.t.Context(), "k", d.load)
				if after := fmt.Sprint(d.value.Load()); err != nil || got != before && got != after {
					t.Errorf("%q, %v, want %q or %q", got, err, before, after)
				}
				select {
				case err := <-updated:
					wait = false
					if slow < time.Second && err != nil || slow > time.Second && !errors.Is(err, cache.ErrClosed) {
						t.Errorf("%v: %v", slow, err)
					}
				case <-time.After(time.Millisecond):
				}
			}
			<-stopped
			c.load("2", "Inv", "k", d, "1")
			delete(c.nodes, "1")
			synctest.Wait()
			c.load("2", "Inv", "k", d, "1")
			c.expect("2", "Inv", "k", map[bool]string{true: "1"}[slow < time.Second])
		})
	}
}

// Peers are answered under a lease only; nor is one asked without.
func TestStrictAnswersNoPeer(t *testing.T) {
	inBubble(t, func(c *cluster) {
		strictly(c, 3, "AllowGet=true", "PutOnlyMode=false")
		c.local("2", "Inv", "at 2", "v")
		c.expect("3", "Inv", "at 2", "v")
		c.local("2", "Inv", "more", "v")
		c.net.Partition(hostAddr(1), hostAddr(2))
		time.Sleep(waits)
		c.expect("3", "Inv", "more", "")
		c.local("3", "Inv", "at 3", "v")
		c.expect("2", "Inv", "at 3", "")
		rep := do(c, "2", cache.Command{Op: cache.GetMatching, Region: "Inv"})
		if len(rep.Elements) != 0 {
			t.Errorf("%+v", rep)
		}
		rep = do(c, "2", cache.Command{Op: cache.PutIfAbsent, Region: "Inv", Key: "k", Value: cache.Value{Bytes: "new"}})
		if rep.Found {
			t.Errorf("%+v", rep)
		}
		c.local("2", "Inv", "k", "old")
		rep = do(c, "2", cache.Command{Op: cache.Put, Region: "Inv", Key: "k", Value: cache.Value{Bytes: "new"}, Seen: &cache.Stamp{}})
		if rep.Conflict {
			t.Errorf("%+v", rep)
		}
	})
}

// A front that waits by itself: its removals return at once, and Await when
// nobody serves what was removed.
func TestStrictStore(t *testing.T) {
	inBubble(t, func(c *cluster) {
		strictly(c, 2)
		s, err := c.nodes["1"].Store("Inv")
		if err != nil || !s.Acks() {
			t.Fatal(err)
		}
		const trip = 10 * time.Millisecond
		c.net.SetDelay(hostAddr(1), hostAddr(2), trip)
		began := time.Now()
		if _, err := s.Do(c.t.Context(), cache.Command{Op: cache.Remove, Key: "k"}); err != nil || time.Since(began) != 0 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if err := s.Await(c.t.Context()); err != nil || time.Since(began) != trip {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		c.expect("2", "Inv", "k", "")
	})
}

// Strict is refused where values travel: peers would hold copies without lease.
func TestStrictOfReplicated(t *testing.T) {
	text := plain + attribute("Rep", "Strict=true") + "\n"
	cfg, err := ccf.Parse(ccf.Source{Name: "test.ccf", Data: []byte(text)})
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		n, err := lateral.Open(t.Context(), lateral.Config{CCF: cfg, Network: c.net.Host(hostAddr(1)).Edge()})
		if err == nil {
			n.Close()
			t.Fatal("opened")
		}
		if !strings.Contains(err.Error(), "test.ccf:5") || !strings.Contains(err.Error(), "IsLateral=false") {
			t.Error(err)
		}
	})
}
