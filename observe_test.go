// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
	"lateral/mesh"
)

// observed is a cluster file of JCS; more lines belong to the auxiliary.
func observed(regions string, more ...string) string {
	const a = "jcs.auxiliary.LTCP.attributes"
	text := "jcs.default=LTCP\njcs.default.cacheattributes.MaxObjects=1000\n" + regions +
		"\njcs.auxiliary.LTCP=org.apache.commons.jcs3.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory\n" +
		a + "=org.apache.commons.jcs3.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes\n" + a + ".TcpListenerPort=57462\n" + a + ".UdpDiscoveryAddr=224.0.0.1\n"
	for _, m := range more {
		text += a + "." + m + "\n"
	}
	return text
}

func (c *cluster) startText(name string, host int, text string) *lateral.Node {
	c.t.Helper()
	cfg, err := ccf.Parse(ccf.Source{Name: name + ".ccf", Data: []byte(text)})
	if err != nil {
		c.t.Fatal(err)
	}
	n, err := lateral.Open(context.Background(), lateral.Config{Service: name, Host: fmt.Sprintf("host%d", host), CCF: cfg,
		Network: c.net.Host(hostAddr(host)).Edge(), Logger: slog.New(slog.NewTextHandler(logTo{c.t, name}, nil))})
	if err != nil {
		c.t.Fatal(err)
	}
	c.nodes[name] = n
	return n
}

// TestObserver: an observer in a cluster hears it, under the names of regions
// that it learns, and is no member; nothing can be written through it.
func TestObserver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		const regions = "jcs.region.alpha=LTCP\njcs.region.beta=LTCP"
		a, b := c.startText("a", 1, observed(regions)), c.startText("b", 2, observed(regions))
		c.wait(2)
		time.Sleep(time.Minute) // from now on they announce themselves every 10 s alone
		o := c.startText("o", 3, observed("", "ListenOnly=true"))
		time.Sleep(500 * time.Millisecond)
		if st := o.Status(); len(st.Regions) != 2 {
			t.Errorf("it asked, and has learned of %d regions", len(st.Regions))
		}
		other := c.startText("p", 4, observed("", "ListenOnly=true"))
		time.Sleep(10 * time.Second)
		c.put("a", "alpha", "k", "v")
		c.put("b", "beta", "k", "w")
		time.Sleep(time.Second)
		for _, x := range []*lateral.Node{o, other} {
			if rep, err := x.Do(context.Background(), cache.Command{Op: cache.Get, Region: "alpha", Key: "k"}); err != nil || rep.Element.Value.Bytes != "v" {
				t.Errorf("%q, %v", rep.Element.Value.Bytes, err)
			}
		}
		for name, n := range map[string]*lateral.Node{"a": a, "b": b} {
			observerIsNoMember(t, name, n)
		}
		observerStatus(t, o)
		c.strange(3)
		if s := o.Survey(context.Background()); len(s) != 0 {
			t.Errorf("it takes part in a survey: %+v", s)
		}
		observerRefuses(t, o)
		rep, err := a.Do(context.Background(), cache.Command{Op: cache.Get, Region: "alpha", Key: "k"})
		if err != nil || rep.Element.Value.Bytes != "v" {
			t.Errorf("%+v, %v", rep, err)
		}
		if m := mesh.Verdict(a.Status(), b.Status(), o.Status(), other.Status()); !m.Complete || m.Expected != 1 || m.Nodes != 4 {
			t.Errorf("asked together: %+v", m)
		}
		if v, err := o.Verify(context.Background(), "", false); err != nil || v.Verdict != cache.Unknown || len(v.Regions) != 2 || !v.Regions[0].Observed {
			t.Errorf("%+v, %v", v, err)
		}
	})
}

// observerIsNoMember looks from a node of a cluster of two, which two observe.
func observerIsNoMember(t *testing.T, name string, n *lateral.Node) {
	if m := n.Mesh(); !m.Complete || m.Nodes != 2 || m.Expected != 1 {
		t.Errorf("%s: %+v", name, m)
	}
	observers := 0
	for _, l := range n.Status().Endpoints[0].Links {
		if l.To.Service == "observer" && l.Direction == "out" {
			observers++
		}
	}
	if observers != 2 {
		t.Errorf("%s: %+v", name, n.Status().Endpoints[0].Links)
	}
	if err := n.Barrier(context.Background()); err != nil {
		t.Error(err)
	}
}

// strange has a stranger open the mesh's protocol at the observer of a host,
// again and again: it has a hello for nobody.
func (c *cluster) strange(host int) {
	c.t.Helper()
	for range 5 {
		conn, err := c.net.Host(hostAddr(9)).Edge().Dial(context.Background(), hostAddr(host).String()+":57462")
		if err != nil {
			c.t.Fatal(err)
		}
		io.WriteString(conn, mesh.Magic)
		conn.SetReadDeadline(time.Now().Add(time.Second))
		if b, err := io.ReadAll(conn); err != nil || len(b) > 0 {
			c.t.Errorf("%q, %v", b, err)
		}
		conn.Close()
	}
	synctest.Wait() // the last is counted once it is closed
	if k := c.nodes["o"].Status().Endpoints[0].Counters; k["jcs_refused"] != 5 || k["accepted"] != 0 {
		c.t.Errorf("%v", k)
	}
}

func observerStatus(t *testing.T, o *lateral.Node) {
	st := o.Status()
	e := st.Endpoints[0]
	if !e.ListenOnly || e.Observed == nil || len(e.Members) != 1 || e.Members[0].Role != "observer" || e.Listen == "" || e.Security.Open != "" || len(e.JavaDown) > 0 {
		t.Errorf("%+v", e)
	}
	nodes := 0
	for _, n := range e.JavaNodes {
		if n.Lateral && !n.Observer && n.Addr == n.Source+":57462" && strings.Join(n.Regions, " ") == "alpha beta" {
			nodes++
		}
	}
	if nodes != 2 || len(e.JavaNodes) != 3 {
		t.Errorf("%+v", e.JavaNodes)
	}
	var alpha, beta uint64
	for _, n := range e.Observed.Nodes {
		for _, r := range n.Regions {
			if r.Region == "alpha" {
				alpha += r.Puts
			} else if r.Region == "beta" {
				beta += r.Puts
			}
		}
	}
	if alpha != 1 || beta != 1 {
		t.Errorf("%+v", e.Observed.Nodes)
	}
	for name, want := range map[string]int64{"jcs_messages_out": 0, "jcs_dialled": 0, "jcs_bytes_out": 0, "dialled": 0, "jcs_accepted": 2, "jcs_messages_in": 2} {
		if e.Counters[name] != want {
			t.Errorf("%s is %d, want %d", name, e.Counters[name], want)
		}
	}
	if m := o.Mesh(); !m.Complete || m.Expected != 0 || len(m.Links) != 2 {
		t.Errorf("%+v", m)
	}
	if len(st.Regions) != 2 || st.Regions[0].Elements != 1 || !st.Regions[0].Ready {
		t.Errorf("%+v", st.Regions)
	}
}

// observerRefuses tries everything that writes.
func observerRefuses(t *testing.T, o *lateral.Node) {
	ctx := context.Background()
	r, err := lateral.In(o, "alpha", lateral.Text)
	if err != nil {
		t.Fatal(err)
	}
	for _, op := range []cache.Op{cache.Put, cache.PutIfAbsent, cache.Update, cache.Remove, cache.RemoveAll, cache.RemoveGroup, cache.RemoveTag, cache.Take, cache.Merge} {
		for _, from := range []cache.Origin{cache.Application, cache.LocalOnly} {
			if _, err := o.Do(ctx, cache.Command{Op: op, Origin: from, Region: "alpha", Key: "k"}); !errors.Is(err, cache.ErrObserved) {
				t.Errorf("%s: %v", op, err)
			}
		}
	}
	changed := false
	for name, do := range map[string]func() error{
		"Put":    func() error { return r.Put(ctx, "k", "x") },
		"Remove": func() error { return r.Remove(ctx, "k") },
		"Clear":  func() error { return r.Clear(ctx) },
		"Tagged": func() error { return r.PutTagged(ctx, "k", "x", "tag") },
		"Tag":    func() error { _, err := r.RemoveTag(ctx, "tag"); return err },
		"Take":   func() error { _, _, err := r.Take(ctx, "k"); return err },
		"Update": func() error {
			return r.Update(ctx, "k", func(context.Context) error { changed = true; return nil })
		},
	} {
		if err := do(); !errors.Is(err, cache.ErrObserved) || !strings.Contains(err.Error(), "ListenOnly") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if changed {
		t.Error("the source was changed before the refusal")
	}
	if v, err := r.GetOrLoad(ctx, "loaded", func(context.Context) (string, error) { return "x", nil }); v != "x" || err != nil {
		t.Errorf("a load: %q, %v", v, err)
	}
	if _, ok, _ := r.Get(ctx, "loaded"); ok {
		t.Error("what was loaded is kept, as if it had been heard")
	}
	if v, ok, err := r.Get(ctx, "k"); v != "v" || !ok || err != nil {
		t.Errorf("%q, %v, %v", v, ok, err)
	}
}

// TestObserverListed: a Lateral node that lists an observer in TcpServers takes
// it for a Java node, and writes to it.
func TestObserverListed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		const regions = "jcs.region.alpha=LTCP"
		o := c.startText("o", 2, observed(regions, "ListenOnly=true", "UdpDiscoveryEnabled=false"))
		a := c.startText("a", 1, observed(regions, "TcpServers=10.0.0.2:57462", "UdpDiscoveryEnabled=false"))
		time.Sleep(10 * time.Second)
		c.put("a", "alpha", "k", "v")
		time.Sleep(time.Second)
		if got := c.get("o", "alpha", "k"); got != "v" {
			t.Errorf("it holds %q", got)
		}
		if m := a.Mesh(); !m.Complete || m.Nodes != 1 {
			t.Errorf("%+v", m)
		}
		if k := o.Status().Endpoints[0].Counters; k["jcs_bytes_out"]+k["dialled"]+k["packets_sent"] != 0 {
			t.Errorf("%v", k)
		}
	})
}

// TestObserverIsNoSibling: nobody expects the other endpoint of a member, which
// only listens, to be linked.
func TestObserverIsNoSibling(t *testing.T) {
	two := func(more string) string {
		text := observed("jcs.region.alpha=LTCP\njcs.region.beta=OBS")
		const b = "jcs.auxiliary.OBS.attributes"
		return text + "jcs.auxiliary.OBS=org.apache.commons.jcs3.auxiliary.lateral.socket.tcp.LateralTCPCacheFactory\n" +
			b + "=org.apache.commons.jcs3.auxiliary.lateral.socket.tcp.TCPLateralCacheAttributes\n" + b + ".TcpListenerPort=57463\n" +
			b + ".UdpDiscoveryAddr=224.0.0.1\n" + b + ".UdpDiscoveryPort=6781\n" + more
	}
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		c.startText("a", 1, two(""))
		o := c.startText("o", 2, two("jcs.auxiliary.OBS.attributes.ListenOnly=true\n"))
		c.wait(2)
		time.Sleep(10 * time.Second) // an observer is told what comes after it is known
		c.put("a", "beta", "k", "v")
		c.put("o", "alpha", "k", "w")
		time.Sleep(time.Second)
		if c.get("o", "beta", "k") != "v" || c.get("a", "alpha", "k") != "w" {
			t.Error("the one is not observed, or the other no member")
		}
		if err := o.Barrier(context.Background()); err != nil {
			t.Error(err)
		}
	})
}
