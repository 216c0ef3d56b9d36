// SPDX-License-Identifier: Apache-2.0

package lateraltest

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"testing"
	"time"

	"lateral"
	"lateral/ccf"
	"lateral/internal/memnet"
)

// MaxNodes of a cluster.
const MaxNodes = 100

// Limits of waiting, in the time of the bubble.
const (
	startMax    = time.Minute     // until the mesh is complete, in New and Restart
	convergeMax = 2 * time.Minute // AssertConverged: above the minute between two syncs
)

// Default is the cache.ccf of clusters that are given none: regions that are
// not declared replicate their values, Invalidated drops what peers remove,
// Sessions holds each value on one more node before its put returns.
const Default = `jcs.default=MESH
jcs.region.Invalidated=MESH
jcs.region.Invalidated.elementattributes=org.apache.jcs.engine.ElementAttributes
jcs.region.Invalidated.elementattributes.IsLateral=false
jcs.region.Sessions=MESH
jcs.region.Sessions.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Sessions.cacheattributes.MaxObjects=100000
jcs.region.Sessions.cacheattributes.Acks=1
jcs.auxiliary.MESH=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.MESH.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.MESH.attributes.TcpListenerPort=57462
jcs.auxiliary.MESH.attributes.UdpDiscoveryAddr=224.0.0.1
jcs.auxiliary.MESH.attributes.UdpDiscoveryPort=6780
jcs.auxiliary.MESH.attributes.UdpDiscoveryEnabled=true
jcs.auxiliary.MESH.attributes.IssueRemoveOnPut=false
`

// A Cluster is some nodes, numbered from 0, each on a host of its own. Its
// methods are for the goroutine of the test: they end it if they fail.
type Cluster struct {
	t     testing.TB
	net   *memnet.Net
	files []ccf.Source
	nodes []*member
}

// A member is what runs on a host.
type member struct {
	node *lateral.Node // nil: killed or stopped
	edge *memnet.Edge
	cut  context.CancelFunc
}

// New starts a cluster and returns when its mesh is complete and each node is
// ready. It ends with the test. The files are what every node reads, a
// program's own cache.ccf for example; none is Default. Regions, ports and
// multicast groups are used as they say; names of interfaces are not looked at.
func New(t testing.TB, nodes int, files ...ccf.Source) *Cluster {
	t.Helper()
	if nodes < 1 || nodes > MaxNodes {
		t.Fatalf("lateraltest: a cluster of %d nodes: 1 to %d can be had", nodes, MaxNodes)
	}
	if len(files) == 0 {
		files = []ccf.Source{{Name: "lateraltest.ccf", Data: []byte(Default)}}
	}
	c := &Cluster{t: t, net: memnet.New(), files: files}
	t.Cleanup(c.close)
	for range nodes {
		c.nodes = append(c.nodes, &member{})
		c.start(len(c.nodes) - 1)
	}
	c.WaitComplete()
	return c
}

// close ends all nodes at once. What they would wait for could not come.
func (c *Cluster) close() {
	for i := range c.nodes {
		if c.nodes[i].node != nil {
			c.Kill(i)
		}
	}
}

func addr(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}) }

func (c *Cluster) start(i int) {
	c.t.Helper()
	cfg, err := ccf.Parse(c.files...)
	if err != nil {
		c.t.Fatal(err)
	}
	m, name := c.nodes[i], fmt.Sprint("node", i)
	m.edge = c.net.Host(addr(i)).Edge()
	ctx, cut := context.WithCancel(context.Background())
	n, err := lateral.Open(ctx, lateral.Config{Service: name, Host: fmt.Sprint("host", i), CCF: cfg, Network: m.edge,
		Logger: slog.New(slog.NewTextHandler(c.t.Output(), nil)).With("node", i)})
	if err != nil {
		cut()
		c.t.Fatal(err)
	}
	m.node, m.cut = n, cut
}

// Len returns how many nodes there are, running or not.
func (c *Cluster) Len() int { return len(c.nodes) }

// Node returns a node that runs.
func (c *Cluster) Node(i int) *lateral.Node {
	c.t.Helper()
	if i < 0 || i >= len(c.nodes) {
		c.t.Fatalf("lateraltest: node %d of %d: they are numbered from 0", i, len(c.nodes))
	}
	if c.nodes[i].node == nil {
		c.t.Fatalf("lateraltest: node %d does not run: it was killed or stopped, Restart(%d) starts it", i, i)
	}
	return c.nodes[i].node
}

// In returns a region of a node, as lateral.In.
func In[V any](c *Cluster, i int, region string, codec lateral.Codec[V]) *lateral.Region[V] {
	c.t.Helper()
	r, err := lateral.In(c.Node(i), region, codec)
	if err != nil {
		c.t.Fatal(err)
	}
	return r
}

// running returns the nodes that run.
func (c *Cluster) running() (out []*lateral.Node) {
	for _, m := range c.nodes {
		if m.node != nil {
			out = append(out, m.node)
		}
	}
	return out
}

// WaitComplete returns when every node that runs has a link to every other and
// is ready. It fails the test after a minute, with what is missing.
func (c *Cluster) WaitComplete() {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startMax)
	defer cancel()
	nodes := c.running()
	for _, n := range nodes {
		if err := n.WaitComplete(ctx, len(nodes)); err != nil {
			c.t.Fatalf("lateraltest: the mesh is not complete: %v", err)
		}
		if err := n.WaitReady(ctx); err != nil {
			c.t.Fatalf("lateraltest: %v", err)
		}
	}
}
