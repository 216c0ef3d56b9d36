// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
	"lateral/internal/memnet"
)

func TestMain(m *testing.M) {
	// valkey-go sleeps for a second at most after a connection that was refused, and ends.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valkey-io/valkey-go.(*call).DelayDo.func1"))
}

// plain is a ccf with one lateral auxiliary and a region of each kind; more
// lines may change any of it.
const plain = `jcs.default=LTCP
jcs.region.Inv=LTCP
jcs.region.Inv.elementattributes=org.apache.jcs.engine.ElementAttributes
jcs.region.Inv.elementattributes.IsLateral=false
jcs.region.Rep=LTCP
jcs.region.Rep.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Rep.cacheattributes.MaxObjects=100000
jcs.region.Loc=
jcs.auxiliary.LTCP=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.LTCP.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.LTCP.attributes.TcpListenerPort=57462
jcs.auxiliary.LTCP.attributes.UdpDiscoveryAddr=224.0.0.1
jcs.auxiliary.LTCP.attributes.UdpDiscoveryPort=6780
jcs.auxiliary.LTCP.attributes.UdpDiscoveryEnabled=true
jcs.auxiliary.LTCP.attributes.IssueRemoveOnPut=false
`

// own opens a node with a ccf of the test on host n.
func (c *cluster) own(n int, more ...string) *lateral.Node {
	c.t.Helper()
	return c.ownAt(n, hostAddr(n), more...)
}

// ownAt is own at an address.
func (c *cluster) ownAt(n int, addr netip.Addr, more ...string) *lateral.Node {
	c.t.Helper()
	lines := plain
	for _, l := range more {
		k, v, _ := strings.Cut(l, "=")
		if !strings.HasPrefix(k, "jcs.") {
			k = "jcs.auxiliary.LTCP.attributes." + k
		}
		if i := strings.Index(lines, k+"="); i >= 0 {
			lines = lines[:i] + lines[i+strings.Index(lines[i:], "\n")+1:]
		}
		lines += k + "=" + v + "\n"
	}
	cfg, err := ccf.Parse(ccf.Source{Name: "test.ccf", Data: []byte(lines)})
	if err != nil {
		c.t.Fatal(err)
	}
	name := fmt.Sprint(n)
	proc := c.net.Host(addr).Edge()
	ctx, cut := context.WithCancel(context.Background())
	var now func() time.Time
	if c.now != nil {
		now = c.now(name)
	}
	node, err := lateral.Open(ctx, lateral.Config{Service: "s" + name, Host: "h" + name, CCF: cfg, Now: now,
		Network: proc, Logger: slog.New(slog.NewTextHandler(logTo{c.t, name}, nil))})
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[name], c.procs[name], c.cut[name] = node, proc, cut
	return node
}

// die has nothing of a process reach the network any more.
func (c *cluster) die(name string) { c.procs[name].Die() }

// kill ends a process the hard way and forgets it.
func (c *cluster) kill(name string) {
	c.die(name)
	c.cut[name]()
	c.nodes[name].Close() // its goroutines end without the network hearing of it
	delete(c.nodes, name)
}

func (c *cluster) stop(name string) {
	c.t.Helper()
	if err := c.nodes[name].Close(); err != nil {
		c.t.Error(err)
	}
	delete(c.nodes, name)
}

func (c *cluster) remove(name, region, key string) {
	c.t.Helper()
	if _, err := c.nodes[name].Do(context.Background(), cache.Command{Op: cache.Remove, Region: region, Key: key}); err != nil {
		c.t.Fatal(err)
	}
}

// local puts a value that no peer hears of.
func (c *cluster) local(name, region, key, value string) {
	c.t.Helper()
	if _, err := c.nodes[name].Do(context.Background(), cache.Command{Op: cache.Put, Origin: cache.LocalOnly, Region: region, Key: key, Value: cache.Value{Bytes: value}}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) expect(name, region, key, want string) {
	c.t.Helper()
	if got := c.get(name, region, key); got != want {
		c.t.Errorf("%s holds %q as %s of %s, want %q", name, got, key, region, want)
	}
}

func (c *cluster) region(name, region string) cache.RegionStatus {
	c.t.Helper()
	for _, r := range c.nodes[name].Status().Regions {
		if r.Region == region {
			return r
		}
	}
	c.t.Fatalf("%s has no region %s", name, region)
	return cache.RegionStatus{}
}

func (c *cluster) counters(name string) map[string]int64 {
	return c.nodes[name].Status().Endpoints[0].Counters
}

func (c *cluster) until(most time.Duration, what string, ok func() bool) time.Duration {
	c.t.Helper()
	began := time.Now()
	for {
		synctest.Wait()
		if ok() {
			return time.Since(began)
		}
		if time.Since(began) > most {
			c.t.Fatalf("after %v: not %s", most, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// within waits until every node says that the mesh of so many is complete.
func (c *cluster) within(most time.Duration, nodes int) time.Duration {
	c.t.Helper()
	return c.until(most, fmt.Sprintf("complete with %d nodes", nodes), func() bool {
		for _, n := range c.nodes {
			if st := n.Mesh(); !st.Complete || st.Nodes != nodes {
				return false
			}
		}
		return true
	})
}

// onePerPair fails unless there is exactly one connection per expected link.
func (c *cluster) onePerPair(want int) {
	c.t.Helper()
	if got := c.net.Established(); len(got) != want {
		c.t.Errorf("%d connections, want %d: %v", len(got), want, got)
	}
	for name, n := range c.nodes {
		for _, e := range n.Status().Endpoints {
			for _, r := range e.Matrix {
				if len(r.Down) != 0 {
					c.t.Errorf("%s has reasons for links that are up: %v", name, r.Down)
				}
			}
			if len(e.Members) != len(e.Links)+1 || len(e.Matrix) != len(e.Members) {
				c.t.Errorf("%s.%s: %d members, %d links, %d rows", name, e.Endpoint, len(e.Members), len(e.Links), len(e.Matrix))
			}
		}
	}
}

func inBubble(t *testing.T, f func(c *cluster)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{t: t, net: memnet.New(), nodes: map[string]*lateral.Node{}, procs: map[string]*memnet.Edge{}, cut: map[string]func(){}}
		t.Cleanup(func() { c.net.HealAll(); c.close() })
		f(c)
	})
}
