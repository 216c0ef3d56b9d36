// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
)

// Services that start at the same instant form one mesh, a hundred times.
func TestSameInstant(t *testing.T) {
	names := []string{"1/groupware", "2/groupware", "1/admindaemon", "2/admindaemon"}
	for seed := range uint64(100) {
		inBubble(t, func(c *cluster) {
			c.net.Seed(seed)
			rnd := rand.New(rand.NewPCG(seed, 2))
			services, links := names[:2], 2 // groupware twice: the mesh and the session cache
			if seed%2 == 1 {
				services, links = names, 7
			}
			for _, way := range [][2]int{{1, 2}, {2, 1}} {
				c.net.SetDelay(hostAddr(way[0]), hostAddr(way[1]), time.Duration(rnd.IntN(2000))*time.Microsecond)
			}
			for _, i := range rnd.Perm(len(services)) {
				c.start(services[i])
			}
			c.within(time.Second, len(services))
			time.Sleep(3 * time.Second)
			c.within(0, len(services))
			c.onePerPair(links)
			if c.t.Failed() {
				t.Fatalf("seed %d", seed)
			}
		})
	}
}

// Who comes late finds the others within a second, and with half of all
// packets lost within an announce period.
func TestLateStarter(t *testing.T) {
	for _, loss := range []float64{0, 0.5} {
		inBubble(t, func(c *cluster) {
			for i := 1; i <= 3; i++ {
				for j := 1; j <= 3; j++ {
					c.net.SetLoss(hostAddr(i), hostAddr(j), loss)
				}
			}
			c.own(1)
			c.own(2)
			most := time.Second
			if loss > 0 {
				most = 35 * time.Second
			}
			c.within(most, 2)
			time.Sleep(5 * time.Minute)
			c.own(3)
			c.t.Logf("loss %v: complete after %v", loss, c.within(most, 3))
			c.onePerPair(3)
		})
	}
}

// One service restarts, with a goodbye or killed: the others have the new one
// within a second, and no row of the old.
func TestRestart(t *testing.T) {
	for _, killed := range []bool{false, true} {
		inBubble(t, func(c *cluster) {
			for i := 1; i <= 3; i++ {
				c.own(i)
			}
			c.within(time.Second, 3)
			c.put("1", "Rep", "k", "v")
			time.Sleep(time.Second)
			if killed {
				c.kill("2")
			} else {
				c.stop("2")
				if took := c.within(time.Second, 2); took != 0 {
					c.t.Errorf("who left is missed for %v", took)
				}
			}
			time.Sleep(10 * time.Millisecond)
			c.own(2)
			c.t.Logf("killed %v: complete after %v", killed, c.within(time.Second, 3))
			c.onePerPair(3)
			time.Sleep(100 * time.Millisecond)
			c.expect("2", "Rep", "k", "v")
		})
	}
}

// A killed process is missed at once, a silent drop in either direction within
// LinkTimeout; after it heals what was missed arrives.
func TestLossAndReturn(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 3; i++ {
			c.own(i)
		}
		c.within(time.Second, 3)
		for i, cut := range []func(){
			func() { c.net.Block(hostAddr(1), hostAddr(2)) },
			func() { c.net.Block(hostAddr(2), hostAddr(1)) },
			func() { c.net.Partition(hostAddr(1), hostAddr(2)) },
		} {
			c.local("2", "Inv", "stale", "old")
			cut()
			key := fmt.Sprint("k", i)
			c.put("1", "Rep", key, "there")
			c.put("2", "Rep", key+"b", "back")
			c.remove("1", "Inv", "stale")
			began := time.Now()
			c.until(6*time.Second, "noticed", func() bool { return !c.nodes["1"].Mesh().Complete || !c.nodes["2"].Mesh().Complete })
			c.t.Logf("noticed after %v", time.Since(began))
			time.Sleep(10 * time.Second)
			for name, n := range c.nodes {
				st := n.Mesh()
				if st.Complete || len(st.Missing) != 1 || st.Missing[0].Reason == "" {
					c.t.Errorf("%s does not see what is missing: %+v", name, st)
				} else if m := st.Missing[0]; m.From.Host+m.To.Host != "h1h2" {
					c.t.Errorf("%s names %+v", name, m)
				}
			}
			c.net.HealAll()
			c.t.Logf("linked after %v", c.within(5*time.Second, 3))
			time.Sleep(50 * time.Millisecond)
			c.expect("2", "Rep", key, "there")
			c.expect("1", "Rep", key+"b", "back")
			c.expect("2", "Inv", "stale", "")
		}
		for name := range c.nodes {
			if n := c.counters(name); n["gaps"] != 0 || c.region(name, "Inv").Stats.GapDrops != 0 {
				c.t.Errorf("%s: the log closes this without a gap: %v", name, n)
			}
		}
		c.die("3")
		synctest.Wait()
		if c.nodes["1"].Mesh().Complete {
			c.t.Error("a killed process is not missed")
		}
		c.local("2", "Inv", "k", "v")
		c.remove("1", "Inv", "k")
		time.Sleep(time.Millisecond)
		c.expect("2", "Inv", "k", "")
	})
}

// What the log cannot close: replicated regions are equal again by a sync,
// invalidated ones start empty where a removal may have been missed.
func TestGapIsHealed(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1, "LogBytes=64K")
		c.own(2, "LogBytes=64K")
		c.within(time.Second, 2)
		c.put("1", "Rep", "gone", "1")
		c.put("1", "Rep", "g:1", "1")
		c.put("1", "Rep", "g:2", "1")
		time.Sleep(time.Second)
		c.expect("2", "Rep", "g:2", "1")
		c.local("2", "Inv", "kept?", "x")
		c.local("1", "Inv", "kept", "x")
		c.net.Partition(hostAddr(1), hostAddr(2))
		c.remove("1", "Rep", "gone")
		c.remove("1", "Rep", "g:") // a floor
		for i := range 500 {
			c.put("1", "Rep", fmt.Sprint("k", i), strings.Repeat("v", 1000))
		}
		c.put("2", "Rep", "other", "side")
		time.Sleep(20 * time.Second)
		c.net.HealAll()
		c.within(5*time.Second, 2)
		c.until(2*time.Second, "equal", func() bool { return c.region("1", "Rep").Digest == c.region("2", "Rep").Digest })
		c.expect("2", "Rep", "gone", "")
		c.expect("2", "Rep", "g:1", "")
		c.expect("2", "Rep", "k499", strings.Repeat("v", 1000))
		c.expect("1", "Rep", "other", "side")
		time.Sleep(2 * time.Second) // after StaleMax memory is bypassed until what was missed is there
		c.expect("2", "Inv", "kept?", "")
		c.expect("1", "Inv", "kept", "x")
		if a, b := c.region("1", "Rep"), c.region("2", "Rep"); a.Elements != b.Elements || a.Elements != 501 {
			c.t.Errorf("%+v and %+v", a, b)
		}
	})
}

// A node with empty memory is filled by a sync from whoever is there, though
// the writer of what it gets is gone.
func TestJoinerIsFilled(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.own(2)
		c.within(time.Second, 2)
		for i := range 3000 {
			c.put("1", "Rep", fmt.Sprint("k", i), "v")
		}
		c.put("1", "Rep", "p:1", "v")
		c.remove("1", "Rep", "k7")
		c.remove("1", "Rep", "p:")
		time.Sleep(time.Second)
		c.stop("1")
		c.own(3)
		c.within(time.Second, 2)
		took := c.until(time.Second, "equal", func() bool { return c.region("2", "Rep").Digest == c.region("3", "Rep").Digest })
		c.t.Logf("filled after %v", took)
		if r := c.region("3", "Rep"); r.Elements != 2999 || r.Stats.SyncIn < 2999 {
			c.t.Errorf("%+v", r)
		}
		c.expect("3", "Rep", "k7", "")
		// A write that is older than the floor, from before it, stays dead.
		c.expect("3", "Rep", "p:1", "")
	})
}

// One removal is one change to each peer, and nobody sends it on.
func TestNoEcho(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 4; i++ {
			c.own(i)
		}
		c.within(time.Second, 4)
		for i := 1; i <= 4; i++ {
			c.local(fmt.Sprint(i), "Inv", "k", "v")
		}
		c.remove("1", "Inv", "k")
		c.put("1", "Rep", "k", "v")
		time.Sleep(2 * time.Minute)
		for name, n := range c.nodes {
			want := uint64(0)
			if name == "1" {
				want = 2
			}
			if st := n.Status().Endpoints[0].Log; st.Next-1 != want {
				c.t.Errorf("%s has written %d changes, want %d", name, st.Next-1, want)
			}
			for _, region := range []string{"Inv", "Rep"} {
				if got := c.region(name, region).Stats.Received; name != "1" && got != 1 || name == "1" && got != 0 {
					c.t.Errorf("%s received %d changes of %s", name, got, region)
				}
			}
			c.expect(name, "Inv", "k", "")
		}
	})
}

// Where IsLateral=false, no byte of a value crosses the wire; a region without
// auxiliary hears of nothing, though a peer shares one of its name.
func TestNoValueOnTheWire(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.own(2)
		c.within(time.Second, 2)
		c.local("2", "Inv", "k", "old")
		c.local("2", "Loc", "k", "mine")
		before := c.net.Traffic(hostAddr(1), hostAddr(2)).Bytes
		value := strings.Repeat("secret", 10_000)
		c.put("1", "Inv", "k", value)
		c.put("1", "Loc", "k", value)
		do(c, "1", cache.Command{Op: cache.Update, Region: "Inv", Key: "k", Value: cache.Value{Bytes: value}})
		time.Sleep(500 * time.Millisecond)
		if sent := c.net.Traffic(hostAddr(1), hostAddr(2)).Bytes - before; sent > 1000 {
			c.t.Errorf("%d bytes were sent", sent)
		}
		c.expect("2", "Inv", "k", "") // update: the source changed
		c.expect("2", "Loc", "k", "mine")
		c.put("1", "Rep", "k", value)
		time.Sleep(10 * time.Millisecond)
		if sent := c.net.Traffic(hostAddr(1), hostAddr(2)).Bytes - before; sent < uint64(len(value)) {
			c.t.Errorf("the test sees nothing: %d bytes", sent)
		}
	})
}

func do(c *cluster, name string, cmd cache.Command) cache.Reply {
	c.t.Helper()
	rep, err := c.nodes[name].Do(context.Background(), cmd)
	if err != nil {
		c.t.Fatal(err)
	}
	return rep
}

// With AllowGet and without PutOnlyMode a miss asks the peers, in one round trip.
func TestGetFromPeers(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 3; i++ {
			c.own(i, "AllowGet=true", "PutOnlyMode=false")
		}
		c.within(time.Second, 3)
		const trip = 30 * time.Millisecond
		for _, i := range []int{2, 3} {
			c.net.SetDelay(hostAddr(1), hostAddr(i), trip/2)
			c.net.SetDelay(hostAddr(i), hostAddr(1), trip/2)
		}
		c.local("3", "Inv", "k", "v")
		began := time.Now()
		c.expect("1", "Inv", "k", "v")
		if took := time.Since(began); took != trip {
			c.t.Errorf("found after %v", took)
		}
		began = time.Now()
		c.expect("1", "Inv", "k", "v") // in memory by now
		if took := time.Since(began); took != 0 {
			c.t.Errorf("found again after %v", took)
		}
		c.expect("1", "Inv", "none", "")
		if took := time.Since(began); took != trip {
			c.t.Errorf("missed after %v", took)
		}
		if c.nodes["1"].Status().Endpoints[0].Log.Next != 1 {
			c.t.Error("what was fetched was sent on")
		}
	})
}

// A node with Receive=false opens no listener and announces nothing; its
// changes arrive, it applies none.
func TestReceiveFalse(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.own(2)
		c.own(3, "Receive=false")
		c.within(2*time.Second, 3)
		if st := c.nodes["3"].Status().Endpoints[0]; st.Listen != "" {
			c.t.Error(st.Listen)
		}
		c.local("3", "Inv", "k", "mine")
		c.local("1", "Inv", "x", "1")
		c.remove("1", "Inv", "k")
		c.remove("3", "Inv", "x")
		c.put("1", "Rep", "a", "1")
		c.put("3", "Rep", "b", "3")
		time.Sleep(2 * time.Minute)
		c.expect("3", "Inv", "k", "mine")
		c.expect("1", "Inv", "x", "")
		c.expect("3", "Rep", "a", "")
		c.expect("1", "Rep", "b", "3")
		c.expect("2", "Rep", "b", "3")
		for _, l := range c.nodes["3"].Status().Endpoints[0].Links {
			if l.Direction != "out" {
				c.t.Errorf("%+v", l)
			}
		}
		c.onePerPair(3)
	})
}

// What is written right before Close is there.
func TestCloseFlushes(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 3; i++ {
			c.own(i)
		}
		c.within(time.Second, 3)
		for i := range 2000 {
			c.put("1", "Rep", fmt.Sprint("k", i), strings.Repeat("v", 500))
		}
		c.stop("1")
		synctest.Wait()
		for _, name := range []string{"2", "3"} {
			if r := c.region(name, "Rep"); r.Elements != 2000 {
				c.t.Errorf("%s has %d of 2000", name, r.Elements)
			}
		}
	})
}

// A peer's region that nobody declared here is made from jcs.default, if that
// has this auxiliary, and only then.
func TestUndeclaredRegion(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.start("1/groupware")
		c.start("2/groupware")
		c.within(time.Second, 2)
		c.put("1/groupware", "New", "k", "v")          // LTCP, by jcs.default
		c.put("1/groupware", "SessionCache", "k", "v") // SessionLTCP
		time.Sleep(100 * time.Millisecond)
		if r := c.region("2/groupware", "New"); r.Mode == "local" || len(r.Auxiliaries) != 1 || r.Auxiliaries[0] != "LTCP" {
			c.t.Errorf("%+v", r)
		}
		c.expect("2/groupware", "SessionCache", "k", "v")
	})
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.edit = func(_, text string) string {
			return strings.Replace(strings.Replace(text, "jcs.default=LTCP", "jcs.default=", 1), "IssueRemoveOnPut=true", "IssueRemoveOnPut=false", 1)
		}
		c.start("2/admindaemon")
		c.within(time.Second, 2)
		c.put("1", "New", "k", "v")
		c.put("1", "User", "k", "v")
		time.Sleep(100 * time.Millisecond)
		for _, r := range c.nodes["2/admindaemon"].Status().Regions {
			if r.Region == "New" {
				c.t.Errorf("made %+v", r)
			}
		}
		if got := c.region("2/admindaemon", "User").Stats.Received; got != 1 {
			c.t.Errorf("the declared one received %d", got)
		}
	})
}

// Two clusters in one network, and two groups, never meet.
func TestStrangersApart(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.own(2)
		c.own(3, "ClusterName=other")
		c.own(4, "ClusterName=other")
		c.own(5, "UdpDiscoveryPort=6790")
		time.Sleep(30 * time.Second)
		for name, n := range c.nodes {
			want := 2
			if name == "5" {
				want = 1
			}
			if st := n.Mesh(); st.Nodes != want || !st.Complete {
				c.t.Errorf("%s: %+v", name, st)
			}
		}
		if got := len(c.net.Established()); got != 2 {
			c.t.Errorf("%v", c.net.Established())
		}
	})
}

// Who is found by multicast and listed by name, too, is one member, whichever
// of the two ways led to its link first.
func TestServersByName(t *testing.T) {
	for seed := range uint64(20) {
		inBubble(t, func(c *cluster) {
			c.net.Seed(seed)
			list := "TcpServers="
			for i := 1; i <= 3; i++ {
				c.net.Name(fmt.Sprint("ox", i), c.net.Host(hostAddr(i)).Addr())
				list += fmt.Sprintf("ox%d:57462,", i)
			}
			for i := 1; i <= 3; i++ {
				c.own(i, strings.TrimSuffix(list, ","))
				time.Sleep(time.Duration(seed%3) * 400 * time.Millisecond)
			}
			c.within(4*time.Second, 3) // a name at which nobody listened yet is tried after up to 3 s
			time.Sleep(time.Second)
			c.onePerPair(3)
		})
	}
}

// With TcpServers only, no datagram is sent, and one name is enough: the
// members tell each other of the rest.
func TestStaticOnly(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 4; i++ {
			c.own(i, "UdpDiscoveryEnabled=false", "TcpServers="+hostAddr(1).String()+":57462")
		}
		c.t.Logf("complete after %v", c.within(10*time.Second, 4))
		time.Sleep(3 * time.Second)
		c.within(0, 4)
		c.onePerPair(6)
		for i := 1; i <= 4; i++ {
			if n := c.net.Traffic(hostAddr(1), hostAddr(i)).Datagrams; n != 0 {
				c.t.Errorf("%d datagrams", n)
			}
		}
		// A long cut between two that know each other from the third only.
		c.net.Partition(hostAddr(2), hostAddr(3))
		time.Sleep(10 * time.Minute)
		if c.nodes["2"].Mesh().Complete || c.nodes["4"].Mesh().Complete {
			c.t.Error("after a long cut it is forgotten")
		}
		c.net.HealAll()
		c.within(15*time.Second, 4)
		c.onePerPair(6)
	})
}
