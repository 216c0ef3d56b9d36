// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
	"lateral/internal/memnet"
)

// The region of a cluster, and how it is coherent.
const (
	region     = "Scale"
	replicate  = "replicate"
	invalidate = "invalidate"
)

// config is one region, and peers that are found by multicast.
func config(mode, endpoint string) (*ccf.Config, error) {
	return ccf.Parse(ccf.Source{Name: "scale.ccf", Data: fmt.Appendf(nil, `jcs.default=
jcs.region.Scale=LTCP
jcs.region.Scale.cacheattributes=org.apache.jcs.engine.CompositeCacheAttributes
jcs.region.Scale.cacheattributes.MaxObjects=4000000
jcs.region.Scale.elementattributes=org.apache.jcs.engine.ElementAttributes
jcs.region.Scale.elementattributes.IsLateral=%t
jcs.auxiliary.LTCP=org.apache.jcs.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory
jcs.auxiliary.LTCP.attributes=org.apache.jcs.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes
jcs.auxiliary.LTCP.attributes.UdpDiscoveryAddr=224.0.0.1
jcs.auxiliary.LTCP.attributes.UdpDiscoveryPort=16782
jcs.auxiliary.LTCP.attributes.UdpDiscoveryEnabled=true
jcs.auxiliary.LTCP.attributes.IssueRemoveOnPut=%t
%s`, mode == replicate, mode == invalidate, endpoint)})
}

// A cluster is some nodes of one process.
type cluster struct {
	mode     string
	endpoint string      // lines of the ccf that say where nodes listen
	net      *memnet.Net // nil: loopback
	nodes    []*lateral.Node
	edges    []*memnet.Edge
	links    counter
}

// inMemory is a cluster whose network is in memory; in a synctest bubble its
// time is virtual.
func inMemory(mode string) *cluster {
	return &cluster{mode: mode, net: memnet.New(), endpoint: "jcs.auxiliary.LTCP.attributes.TcpListenerPort=57462\n"}
}

// onLoopback is a cluster over TCP and multicast of the loopback interface.
func onLoopback(mode, name string) *cluster {
	return &cluster{mode: mode, endpoint: "jcs.auxiliary.LTCP.attributes.TcpListenerPort=0\n" +
		"jcs.auxiliary.LTCP.attributes.TcpListenerHost=127.0.0.1\njcs.auxiliary.LTCP.attributes.Interface=lo\n" +
		"jcs.auxiliary.LTCP.attributes.ClusterName=" + name + "\n" + patience}
}

// patience is for a machine on which a hundred nodes share two cores with other
// work: what is measured is not how soon they take each other for dead.
const patience = "jcs.auxiliary.LTCP.attributes.OpenTimeOut=10000\njcs.auxiliary.LTCP.attributes.LinkTimeout=30s\n"

func addr(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }

// start opens one more node.
func (c *cluster) start(ctx context.Context) error {
	i := len(c.nodes) + 1
	cfg, err := config(c.mode, c.endpoint)
	if err != nil {
		return err
	}
	lc := lateral.Config{Service: fmt.Sprint("node", i), Host: fmt.Sprint("host", i), CCF: cfg, Logger: slog.New(&c.links)}
	if c.net != nil {
		e := c.net.Host(addr(i)).Edge()
		c.edges = append(c.edges, e)
		lc.Network = e
	}
	n, err := lateral.Open(ctx, lc)
	if err != nil {
		return err
	}
	c.nodes = append(c.nodes, n)
	return nil
}

// form starts n nodes, all at once or as many as batch says, each when those
// before are linked, and returns when every pair is.
func (c *cluster) form(ctx context.Context, n, batch int) (took time.Duration, err error) {
	begin := time.Now()
	for i := range n {
		if err := c.start(ctx); err != nil {
			return 0, err
		}
		if batch > 0 && i%batch == batch-1 {
			if _, err := c.linked(ctx, begin); err != nil {
				return 0, err
			}
		}
	}
	return c.linked(ctx, begin)
}

// linked waits until both ends of every pair of nodes have a link.
func (c *cluster) linked(ctx context.Context, since time.Time) (time.Duration, error) {
	err := c.links.wait(ctx, len(c.nodes)*(len(c.nodes)-1))
	return time.Since(since), err
}

// close ends all nodes at once.
func (c *cluster) close() {
	var all sync.WaitGroup
	for i := range c.edges { // what is left to say has nobody to hear it: nobody draws conclusions from who goes, which for hundreds at once takes a third of all CPU of the run
		for j := range i {
			c.net.Partition(addr(i+1), addr(j+1))
		}
	}
	for _, n := range c.nodes {
		all.Go(func() { n.Close() })
	}
	all.Wait()
}

// put writes what every other node hears of: a value, or where values do not
// travel the removal of one.
func (c *cluster) put(ctx context.Context, key string, size int) error {
	cmd := cache.Command{Op: cache.Put, Region: region, Key: key, Value: cache.Value{Bytes: string(make([]byte, size))}}
	if c.mode == invalidate {
		cmd = cache.Command{Op: cache.Remove, Region: region, Key: key}
	}
	_, err := c.nodes[0].Do(ctx, cmd)
	return err
}

// A counter counts the ends of links that are up, by what nodes log: to ask
// each node would cost more than what is measured.
type counter struct {
	mu    sync.Mutex // guards what follows
	up    int
	ever  int // ends that ever came up
	news  chan struct{}
	count map[string]int // other messages
}

// numbers are addresses and such, which make every line another.
var numbers = regexp.MustCompile(`[0-9][0-9.:]*`)

// Enabled is of slog.Handler, as are the other methods with capitals.
func (c *counter) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelDebug }

// Handle counts.
func (c *counter) Handle(_ context.Context, r slog.Record) error {
	what := r.Message
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "cause" || a.Key == "error" {
			what += ": " + numbers.ReplaceAllString(a.Value.String(), "n")
		}
		return true
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count == nil {
		c.count = map[string]int{}
	}
	c.count[what]++
	switch r.Message {
	case "link up":
		c.up++
		c.ever++
	case "link down", "link replaced":
		c.up--
	default:
		return nil
	}
	if c.news != nil {
		close(c.news)
		c.news = nil
	}
	return nil
}

// said lists what nodes said most.
func (c *counter) said() string {
	lines := slices.SortedFunc(maps.Keys(c.count), func(a, b string) int { return c.count[b] - c.count[a] })
	var b strings.Builder
	for _, l := range lines[:min(len(lines), 25)] {
		fmt.Fprintf(&b, "\n%8d %.160s", c.count[l], l)
	}
	return b.String()
}

// WithAttrs is of slog.Handler.
func (c *counter) WithAttrs([]slog.Attr) slog.Handler { return c }

// WithGroup is of slog.Handler.
func (c *counter) WithGroup(string) slog.Handler { return c }

// wait returns when so many ends are up.
func (c *counter) wait(ctx context.Context, want int) error {
	for {
		c.mu.Lock()
		up := c.up
		if c.news == nil {
			c.news = make(chan struct{})
		}
		news := c.news
		c.mu.Unlock()
		if up == want {
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			c.mu.Lock()
			defer c.mu.Unlock()
			return fmt.Errorf("%d of %d ends of links are up (%d came up in all), and nodes said %s: %w", up, want, c.ever, c.said(), ctx.Err())
		}
	}
}
