// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

// meet has a Java node known, and returns its connection for changes.
func (r *rig) meet(l *listener, g *jcs.Generation, requester int64) net.Conn {
	r.t.Helper()
	links, _ := r.Status()
	r.Announced(l.addr(), &jcs.Packet{Gen: g, Requester: requester, Regions: []string{"alpha"}})
	c, _ := l.accept()
	await(r.t, "the connection", func() bool { now, _ := r.Status(); return len(now) == len(links)+1 })
	return c
}

// fetch asks in the background.
func (r *rig) fetch(key string) chan *cache.Element {
	out := make(chan *cache.Element, 1)
	go func() {
		e, ok, _ := r.Fetch(context.Background(), "alpha", key)
		if !ok {
			out <- nil
			return
		}
		out <- &e
	}()
	return out
}

// reply answers on a connection.
func reply(t *testing.T, c net.Conn, g *jcs.Generation, v javaser.Value) {
	t.Helper()
	b, err := jcs.AppendReply(nil, g.Framed, &jcs.Serializer{}, v)
	if err != nil {
		t.Fatal(err)
	}
	c.Write(b)
}

// ask has one key asked for on a new connection, answers it, and closes it.
func (r *rig) ask(l *listener, g *jcs.Generation, v javaser.Value, key string) (*cache.Element, bool) {
	r.t.Helper()
	got := r.fetch(key)
	q, in := l.accept()
	if m := read(r.t, q, &in); m.Op != jcs.Get || m.Key.(*javaser.String).S != key {
		r.t.Errorf("%s: %+v", g.Name, m)
	}
	reply(r.t, q, g, v)
	q.Close()
	e := <-got
	return e, e != nil
}

// elementOf is what a Java node answers with.
func elementOf(g *jcs.Generation, key, value string) *javaser.Object {
	m := update(key, value, 0)
	m.Region = "alpha"
	return m.Element.Object(g)
}

// ended reports whether we close a connection.
func ended(c net.Conn) bool {
	c.SetReadDeadline(time.Now().Add(20 * time.Second))
	n, err := c.Read(make([]byte, 1))
	ne, timeout := err.(net.Error)
	return n == 0 && err != nil && !(timeout && ne.Timeout())
}

// TestAsk: Java nodes are asked on connections of their own, one question after
// the other. One that was not answered is used no more, so a late answer is not
// taken for another's; and JCS 2 closes each on which it has answered.
func TestAsk(t *testing.T) {
	for _, g := range jcs.Generations {
		t.Run(g.Name, func(t *testing.T) {
			t.Parallel()
			r, l := newRig(t, func(c *Config) { c.AnswerTime = 300 * time.Millisecond }), newListener(t)
			c := r.meet(l, g, 5)
			var in, qin *jcs.Reader
			got := r.fetch("k")
			q, _ := l.accept()
			if m := read(t, q, &qin); m.Op != jcs.Get || m.Region != "alpha" || m.Key.(*javaser.String).S != "k" || (m.Requester != 0) != (g == jcs.JCS4) {
				t.Errorf("%+v", m)
			}
			r.put("meanwhile", "v")
			if m := read(t, c, &in); m.Key.(*javaser.String).S != "meanwhile" {
				t.Errorf("while a question waits: %+v", m)
			}
			reply(t, q, g, elementOf(g, "k", "v"))
			if e := <-got; e == nil || e.Value.Bytes != "v" || e.Stamp.Node != 5 {
				t.Errorf("%+v", e)
			}
			if g == jcs.JCS2 {
				if !ended(q) {
					t.Error("a connection is kept that JCS 2 does not answer on again")
				}
				qin = nil
				got = r.fetch("slow")
				q, _ = l.accept()
			} else {
				got = r.fetch("slow")
			}
			read(t, q, &qin)
			if e := <-got; e != nil {
				t.Errorf("%+v", e)
			}
			if !ended(q) {
				t.Error("a connection is kept whose question has no answer yet")
			}
			if e, ok := r.ask(l, g, elementOf(g, "l", "w"), "l"); !ok || e.Value.Bytes != "w" {
				t.Errorf("%+v", e)
			}
			if e, ok := r.ask(l, g, elementOf(g, "another", "x"), "n"); ok {
				t.Errorf("an answer to another question is taken: %+v", e)
			}
			if e, ok := r.ask(l, g, elementOf(g, "m", "x"), "m"); !ok || e.Value.Bytes != "x" {
				t.Errorf("behind a kept connection that has ended: %+v", e)
			}
		})
	}
}

// TestAskBounded: as many questions as may wait for one node; who asks beyond
// has a miss at once. When the node is forgotten nothing stays open.
func TestAskBounded(t *testing.T) {
	r, l := newRig(t, nil), newListener(t)
	r.meet(l, jcs.JCS3, 5)
	var waiting []chan *cache.Element
	var conns []net.Conn
	for i := range maxAsking {
		waiting = append(waiting, r.fetch(fmt.Sprint("k", i)))
		c, _ := l.accept()
		conns = append(conns, c)
	}
	if e := <-r.fetch("over"); e != nil {
		t.Errorf("%+v", e)
	}
	for i, c := range conns {
		var in *jcs.Reader
		reply(t, c, jcs.JCS3, elementOf(jcs.JCS3, read(t, c, &in).Key.(*javaser.String).S, "v"))
		if e := <-waiting[i]; e == nil {
			t.Error("no answer")
		}
	}
	for _, c := range conns[maxIdle:] {
		if !ended(c) {
			t.Error("more connections are kept than one asks on")
		}
	}
	r.Withdrawn(l.addr())
	for _, c := range conns[:maxIdle] {
		if !ended(c) {
			t.Error("a forgotten node's connection is kept")
		}
	}
}

// TestAskGeneration: what is kept is not used when the address has become
// another generation's.
func TestAskGeneration(t *testing.T) {
	r, l := newRig(t, nil), newListener(t)
	r.meet(l, jcs.JCS133, 5)
	got := r.fetch("k")
	old, in := l.accept()
	read(t, old, &in)
	reply(t, old, jcs.JCS133, elementOf(jcs.JCS133, "k", "v"))
	if e := <-got; e == nil {
		t.Fatal("no answer")
	}
	r.Announced(l.addr(), &jcs.Packet{Gen: jcs.JCS3, Requester: 6, Regions: []string{"alpha"}})
	if e, ok := r.ask(l, jcs.JCS3, elementOf(jcs.JCS3, "l", "w"), "l"); !ok || e.Value.Bytes != "w" {
		t.Errorf("%+v", e)
	}
	if !ended(old) {
		t.Error("the old connection is kept")
	}
}

// TestHeld asks each generation for what it holds, in the words that it has.
func TestHeld(t *testing.T) {
	user1, seven := &javaser.String{S: "user:1"}, must(javaser.Of(int32(7)))
	for _, g := range jcs.Generations {
		for _, op := range []cache.Op{cache.Keys, cache.GetMatching} {
			t.Run(g.Name+" "+op.String(), func(t *testing.T) {
				t.Parallel()
				r, l := newRig(t, func(c *Config) { c.AnswerTime = time.Hour }), newListener(t)
				r.meet(l, g, 5)
				done := make(chan []cache.JavaHeld, 1)
				go func() {
					done <- must(r.Held(context.Background(), cache.Command{Op: op, Region: "alpha", Pattern: "user.*"}))
				}()
				if g != jcs.JCS13 {
					q, in := l.accept()
					m := read(t, q, &in)
					if g == jcs.JCS133 || op == cache.GetMatching {
						if p, ok := m.Key.(*javaser.String); m.Op != jcs.GetMatching || !ok || p.S != "user.*" {
							t.Errorf("%s of %v", m.Op, m.Key)
						}
						reply(t, q, g, javaser.HashMap([]javaser.Value{user1, elementOf(g, "user:1", "one")}))
					} else {
						if m.Op != jcs.GetKeySet {
							t.Errorf("%s", m.Op)
						}
						group := g.GroupKey(text("alpha"), "user", text("x"))
						reply(t, q, g, javaser.HashSet([]javaser.Value{seven, user1, group, g.JavaGroup("alpha", "user")}))
					}
				}
				h := (<-done)[0]
				if h.Addr != l.addr() || h.Generation != g.Family || h.ID == "" || len(h.Keys) > 0 && len(h.Elements) > 0 {
					t.Errorf("%+v", h)
				}
				group := cache.GroupKey("user", "x")
				switch {
				case g == jcs.JCS13:
					if !strings.Contains(h.Err, "no question") {
						t.Errorf("%+v", h)
					}
				case op == cache.GetMatching:
					if h.Err != "" || len(h.Elements) != 1 || h.Elements[0].Value.Bytes != "one" || h.Elements[0].Stamp.Node != 5 {
						t.Errorf("%+v", h)
					}
				case g == jcs.JCS133:
					if h.Err != "" || fmt.Sprint(h.Keys) != "[user:1]" {
						t.Errorf("%+v", h)
					}
				default:
					if h.Err != "" || len(h.Keys) != 2 || h.Keys[0] != group || h.Keys[1] != "user:1" {
						t.Errorf("%+v", h)
					}
				}
			})
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestHeldFailures: whoever can't be asked, and why, is said beside what others
// answer.
func TestHeldFailures(t *testing.T) {
	r := newRig(t, nil)
	one, two, three := newListener(t), newListener(t), newListener(t)
	r.meet(one, jcs.JCS3, 5)
	r.meet(two, jcs.JCS2, 6)
	r.Announced(three.addr(), &jcs.Packet{Gen: jcs.JCS3, Requester: 7, Regions: []string{"beta"}}) // does not share it
	gone := newListener(t)
	gone.ln.Close()
	r.Announced(gone.addr(), &jcs.Packet{Gen: jcs.JCS3, Requester: 8, Regions: []string{"alpha"}})
	await(t, "the failure", func() bool { _, down := r.Status(); return strings.Contains(down[gone.addr()], "refused") })
	c := cache.Command{Op: cache.Keys, Region: "alpha"}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan []cache.JavaHeld, 1)
	go func() { done <- must(r.Held(ctx, c)) }()
	var in1, in2 *jcs.Reader
	q1, _ := one.accept()
	read(t, q1, &in1)
	reply(t, q1, jcs.JCS3, javaser.HashSet([]javaser.Value{text("k")}))
	q2, _ := two.accept()
	read(t, q2, &in2) // and says nothing
	await(t, "the answer of the one", func() bool { p := r.byAddr(one.addr()); p.mu.Lock(); defer p.mu.Unlock(); return len(p.kept) == 1 })
	cancel()
	for _, h := range <-done {
		want := map[string]string{one.addr(): "", two.addr(): "not answered", gone.addr(): "not connected"}[h.Addr]
		if (h.Err == "") != (want == "") || !strings.Contains(h.Err, want) || h.Addr == three.addr() || want == "" && fmt.Sprint(h.Keys) != "[k]" {
			t.Errorf("%+v", h)
		}
	}
	if h, err := r.Held(t.Context(), cache.Command{Op: cache.Keys, Region: "alpha", Pattern: "a)|(b"}); err == nil {
		t.Errorf("%+v", h)
	}
	left := &budget{left: 200}
	if _, err := heldKeys(javaser.HashSet([]javaser.Value{text("k"), text("l")}), func(string) bool { return true }, left); err != errHeld {
		t.Errorf("%v", err)
	}
	if _, err := heldKeys(text("k"), nil, left); err == nil {
		t.Error("a text is a set of keys")
	}
	if _, err := r.byAddr(one.addr()).heldElements(javaser.HashMap([]javaser.Value{text("k"), text("v")}), left); err == nil {
		t.Error("a text is an element")
	}
}

func (r *rig) byAddr(addr string) *peer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.peers[addr]
}
