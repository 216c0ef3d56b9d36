// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/cache"
	"lateral/changelog"
	"lateral/javaser"
	"lateral/jcs"
)

func text(s string) *javaser.String { return &javaser.String{S: s} }

// TestReceive: every change of every generation, in order.
func TestReceive(t *testing.T) {
	for _, g := range jcs.Generations {
		t.Run(g.Name, func(t *testing.T) {
			r := newRig(t, nil)
			d := r.dialler(g)
			group := g.GroupKey(text("alpha"), "grp", text("user"))
			d.send(update("k", "v", 0))
			d.send(update("a:1", "v", 0))
			m := update("", "bob", 0)
			m.Key = group
			d.send(m)
			d.fence()
			for _, key := range []string{"k", "a:1", cache.GroupKey("grp", "user")} {
				if r.value(key) == "" {
					t.Errorf("%s did not arrive", cache.KeyText(key))
				}
			}
			d.send(remove(text("a:")))
			d.send(remove(g.JavaGroup("alpha", "grp")))
			d.fence()
			if r.value("k") != "v" || r.value("a:1")+r.value(cache.GroupKey("grp", "user")) != "" {
				t.Error("the prefix or the group is there, or more than them is gone")
			}
			d.send(remove(text("k")))
			d.send(update("l", "v", 1))
			d.send(jcs.Message{Op: jcs.RemoveAll, Hash: jcs.NoHash, Element: jcs.Element{Key: text("ALL")}})
			d.send(update("m", "v", 2)) // created before the clear arrived, said after it
			d.fence()
			if r.value("k")+r.value("l") != "" || r.value("m") != "v" {
				t.Errorf("%q %q %q", r.value("k"), r.value("l"), r.value("m"))
			}
			if n := r.log.Next(); n != 1 {
				t.Errorf("%d changes were sent on", n-1)
			}
		})
	}
}

// TestStamps: what one node says later is later, whatever its clock; what
// another node says counts by its time; nothing lives on this node's clock.
func TestStamps(t *testing.T) {
	r := newRig(t, nil)
	d := r.dialler(jcs.JCS133)
	d.send(update("k", "first", 0))
	d.send(update("k", "second", 0)) // within the same millisecond
	d.fence()
	e, _ := r.alpha.Get(time.Now().UnixMilli(), "k")
	if want := (cache.Stamp{Time: cache.StampAt(origins, 0).Time + 1, Node: 99}); e.Value.Bytes != "second" || e.Stamp != want {
		t.Errorf("%q, %v, want %v", e.Value.Bytes, e.Stamp, want)
	}
	older := update("k", "older", -1)
	older.Requester = 98
	d.send(older)
	d.fence()
	if r.value("k") != "second" {
		t.Errorf("an older put of another node counts: %q", r.value("k"))
	}
	d.send(remove(text("k")))
	d.send(update("k", "after", 1)) // JCS 1.3 puts into a group like this
	d.fence()
	if r.value("k") != "after" {
		t.Errorf("behind its own removal a put is lost: %q", r.value("k"))
	}
	own := update("k", "own", 9000)
	own.Requester = ourID
	d.send(own)
	d.fence()
	if r.value("k") != "after" || r.Counters()["jcs_own"] != 1 {
		t.Errorf("our own message is taken for another's: %q", r.value("k"))
	}
}

// TestFilter: a removal that stands for a put of the same value does nothing.
func TestFilter(t *testing.T) {
	r := newRig(t, nil)
	d := r.dialler(jcs.JCS2)
	for value, hash := range map[string]int32{"same": javaser.HashString("same"), "other": javaser.HashString("same"), "unknown": jcs.NoHash} {
		r.put(value, value)
		m := remove(text(value))
		m.Hash = hash
		d.send(m)
	}
	d.fence()
	if r.value("same") != "same" || r.value("other")+r.value("unknown") != "" || r.Counters()["jcs_filtered"] != 1 {
		t.Errorf("%q %q %q", r.value("same"), r.value("other"), r.value("unknown"))
	}
}

// TestAnswers: questions of every generation, hits and misses.
func TestAnswers(t *testing.T) {
	for _, g := range jcs.Generations {
		r := newRig(t, nil)
		r.put("user:1", "one")
		r.put("user:2", "two")
		r.put(cache.JavaKey('I', "7"), "seven")
		d := r.dialler(g)
		r.do(cache.Command{Op: cache.Put, Key: "user:null", Value: must(jcs.Make(nil))})
		for range 2 {
			d.fence() // a miss, and the connection goes on
			d.send(jcs.Message{Op: jcs.Get, Hash: jcs.NoHash, Element: jcs.Element{Key: text("user:1")}})
			e, err := jcs.ParseElement(d.reply())
			if err != nil || e.Value.(*javaser.String).S != "one" || e.Attr == nil || e.Region != "alpha" {
				t.Errorf("%s: %+v, %v", g.Name, e, err)
			}
			d.send(jcs.Message{Op: jcs.Get, Hash: jcs.NoHash, Element: jcs.Element{Region: "nowhere", Key: text("user:1")}})
			if v := d.reply(); v != nil {
				t.Errorf("%s: a region that is not here: %v", g.Name, v)
			}
			d.send(jcs.Message{Op: jcs.Get, Hash: jcs.NoHash, Element: jcs.Element{Key: text("user:null")}})
			if v := d.reply(); v != nil {
				t.Errorf("%s: null is answered with %v", g.Name, v)
			}
			if g != jcs.JCS13 {
				d.send(jcs.Message{Op: jcs.GetMatching, Hash: jcs.NoHash, Element: jcs.Element{Key: text("user.*")}})
				if v := javaser.Tree(d.reply()); !strings.HasPrefix(v, "HashMap {2}") {
					t.Errorf("%s: %s", g.Name, v)
				}
			}
			if g.Framed || g == jcs.JCS2 {
				d.send(jcs.Message{Op: jcs.GetKeySet, Hash: jcs.NoHash})
				if v := javaser.Tree(d.reply()); !strings.HasPrefix(v, "HashSet [4]") || !strings.Contains(v, "7 (Integer)") {
					t.Errorf("%s: %s", g.Name, v)
				}
			}
		}
	}
}

// TestBadMessages: what makes no sense does not cost the connection, unless it
// goes on; what says nothing may do so for as long as it likes.
func TestBadMessages(t *testing.T) {
	r := newRig(t, nil)
	d := r.dialler(jcs.JCS3)
	bad := append([]byte{0, 0, 0, 6}, "\xac\xed\x00\x05\x7f\x00"...)
	d.Write(bad)
	d.send(update("k", "v", 0))
	d.fence()
	if r.value("k") != "v" || r.Counters()["jcs_skipped"] != 1 {
		t.Errorf("%q, %v", r.value("k"), r.Counters())
	}
	for range maxSkipped + 1 {
		d.Write(bad)
	}
	if _, err := d.Read(make([]byte, 1)); err == nil {
		t.Error("nonsense without end is read")
	}
	for name, head := range map[string]string{"HTTP": "GET / HTTP", "negative": "\xff\xff\xff\xff", "a length that 3.2.1 would die of": "LTR1"} {
		d := r.dialler(jcs.JCS3)
		io.WriteString(d, head)
		d.SetReadDeadline(time.Now().Add(20 * time.Second))
		if n, err := d.Read(make([]byte, 1)); n > 0 || err == nil {
			t.Errorf("%s: an answer", name)
		}
	}
}

// A lockedText is a log that can be read while it is written.
type lockedText struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedText) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedText) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestSend: what is written here arrives at Java nodes of every generation.
func TestSend(t *testing.T) {
	for _, g := range jcs.Generations {
		t.Run(g.Name, func(t *testing.T) {
			var lines lockedText
			r, l := newRig(t, func(c *Config) { c.Logger = slog.New(slog.NewTextHandler(&lines, nil)) }), newListener(t)
			r.put("before", "v") // JCS fills nobody
			r.Announced(l.addr(), &jcs.Packet{Gen: g, Requester: 5, Regions: []string{"alpha"}})
			c, in := l.accept()
			r.put("k", "v")
			r.do(cache.Command{Op: cache.Put, Key: cache.GroupKey("grp", "user"), Value: cache.Value{Bytes: "\xff", Form: cache.FormByteArray}})
			r.do(cache.Command{Op: cache.Put, Key: "bad \xff", Value: cache.Value{Bytes: "v"}}) // no String of Java's
			r.do(cache.Command{Op: cache.Remove, Key: "k"})
			r.do(cache.Command{Op: cache.Put, Key: "null", Value: must(jcs.Make(nil))}) // to JCS, nothing
			r.do(cache.Command{Op: cache.RemoveTag, Key: "t"})                          // JCS has no tags: counted, and logged once
			r.do(cache.Command{Op: cache.RemoveTag, Key: "u"})
			r.do(cache.Command{Op: cache.RemoveGroup, Key: "grp"})
			r.do(cache.Command{Op: cache.RemoveAll})
			var got []string
			for range 6 {
				m := read(t, c, &in)
				if m.Requester != ourID || m.Region != "alpha" {
					t.Errorf("%+v", m)
				}
				key, whole, err := jcs.KeyOf(m.Key)
				if err != nil {
					t.Error(err)
				}
				got = append(got, fmt.Sprint(m.Op, " ", cache.KeyText(key), " ", whole))
			}
			want := []string{"UPDATE k false", "UPDATE grp/user false", "REMOVE k false", "REMOVE null false", "REMOVE grp true", "REMOVEALL ALL false"}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Errorf("%v, want %v", got, want)
			}
			if n := r.Counters()["jcs_untold"]; n != 3 {
				t.Errorf("%d changes could not be told", n)
			}
			if n := strings.Count(lines.String(), "removal of a tag"); n != 1 {
				t.Errorf("%d lines about tags: %s", n, lines.String())
			}
			links, _ := r.Status()
			await(t, "it is known to have arrived", func() bool { links, _ = r.Status(); return links[0].Lag.Changes == 0 })
			if links[0].Protocol != g.Family || links[0].Direction != "out" || fmt.Sprint(links[0].Regions) != "[alpha]" {
				t.Errorf("%+v", links[0])
			}
		})
	}
}

// TestRegionsAreChosen: a node is told of what it has announced, and when it
// leaves nothing, and who else may use its address hears so.
func TestRegionsAreChosen(t *testing.T) {
	freed := false
	r, l := newRig(t, func(c *Config) { c.Freed = func() { freed = true } }), newListener(t)
	p := &jcs.Packet{Gen: jcs.JCS3, Requester: 5, Regions: []string{"beta"}}
	if !r.Announced(l.addr(), p) || r.Announced(l.addr(), p) {
		t.Error("news is what was not known")
	}
	c, in := l.accept()
	r.put("k", "v")
	if !silent(c) {
		t.Error("it hears of a region that it has not")
	}
	p.Regions = []string{"beta", "alpha"}
	r.Announced(l.addr(), p)
	r.put("l", "v")
	if m := read(t, c, &in); m.Key.(*javaser.String).S != "l" {
		t.Errorf("%+v", m)
	}
	r.Withdrawn(l.addr())
	if _, err := c.Read(make([]byte, 1)); err == nil {
		t.Error("it said goodbye, and is still written to")
	}
	if r.Java(l.addr()) || !freed {
		t.Error("it is not forgotten, or nobody hears of it")
	}
}

// TestReconnect: a node that was away gets what it missed, from the log.
func TestReconnect(t *testing.T) {
	for _, g := range []*jcs.Generation{jcs.JCS133, jcs.JCS3} {
		r, l := newRig(t, func(c *Config) { c.Gen = g }), newListener(t)
		r.Announced(l.addr(), &jcs.Packet{Gen: g, Requester: 5, Regions: []string{"alpha"}})
		c, in := l.accept()
		r.put("k0", "v")
		read(t, c, &in)
		await(t, "k0 is known to have arrived", func() bool { links, _ := r.Status(); return len(links) == 1 && links[0].Lag.Changes == 0 })
		l.down()
		c.Close()
		await(t, "the break is seen", func() bool { _, down := r.Status(); return len(down) == 1 })
		for i := 1; i < 20; i++ {
			r.put(fmt.Sprint("k", i), "v")
		}
		l.up()
		c, in = l.accept()
		for i := 1; i < 20; i++ {
			if m := read(t, c, &in); m.Key.(*javaser.String).S != fmt.Sprint("k", i) {
				t.Fatalf("%s: k%d is %v", g.Name, i, m.Key)
			}
		}
		if n := r.Counters()["jcs_gaps"]; n != 0 {
			t.Errorf("%d gaps", n)
		}
	}
}

// TestSettle: a node is told nothing until it can have made its regions, be it
// heard of for the first time or back, but asked; then it is told what waited.
func TestSettle(t *testing.T) {
	g := jcs.JCS3
	for _, pause := range []time.Duration{time.Millisecond, time.Hour} {
		r, l := newRig(t, func(c *Config) { c.Settle = pause }), newListener(t)
		r.Announced(l.addr(), &jcs.Packet{Gen: g, Requester: 5, Regions: []string{"alpha"}})
		for _, key := range []string{"met", "back"} {
			r.put(key, "v")
			c, in := l.accept()
			if pause < time.Hour {
				if m := read(t, c, &in); m.Op != jcs.Update || m.Key.(*javaser.String).S != key {
					t.Errorf("%s of %v", m.Op, m.Key)
				}
				await(t, "it is known to have arrived", func() bool { links, _ := r.Status(); return len(links) == 1 && links[0].Lag.Changes == 0 })
			} else {
				if !silent(c) {
					t.Errorf("%s: it is told something before it can have regions", key)
				}
				await(t, "the link", func() bool { links, _ := r.Status(); return len(links) == 1 })
				if _, ok := r.ask(l, g, nil, "k"); ok {
					t.Error("a miss was a hit")
				}
			}
			l.down()
			c.Close()
			await(t, "the break is seen", func() bool { _, down := r.Status(); return len(down) == 1 })
			l.up()
		}
	}
}

// TestConfigured: a node of the configuration is told what was written before it
// was found to be Java's.
func TestConfigured(t *testing.T) {
	r, l := newRig(t, nil), newListener(t)
	r.put("early", "v")
	r.Configure(l.addr())
	c, in := l.accept()
	for _, want := range []jcs.Op{jcs.Dispose, jcs.Update} {
		if m := read(t, c, &in); m.Op != want {
			t.Errorf("%s of %v", m.Op, m.Key)
		}
	}
}

// TestGap: what the log can't hold is counted.
func TestGap(t *testing.T) {
	r, l := newRig(t, nil), newListener(t)
	r.Announced(l.addr(), &jcs.Packet{Gen: jcs.JCS3, Requester: 5, Regions: []string{"alpha"}})
	c, in := l.accept()
	down := func(n int) {
		t.Helper()
		await(t, "the link, or its break", func() bool { links, down := r.Status(); return len(down) == n && len(links) == 1-n })
	}
	down(0)
	l.down()
	c.Close()
	down(1)
	for i := range 200 {
		r.put(fmt.Sprint("k", i), strings.Repeat("x", 1000))
	}
	for range 2 { // the second connection has missed nothing more
		l.up()
		c, in = l.accept()
		down(0)
		await(t, "a gap", func() bool { return r.Counters()["jcs_gaps"] > 0 })
		l.down()
		c.Close()
		down(1)
	}
	l.up()
	c, in = l.accept()
	r.put("last", "v")
	for read(t, c, &in).Key.(*javaser.String).S != "last" {
	}
	if n := r.Counters()["jcs_gaps"]; n != 1 {
		t.Errorf("one gap was counted %d times", n)
	}
}

// TestSlow: a peer that does not read costs no memory, and gets no half frame:
// the next is not written before the kernel has sent the last.
func TestSlow(t *testing.T) {
	r, l := newRig(t, func(c *Config) { c.Log = changelog.New(7, 64<<20) }), newListener(t)
	r.Announced(l.addr(), &jcs.Packet{Gen: jcs.JCS3, Requester: 5, Regions: []string{"alpha"}})
	c, in := l.accept()
	const n = 400
	for i := range n {
		r.put(fmt.Sprint("k", i), strings.Repeat("x", 50<<10))
	}
	links, _ := r.Status()
	await(t, "it falls behind", func() bool { links, _ = r.Status(); return len(links) == 1 && links[0].Lag.Bytes > 1<<20 })
	for i := range n {
		if m := read(t, c, &in); m.Key.(*javaser.String).S != fmt.Sprint("k", i) {
			t.Fatalf("k%d is %v", i, m.Key)
		}
	}
	await(t, "it has caught up", func() bool { links, _ = r.Status(); return links[0].Lag.Changes == 0 })
}

// TestProbe tells Lateral from Java without a byte that could harm Java.
func TestProbe(t *testing.T) {
	ctx := context.Background()
	for _, g := range []*jcs.Generation{jcs.JCS133, jcs.JCS3} {
		r, other := newRig(t, func(c *Config) { c.Gen = g }), newRig(t, nil)
		if err := r.Probe(ctx, other.ln.Addr().String()); err != nil || r.Java(other.ln.Addr().String()) {
			t.Errorf("a Lateral node: %v", err)
		}
		l := newListener(t)
		done := make(chan error, 1)
		go func() { done <- r.Probe(ctx, l.addr()) }()
		c, in := l.accept()
		if m := read(t, c, &in); m.Op != jcs.Dispose {
			t.Errorf("the probe is %s", m.Op)
		}
		if err := <-done; err != ErrJava || !r.Java(l.addr()) {
			t.Errorf("a Java node: %v", err)
		}
		c, in = l.accept() // it is dialled
		if m := read(t, c, &in); m.Op != jcs.Dispose {
			t.Errorf("first is %s", m.Op)
		}
		if err := r.Probe(ctx, l.addr()); err != ErrJava {
			t.Errorf("while it is connected: %v", err)
		}
		io.WriteString(c, Magic) // Lateral by now
		await(t, "it is Lateral's", func() bool { return !r.Java(l.addr()) })
	}
	r := newRig(t, nil)
	l := newListener(t)
	l.ln.Close()
	if err := r.Probe(ctx, l.addr()); err == nil || err == ErrJava {
		t.Errorf("nobody there: %v", err)
	}
}

// TestBridge relays between generations, and not back.
func TestBridge(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Bridge = true })
	old, young := newListener(t), newListener(t)
	r.Announced(old.addr(), &jcs.Packet{Gen: jcs.JCS133, Requester: 5, Regions: []string{"alpha"}})
	r.Announced(young.addr(), &jcs.Packet{Gen: jcs.JCS3, Requester: 6, Regions: []string{"alpha"}})
	oc, oin := old.accept()
	yc, yin := young.accept()
	await(t, "both connections", func() bool { links, _ := r.Status(); return len(links) == 2 })
	from := r.dialler(jcs.JCS3)
	from.send(update("k", "v", 0))
	from.send(remove(jcs.JCS3.JavaGroup("alpha", "grp")))
	same := remove(text("k"))
	same.Hash = javaser.HashString("v")
	from.send(same) // which does nothing here
	for _, want := range []string{"UPDATE k", "REMOVE grp", "REMOVE k"} {
		m := read(t, oc, &oin)
		if key, _, _ := jcs.KeyOf(m.Key); m.Op.String()+" "+key != want || m.Requester != ourID {
			t.Errorf("%s %v, want %s", m.Op, m.Key, want)
		}
	}
	if !silent(yc) {
		t.Error("a node of the same generation is told twice")
	}
	r.put("own", "v")
	if m := read(t, yc, &yin); m.Key.(*javaser.String).S != "own" {
		t.Errorf("%+v", m)
	}
	if c := r.Counters(); c["jcs_bridged"] != 3 || c["jcs_bridged_foreign"] != 0 {
		t.Errorf("%v", c)
	}
}
