// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/memnet"
	"lateral/internal/redistest"
)

const (
	remoteBeat   = 50 * time.Millisecond
	remoteSilent = 1500 * time.Millisecond
)

// onRemote are the lines of regions with a remote tier: Near and Load of no mesh, Told with removals
// that travel in it, Both with values that do, and Thru that is written through.
func onRemote(addr string, more ...string) []string {
	const r = "jcs.region."
	lines := []string{r + "Near=VC", r + "Load=VC", r + "Told=VC,LTCP", r + "Told.elementattributes.IsLateral=false", r + "Both=VC,LTCP", r + "Thru=VT",
		"jcs.auxiliary.VT.attributes.WriteThrough=true"}
	for _, a := range []string{"VC", "VT"} {
		p := "jcs.auxiliary." + a
		lines = append(lines, p+"=lateral.remote.ValkeyCacheFactory", p+".attributes.FailoverServers="+addr, p+".attributes.KeyPrefix="+a,
			p+".attributes.HeartbeatInterval="+remoteBeat.String(), p+".attributes.LinkTimeout="+remoteSilent.String(), p+".attributes.GetTimeoutMillis=300")
	}
	return append(lines, more...)
}

// newRealCluster is one in real time: real servers know no other.
func newRealCluster(t *testing.T) *cluster {
	c := newCluster(t)
	c.cut = map[string]func(){}
	return c
}

func (c *cluster) soon(what string, ok func() bool) {
	c.t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatalf("not within a minute: %s", what)
		}
	}
}

func (c *cluster) remote(name, region string) cache.RemoteStatus {
	c.t.Helper()
	st := c.region(name, region)
	if len(st.Remotes) != 1 {
		c.t.Fatalf("%s, %s: %+v", name, region, st.Remotes)
	}
	return st.Remotes[0]
}

func (c *cluster) tracked(regions ...string) {
	c.t.Helper()
	for name := range c.nodes {
		for _, r := range regions {
			c.soon(name+" is tracked", func() bool { return c.remote(name, r).Works })
		}
	}
}

// ask is get where an error is no answer.
func (c *cluster) ask(name, region, key string) string {
	rep, err := c.nodes[name].Do(context.Background(), cache.Command{Op: cache.Get, Region: region, Key: key})
	if err != nil || !rep.Found {
		return ""
	}
	return rep.Element.Value.Bytes
}

// in memory alone.
func (c *cluster) held(name, region, key string) string {
	c.t.Helper()
	rep, err := c.nodes[name].Do(context.Background(), cache.Command{Op: cache.Get, Origin: cache.LocalOnly, Region: region, Key: key})
	if err != nil {
		c.t.Fatal(err)
	}
	return rep.Element.Value.Bytes
}

// Why asks the remote tier as well, for as long as a get would, and counts nothing.
func TestWhyTellsOfRemote(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	c := newRealCluster(t)
	c.own(1, onRemote(srv.Addr(), "jcs.region.Short=VC", "jcs.region.Short.elementattributes.IsEternal=false", "jcs.region.Short.elementattributes.MaxLifeSeconds=1000")...)
	c.tracked("Near", "Both", "Short")
	why := func(region, key string) (cache.TierHolding, string) {
		t.Helper()
		x, err := c.nodes["1"].Explain(t.Context(), region, key)
		if err != nil || len(x.Remote) != 1 {
			t.Fatalf("%+v, %v", x, err)
		}
		return x.Remote[0], x.Why[len(x.Why)-1]
	}
	c.put("1", "Near", "k", "value")
	c.put("1", "Short", "k", "value")
	c.soon("it is written", func() bool { return c.remote("1", "Near").Queued+c.remote("1", "Short").Queued == 0 })
	before := c.remote("1", "Near")
	if h, line := why("Near", "k"); h.State != cache.KnownLive || h.Bytes != 5 || h.Left != 0 || h.Name != "VC" || h.Servers != srv.Addr() || h.Waiting ||
		!strings.HasPrefix(line, "remote tier VC ("+srv.Addr()+") has the value of 2") {
		t.Errorf("%+v, %s", h, line)
	}
	if h, _ := why("Short", "k"); h.State != cache.KnownLive || h.MaxLife != 1000*time.Second || h.Left <= 900*time.Second || h.Left > 1000*time.Second {
		t.Errorf("%+v", h)
	}
	if h, line := why("Near", "nobody"); h.State != cache.KnownAbsent || !strings.HasSuffix(line, "has nothing of the key") {
		t.Errorf("%+v, %s", h, line)
	}
	if after := c.remote("1", "Near"); after.Hits != before.Hits || after.Misses != before.Misses {
		t.Errorf("asking why is counted: %+v, before %+v", after, before)
	}
	c.remove("1", "Near", "k")
	c.soon("the removal is there", func() bool { return c.remote("1", "Near").Queued == 0 })
	if h, line := why("Near", "k"); h.State != cache.KnownTombstone || !strings.Contains(line, "knows of a removal at 2") {
		t.Errorf("%+v, %s", h, line)
	}
	srv.Stop() // it takes connections, and does not answer
	c.put("1", "Near", "k", "later")
	if h, line := why("Near", "k"); h.State != cache.KnownLive || !h.Waiting || !strings.Contains(line, "has not got it yet") {
		t.Errorf("%+v, %s", h, line)
	}
	if h, line := why("Near", "other"); h.Err == "" || !strings.Contains(line, "could not be asked: ") {
		t.Errorf("%+v, %s", h, line)
	}
	srv.Continue()
}

// Two meshes in two networks share one server, and stay coherent by it: what one
// puts the others read, what one removes nobody has, in every mode; loads of one spare
// the others theirs; what redis-cli sets is seen by all.
func TestTwoMeshesOneRemote(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	a, b := newRealCluster(t), newRealCluster(t)
	b.net = memnet.New()
	for _, m := range []*cluster{a, b} {
		m.own(1, onRemote(srv.Addr())...)
		m.own(2, onRemote(srv.Addr())...)
		m.wait(2)
		m.tracked("Near", "Told", "Both", "Thru")
	}
	everywhere := func(region, key, want string) {
		t.Helper()
		for i, m := range []*cluster{a, b} {
			for _, n := range []string{"1", "2"} {
				m.soon(fmt.Sprintf("mesh %d, node %s: %s of %s is %q", i, n, key, region, want), func() bool { return m.ask(n, region, key) == want })
			}
		}
	}
	for _, region := range []string{"Near", "Told", "Both", "Thru"} {
		a.put("1", region, "k", "1")
		everywhere(region, "k", "1")
		b.put("2", region, "k", "2")
		everywhere(region, "k", "2")
		a.put("2", region, "k", "3")
		everywhere(region, "k", "3")
		a.remove("1", region, "k")
		everywhere(region, "k", "")
		b.put("1", region, "p:1", "v")
		b.put("1", region, "q", "v")
		everywhere(region, "p:1", "v")
		a.remove("2", region, "p:")
		everywhere(region, "p:1", "")
		everywhere(region, "q", "v")
		if _, err := b.nodes["2"].Do(t.Context(), cache.Command{Op: cache.RemoveAll, Region: region}); err != nil {
			t.Fatal(err)
		}
		everywhere(region, "q", "")
		prefix := "VC:"
		if region == "Thru" {
			prefix = "VT:"
		}
		srv.CLI("SET", prefix+region+":out", "side")
		everywhere(region, "out", "side")
		srv.CLI("SET", prefix+region+":out", "changed")
		everywhere(region, "out", "changed")
	}
	if got := a.verify("1", false); got.Verdict != cache.Equal && got.Region == "Both" {
		t.Errorf("%+v", got)
	}
	loads := 0
	load := func(context.Context) (string, error) { loads++; return "loaded", nil }
	if v, err := a.in("1", "Load").GetOrLoad(t.Context(), "l", load); v != "loaded" || err != nil {
		t.Fatal(v, err)
	}
	everywhere("Load", "l", "loaded")
	if v, err := b.in("2", "Load").GetOrLoad(t.Context(), "l", load); v != "loaded" || err != nil || loads != 1 {
		t.Errorf("%q %v after %d loads", v, err, loads)
	}
	// What was read is held, and what was written: no question to the server for each get.
	a.put("1", "Near", "own", "v")
	a.soon("it is written", func() bool { return a.remote("1", "Near").Queued == 0 })
	a.soon("its invalidation is verified", func() bool { return a.remote("1", "Near").Kept > 0 })
	if a.held("1", "Near", "own") != "v" {
		t.Error("a node's own write was dropped by its invalidation")
	}
}

// A value loaded before a removal elsewhere, of which this node hears nothing, is on the
// server after it under a stamp that is older: nobody else finds it.
func TestRemoteLateLoad(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	way := newSilence(t, srv.Addr())
	c := newRealCluster(t)
	c.own(1, onRemote(way.l.Addr().String(), "jcs.region.Near.cacheattributes.StaleMax=1h")...)
	c.own(2, onRemote(srv.Addr())...)
	c.wait(2)
	c.tracked("Near")
	began, goOn := make(chan struct{}), make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		_, err := c.in("1", "Near").GetOrLoad(context.Background(), "k", func(context.Context) (string, error) {
			close(began)
			<-goOn
			return "old", nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-began
	way.hush.Store(true)
	c.remove("2", "Near", "k")
	c.soon("the removal is written", func() bool { return c.remote("2", "Near").Queued == 0 })
	close(goOn)
	done.Wait()
	if c.held("1", "Near", "k") != "old" || c.remote("1", "Near").Queued != 1 {
		t.Errorf("the load was not kept and noted: the test shows nothing; %+v", c.remote("1", "Near"))
	}
	way.hush.Store(false)
	c.soon("it is written", func() bool { return c.remote("1", "Near").Queued == 0 })
	c.tracked("Near")
	for _, n := range []string{"1", "2"} {
		c.soon("nobody has the old value", func() bool { return c.ask(n, "Near", "k") == "" })
	}
	if got := c.get("2", "Near", "k"); got != "" {
		t.Errorf("%q", got)
	}
}

// Written through, a put that returned is on the server, and one that is not says so.
func TestRemoteWriteThrough(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	c := newRealCluster(t)
	n := c.own(1, onRemote(srv.Addr())...)
	c.tracked("Thru")
	put := func(v string) error {
		_, err := n.Do(t.Context(), cache.Command{Op: cache.Put, Region: "Thru", Key: "k", Value: cache.Value{Bytes: v}})
		return err
	}
	for i := range 20 {
		if err := put(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if got := srv.CLI("HVALS", "VT:Thru:k"); got != fmt.Sprint(i) {
			t.Errorf("put %d, the server has %q", i, got)
		}
	}
	srv.Stop()
	if err := put("stopped"); !errors.Is(err, cache.ErrNotReplicated) {
		t.Errorf("%v", err)
	}
	srv.Continue()
	c.soon("it gets there", func() bool { return srv.CLI("HVALS", "VT:Thru:k") == "stopped" })
}

// What waits when a node ends is written.
func TestRemoteDrains(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	c := newRealCluster(t)
	n := c.own(1, onRemote(srv.Addr())...)
	c.tracked("Near")
	srv.Stop()
	for i := range 2000 {
		c.put("1", "Near", fmt.Sprint("k", i), "v")
	}
	var over sync.WaitGroup
	over.Go(func() { c.stop("1") })
	c.soon("it has left, and only what waits is to be written", func() bool {
		_, err := n.Do(t.Context(), cache.Command{Op: cache.Get, Region: "Near", Key: "k1"})
		return errors.Is(err, cache.ErrClosed)
	})
	srv.Continue()
	over.Wait()
	if got := len(srv.CLI("--raw", "KEYS", "VC:Near:*")); got < 2000*len("VC:Near:k") {
		t.Errorf("%d bytes of keys", got)
	}
}

// A silence is a way to a server on which nothing passes while it holds: the
// connections stay, as with a cable that is pulled.
type silence struct {
	t    *testing.T
	to   string
	l    net.Listener
	hush atomic.Bool
	wg   sync.WaitGroup
	mu   sync.Mutex
	all  []net.Conn
}

func newSilence(t *testing.T, to string) *silence {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &silence{t: t, to: to, l: l}
	s.wg.Go(s.accept)
	t.Cleanup(func() {
		l.Close()
		s.mu.Lock()
		for _, c := range s.all {
			c.Close()
		}
		s.mu.Unlock()
		s.wg.Wait()
	})
	return s
}

func (s *silence) accept() {
	for {
		c, err := s.l.Accept()
		if err != nil {
			return
		}
		up, err := net.Dial("tcp", s.to)
		if err != nil {
			c.Close()
			continue
		}
		s.mu.Lock()
		s.all = append(s.all, c, up)
		s.mu.Unlock()
		s.wg.Go(func() { s.pass(c, up) })
		s.wg.Go(func() { s.pass(up, c) })
	}
}

// pass carries bytes; those that come in silence are gone, and the connection ends after it.
func (s *silence) pass(from, to net.Conn) {
	defer to.Close()
	b := make([]byte, 64<<10)
	lost := false
	for {
		n, err := from.Read(b)
		if hush := s.hush.Load(); hush {
			lost = true
		} else if lost {
			return
		} else if _, werr := to.Write(b[:n]); werr != nil {
			return
		}
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return
			}
			return
		}
	}
}

// TestRemoteStaleBound: the worst case. The connection falls silent, as nobody notices,
// and the value changes on the server at that moment. What docs/remote.md says holds: after LinkTimeout
// plus StaleMax nobody is served the old value, and until then the region may serve it.
func TestRemoteStaleBound(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	for when, most := range map[string]time.Duration{"serve": remoteSilent + 300*time.Millisecond, "bypass": remoteSilent, "drop": remoteSilent} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			way := newSilence(t, srv.Addr())
			c := newRealCluster(t)
			lines := onRemote(way.l.Addr().String(), "jcs.region.Near.cacheattributes.WhenLinkDown="+when, "jcs.region.Near.cacheattributes.StaleMax=300ms",
				"jcs.auxiliary.VC.attributes.KeyPrefix="+when)
			c.own(1, lines...)
			c.tracked("Near")
			srv.CLI("SET", when+":Near:k", "old")
			c.soon("it is held", func() bool { return c.get("1", "Near", "k") == "old" && c.held("1", "Near", "k") == "old" })
			if got := c.region("1", "Near").StaleMost; got < most {
				t.Errorf("the status says %v at most, the bound is %v", got, most)
			}
			way.hush.Store(true)
			srv.CLI("SET", when+":Near:k", "new")
			changed := time.Now()
			served := false
			const late = 250 * time.Millisecond // by which timers of a busy machine are
			for time.Since(changed) < most+time.Second {
				asked := time.Now()
				got := c.held("1", "Near", "k")
				rep, err := c.nodes["1"].Do(t.Context(), cache.Command{Op: cache.Get, Region: "Near", Key: "k"})
				if err == nil && rep.Found && rep.Element.Value.Bytes == "old" {
					if served = true; asked.Sub(changed) > most+late {
						t.Fatalf("old %v after the change, at most %v are promised (memory: %q)", asked.Sub(changed), most, got)
					}
				}
				time.Sleep(time.Millisecond)
			}
			if !served {
				t.Error("the old value was not served at all: the test shows nothing")
			}
			way.hush.Store(false)
			c.tracked("Near")
			c.soon("the new value is served", func() bool { return c.ask("1", "Near", "k") == "new" })
			c.soon("and held", func() bool { return c.get("1", "Near", "k") == "new" && c.held("1", "Near", "k") == "new" })
		})
	}
}

// While a member of the mesh is missed memory is bypassed, and the server answers.
func TestRemoteServesBypassed(t *testing.T) {
	t.Parallel()
	srv := redistest.Start(t)
	c := newRealCluster(t)
	for i := range 2 {
		c.own(i+1, onRemote(srv.Addr(), "jcs.region.Told.cacheattributes.WhenLinkDown=bypass", "LinkTimeout=200ms", "HeartbeatInterval=20ms")...)
	}
	c.wait(2)
	c.tracked("Told")
	c.put("1", "Told", "k", "1")
	c.soon("it is written", func() bool { return c.remote("1", "Told").Queued == 0 })
	c.die("2")
	c.soon("it is bypassed", func() bool { c.get("1", "Told", "k"); return c.region("1", "Told").Stats.Bypassed > 0 })
	srv.CLI("SET", "VC:Told:k", "2")
	for range 10 {
		if got := c.get("1", "Told", "k"); got != "2" {
			t.Fatalf("%q", got)
		}
	}
}

// A server that is gone: regions go on in memory as WhenLinkDown says, and a load goes to the source.
func TestRemoteGone(t *testing.T) {
	t.Parallel()
	c := newRealCluster(t)
	c.own(1, onRemote("127.0.0.1:1", "jcs.region.Near.cacheattributes.WhenLinkDown=bypass", "jcs.region.Told.cacheattributes.StaleMax=1h")...)
	near := c.in("1", "Near")
	loads := 0
	for range 3 {
		v, err := near.GetOrLoad(t.Context(), "k", func(context.Context) (string, error) { loads++; return "v", nil })
		if v != "v" || err != nil {
			t.Fatal(v, err)
		}
	}
	if loads != 3 || c.region("1", "Near").Stats.Bypassed == 0 {
		t.Errorf("%d loads, %+v", loads, c.region("1", "Near").Stats)
	}
	c.put("1", "Told", "k", "v")
	c.expect("1", "Told", "k", "v")
	c.put("1", "Both", "k", "v")
	c.expect("1", "Both", "k", "v")
	if st := c.remote("1", "Near"); st.Works || st.Why == "" {
		t.Errorf("%+v", st)
	}
}
