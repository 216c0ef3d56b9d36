// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/jcs"
)

// newObserver is a rig that only listens, with a log of what it says about it.
func newObserver(t *testing.T, log io.Writer, dialled *atomic.Int64) *rig {
	return newRig(t, func(c *Config) {
		c.ListenOnly = true
		c.Requester = jcs.ObserverID()
		c.Logger = slog.New(slog.NewTextHandler(log, nil))
		dial := c.Dial
		c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
			dialled.Add(1)
			return dial(ctx, addr)
		}
	})
}

// TestObserver: who only listens hears all, dials nobody, has no answer but
// that there is nothing, and is no Lateral node to who asks for one.
func TestObserver(t *testing.T) {
	var dialled atomic.Int64
	for _, g := range jcs.Generations {
		r := newObserver(t, io.Discard, &dialled)
		l := newListener(t)
		r.Announced(l.addr(), &jcs.Packet{Gen: g, Requester: 99, Regions: []string{"alpha"}})
		d := r.dialler(g)
		d.send(jcs.Message{Op: jcs.Dispose, Hash: jcs.NoHash, Element: jcs.Element{Region: probeRegion}})
		d.send(update("k", "v", 0))
		d.send(update("k", "longer", 1))
		d.send(remove(text("l")))
		d.fence()
		if r.value("k") != "longer" {
			t.Errorf("%s: it holds %q", g.Name, r.value("k"))
		}
		d.send(jcs.Message{Op: jcs.Get, Hash: jcs.NoHash, Element: jcs.Element{Key: text("k")}})
		if v := d.reply(); v != nil {
			t.Errorf("%s: it answers with what it heard: %v", g.Name, v)
		}
		for op, want := range map[jcs.Op]string{jcs.GetMatching: "HashMap {0}", jcs.GetKeySet: "HashSet [0]"} {
			if op == jcs.GetMatching && g == jcs.JCS13 || op == jcs.GetKeySet && !g.Framed && g != jcs.JCS2 {
				continue // it has none
			}
			d.send(jcs.Message{Op: op, Hash: jcs.NoHash, Element: jcs.Element{Key: text(".*")}})
			if v := tree(d.reply()); !strings.HasPrefix(v, want) {
				t.Errorf("%s: %s is answered with %s", g.Name, op, v)
			}
		}
		d.send(jcs.Message{Op: jcs.RemoveAll, Hash: jcs.NoHash, Element: jcs.Element{Key: text("ALL")}})
		d.fence()
		o := r.Observed()
		if len(o.Nodes) != 1 || len(o.Nodes[0].Regions) != 1 {
			t.Fatalf("%s: %+v", g.Name, o)
		}
		n, a := o.Nodes[0], o.Nodes[0].Regions[0]
		if n.Addr != l.addr() || n.Generation != g.Family || a.Region != "alpha" || a.Puts != 2 || a.Removes != 1 || a.Clears != 1 || a.Questions < 3 || a.Bytes != 7 || a.PerSecond <= 0 {
			t.Errorf("%s: %+v", g.Name, n)
		}
		if links, down := r.Status(); len(links) != 1 || links[0].Direction != "in" || len(down) != 0 {
			t.Errorf("%s: %v, %v", g.Name, links, down)
		}
		if e, ok, err := r.Fetch(t.Context(), "alpha", "x"); ok || err != nil {
			t.Errorf("%s: a question is put: %v, %v", g.Name, e, err)
		}
		if c := r.Counters(); c["jcs_messages_out"]+c["jcs_asked"]+c["jcs_dialled"]+c["jcs_refused"] != 0 {
			t.Errorf("%s: %v", g.Name, c)
		}
	}
	if n := dialled.Load(); n != 0 {
		t.Errorf("%d connections were dialled", n)
	}
}

// TestObserverIsNoMember: the mesh's hello is refused with the reason.
func TestObserverIsNoMember(t *testing.T) {
	log := make(lines, 16)
	var dialled atomic.Int64
	r := newObserver(t, log, &dialled)
	c, err := net.Dial("tcp", r.ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, Magic)
	if b, err := io.ReadAll(c); err != nil || len(b) > 0 {
		t.Errorf("% x, %v", b, err)
	}
	if l := <-log; !strings.Contains(l, "ListenOnly") || r.Counters()["jcs_refused"] != 1 {
		t.Error(l)
	}
}

// lines of a log.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

// TestUnheard: a Java node that was heard and tells this one nothing is named,
// another observer is not.
func TestUnheard(t *testing.T) {
	var dialled atomic.Int64
	r := newObserver(t, io.Discard, &dialled)
	r.Announced("127.0.0.1:1", &jcs.Packet{Gen: jcs.JCS3, Requester: 99, Regions: []string{"alpha"}})
	r.Announced("127.0.0.1:2", &jcs.Packet{Gen: jcs.JCS3, Requester: 98, Regions: []string{"alpha"}})
	r.Announced("127.0.0.1:3", &jcs.Packet{Gen: jcs.JCS3, Requester: jcs.ObserverID(), Regions: []string{"alpha"}})
	d := r.dialler(jcs.JCS3)
	d.send(update("k", "v", 0)) // as 99
	d.fence()
	if _, down := r.Status(); len(down) != 1 || !strings.Contains(down["127.0.0.1:2"], "has not connected") {
		t.Errorf("%v", down)
	}
}

// TestDisputesAreNamed: what two connections say of one key, by the names of
// the nodes.
func TestDisputesAreNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := Links{c: Config{ListenOnly: true}, watch: &observer{sources: map[int64]*source{}}, peers: map[string]*peer{}}
		o.peers["a:1"] = &peer{addr: "a:1", requester: 1}
		say := func(node int64, from string, m jcs.Message) {
			m.Gen, m.Requester, m.Region = jcs.JCS133, node, "alpha"
			o.watch.take(&m, from, 0)
		}
		say(1, "a:999", update("k", "one", 0))
		time.Sleep(5 * time.Millisecond)
		say(2, "b:998", update("k", "two", 0))
		say(2, "b:998", update("fine", "x", 0))
		time.Sleep(settleTime)
		list, crossed, inTurn := o.Disputes("alpha")
		if len(list) != 1 || crossed != 1 || inTurn != 0 {
			t.Fatalf("%v, %d, %d", list, crossed, inTurn)
		}
		d := list[0]
		if d.Key != "k" || d.Kind != cache.Crossed || len(d.Said) != 2 || d.Said[0].Node != "b:998" || d.Said[1].Node != "a:1" || d.Said[0].Value == d.Said[1].Value {
			t.Errorf("%+v", d.Said)
		}
		if s := o.Observed(); s.Crossed != 1 || s.Keys != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// TestRates: a rate is that of about the last minute, and an average of what
// there was where that is shorter.
func TestRates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var m meter
		near := func(want float64) {
			t.Helper()
			if got := m.perSecond(time.Now()); got < want*0.9 || got > want*1.1 {
				t.Errorf("%.2f a second, want about %.2f", got, want)
			}
		}
		if m.perSecond(time.Now()) != 0 {
			t.Error("a rate of nothing")
		}
		run := func(seconds, perSecond int) {
			for range seconds * perSecond {
				time.Sleep(time.Second / time.Duration(perSecond))
				m.tick(time.Now())
			}
		}
		run(3, 100)
		near(100)
		run(300, 10)
		near(10)
		time.Sleep(time.Minute)
		near(10 / 2.718)
		time.Sleep(20 * time.Minute)
		if m.perSecond(time.Now()) > 0.001 {
			t.Error("it does not end")
		}
	})
}

// TestObserverLimits: strangers can't have more nodes, regions and names
// remembered than there is room for.
func TestObserverLimits(t *testing.T) {
	o := observer{sources: map[int64]*source{}}
	say := func(node int64, region string) {
		m := update("k", "v", 0)
		m.Gen, m.Requester, m.Region = jcs.JCS3, node, region
		o.take(&m, "a:1", 0)
	}
	for i := range maxTallies + 10 {
		say(1, fmt.Sprint("r", i))
	}
	say(1, strings.Repeat("x", cache.MaxRegion+1))
	if o.tallies != maxTallies+1 || len(o.sources[1].said) != maxTallies+1 || o.sources[1].said[""].puts != 11 {
		t.Errorf("%d tallies", o.tallies)
	}
	for i := range int64(maxSources + 10) {
		say(i+1, "r")
	}
	n := 0
	for _, s := range o.sources {
		n += len(s.said)
	}
	if len(o.sources) != maxSources || o.tallies != n || o.sources[maxSources+10] == nil {
		t.Errorf("%d nodes, %d tallies counted as %d", len(o.sources), n, o.tallies)
	}
}
