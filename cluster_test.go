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

	"lateral"
	"lateral/cache"
	"lateral/ccf"
	"lateral/ccf/stock"
	"lateral/internal/memnet"
)

// cluster is some nodes on an in-memory network with virtual time. It lives in
// a synctest bubble.
type cluster struct {
	t     *testing.T
	net   *memnet.Net
	nodes map[string]*lateral.Node
	procs map[string]*memnet.Edge
	cut   map[string]func() // of own: the end of its context
	edit  func(service, text string) string
	now   func(name string) func() time.Time // of own; nil: the right time
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{t: t, net: memnet.New(), nodes: map[string]*lateral.Node{}, procs: map[string]*memnet.Edge{}}
	t.Cleanup(c.close)
	return c
}

func (c *cluster) close() {
	for _, n := range c.nodes {
		n.Close()
	}
}

func hostAddr(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}) }

// start opens a service of the stock files on a host: "1/groupware".
func (c *cluster) start(name string) *lateral.Node {
	c.t.Helper()
	var host int
	var service string
	fmt.Sscanf(strings.Replace(name, "/", " ", 1), "%d %s", &host, &service)
	files := stock.Files(service)
	for i := range files {
		if c.edit != nil {
			files[i].Data = []byte(c.edit(service, string(files[i].Data)))
		}
	}
	cfg, err := ccf.Parse(files...)
	if err != nil {
		c.t.Fatal(err)
	}
	proc := c.net.Host(hostAddr(host)).Edge()
	n, err := lateral.Open(context.Background(), lateral.Config{Service: service, Host: fmt.Sprintf("oxgw%02d", host),
		CCF: cfg, Network: proc, Logger: slog.New(slog.NewTextHandler(logTo{c.t, name}, nil))})
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[name], c.procs[name] = n, proc
	return n
}

type logTo struct {
	t    *testing.T
	name string
}

func (l logTo) Write(p []byte) (int, error) {
	if !strings.Contains(string(p), "ccf:") {
		l.t.Logf("%s %s", l.name, p)
	}
	return len(p), nil
}

func (c *cluster) wait(nodes int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	began := time.Now()
	for name, n := range c.nodes {
		if err := n.WaitComplete(ctx, nodes); err != nil {
			c.t.Fatalf("%s: %v", name, err)
		}
	}
	c.t.Logf("complete after %v", time.Since(began))
}

func (c *cluster) put(name, region, key, value string) {
	c.t.Helper()
	if _, err := c.nodes[name].Do(context.Background(), cache.Command{Op: cache.Put, Region: region, Key: key, Value: cache.Value{Bytes: value}}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) get(name, region, key string) string {
	c.t.Helper()
	rep, err := c.nodes[name].Do(context.Background(), cache.Command{Op: cache.Get, Region: region, Key: key})
	if err != nil {
		c.t.Fatal(err)
	}
	if !rep.Found {
		return ""
	}
	return rep.Element.Value.Bytes
}

func TestThePage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		for _, s := range []string{"1/groupware", "1/admindaemon", "2/groupware", "2/admindaemon"} {
			c.start(s)
		}
		c.wait(4)
		st := c.nodes["1/groupware"].Mesh()
		if st.Expected != 7 || st.Present != 7 || !st.Complete {
			t.Fatalf("%+v", st)
		}
		c.put("1/groupware", "SessionCache", "s1", "anna")
		time.Sleep(10 * time.Millisecond)
		if got := c.get("2/groupware", "SessionCache", "s1"); got != "anna" {
			t.Fatal(got)
		}
		c.close()
	})
}
