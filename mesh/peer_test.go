// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"encoding/json"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/changelog"
	"lateral/internal/memnet"
)

// greet says hello as a peer would, and reads the station's.
func greet(t *testing.T, n *memnet.Net, host int, to *station, edit ...func(*hello)) (net.Conn, *input) {
	t.Helper()
	c := stranger(t, n, host, to)
	h := &hello{Version: 1, Cluster: "default", identity: identity{ID: id(100 + host), Node: id(host) << 8, Host: fmt.Sprint("h", host), Service: "raw", Endpoint: "LTCP"}, Receive: true, Dial: 1}
	for _, e := range edit {
		e(h)
	}
	c.Write(appendJSON([]byte(Magic), frameHello, h))
	in := newInput(c)
	if ft, p, err := readFrame(in, nil); err != nil || ft != frameHello {
		t.Fatalf("%s %q, %v", ft, p, err)
	}
	c.Write(fr(frameResume, []byte{0}, uint64(0)))
	return c, in
}

// A peer that says hello and heartbeats but reads nothing holds up neither the
// writer nor the other peers, costs no more than the log, and its lag shows.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		c, _ := greet(t, n, 3, a)
		beats := time.NewTicker(time.Second)
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for range beats.C {
				if _, err := c.Write(fr(frameBeat, uint64(1), uint64(0), uint64(0))); err != nil {
					return
				}
			}
		}()
		synctest.Wait()
		began, last := time.Now(), uint64(0)
		for i := range 4000 {
			a.put(a.state, fmt.Sprint("k", i), strings.Repeat("v", 1000))
			if i%100 == 99 {
				time.Sleep(100 * time.Millisecond)
				for _, l := range a.Status().Links {
					if l.To.Service == "raw" {
						if l.Lag.Changes <= last {
							t.Fatalf("after %d changes the lag is %d, was %d", i, l.Lag.Changes, last)
						}
						last = l.Lag.Changes
					} else if l.Lag.Changes != 0 {
						t.Fatalf("the other peer lags, too: %+v", l.Lag)
					}
				}
			}
		}
		if took := time.Since(began); took != 4*time.Second {
			t.Errorf("writing took %v", took)
		}
		if len(b.state.ops()) != 4000 || last != 4000 {
			t.Errorf("the other peer has %d of 4000, the lag is %d", len(b.state.ops()), last)
		}
		if st := a.c.Log.Status(); st.Bytes > st.Limit {
			t.Errorf("%+v", st)
		}
		c.Close()
		beats.Stop()
		beats.Reset(time.Second)
		<-ended
		until(t, time.Second, "noticed", func() bool { return a.peer(103).link() == nil })
		a.close()
		b.close()
	})
}

// Who does not receive has no listener, is sent no change and no gap, applies
// nothing, is asked for nothing; but its own changes arrive.
func TestSendOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a := newStation(t, n, 1, 1, smallLog)
		b := newStation(t, n, 2, 2, func(c *Config) { c.Receive = false })
		for i := range 200 {
			a.put(a.state, fmt.Sprint("k", i), strings.Repeat("v", 1000)) // more than the log holds
		}
		b.user.held["mine"] = cache.Element{Key: "mine", Value: cache.Value{Bytes: "v"}}
		b.knows(a)
		a.run()
		b.run()
		settled(t, time.Second, a, b)
		a.put(a.state, "x", "1")
		b.put(b.state, "y", "2")
		a.remove(a.user, "mine")
		time.Sleep(2 * time.Minute) // a sync is due twice
		if ops := b.state.ops(); len(ops) != 0 || len(b.user.ops()) != 0 || b.user.gaps != 0 || b.countersOf()["unapplied"] != 0 {
			t.Errorf("applied %v %v, emptied %d times, %v", ops, b.user.ops(), b.user.gaps, b.countersOf())
		}
		if e, ok := a.state.Get(0, "y"); !ok || e.Value.Bytes != "2" {
			t.Errorf("%+v", e)
		}
		began := time.Now()
		if _, ok, err := a.Fetch(t.Context(), "User", "mine"); ok || err != nil || time.Since(began) != 0 {
			t.Errorf("it was asked: %v, %v", ok, err)
		}
		if e, ok, _ := b.Fetch(t.Context(), "State", "x"); !ok || e.Value.Bytes != "1" {
			t.Errorf("it may ask: %v", ok)
		}
		if st := a.Mesh.Status(); st.Links[0].Lag.Changes != 0 {
			t.Errorf("%+v", st.Links[0].Lag)
		}
		began = time.Now()
		a.close()
		if time.Since(began) > farewellTime {
			t.Errorf("leaving waited %v for one that acknowledges nothing", time.Since(began))
		}
		b.close()
	})
}

// A get asks all at once; a miss everywhere costs one round trip, a lost peer
// counts as a miss, a silent one costs GetTimeout.
func TestFetch(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		const trip = 20 * time.Millisecond
		n.SetDelay(at(1), at(2), trip/2)
		n.SetDelay(at(2), at(1), trip/2)
		attr := cache.DefaultAttributes
		attr.Eternal, attr.MaxLife = false, time.Minute
		b.user.held["k"] = cache.Element{Key: "k", Value: cache.Value{Bytes: "v"}, Attr: &attr, Stamp: cache.Stamp{Time: 5 << 16, Node: 77}, Accessed: 9}
		fetch := func(key string) (cache.Element, bool, time.Duration) {
			began := time.Now()
			e, ok, err := a.Fetch(t.Context(), "User", key)
			if err != nil {
				t.Error(err)
			}
			return e, ok, time.Since(began)
		}
		if e, ok, took := fetch("k"); !ok || e.Value.Bytes != "v" || *e.Attr != attr || e.Stamp != (cache.Stamp{Time: 5 << 16, Node: 77}) || e.Accessed != 9 || took != trip {
			t.Errorf("%+v, %v, %v", e, ok, took)
		}
		if _, ok, took := fetch("none"); ok || took != trip {
			t.Errorf("a miss: %v after %v", ok, took)
		}
		// A peer that answers with another key, twice, or what nobody asked.
		c, in := greet(t, n, 3, a)
		go func() {
			for {
				ft, p, err := readFrame(in, nil)
				if err != nil {
					return
				}
				if ft == frameGet {
					e := changelog.Append(nil, &cache.Change{Op: cache.Put, Element: cache.Element{Key: "other", Attr: &attr, Stamp: cache.Stamp{Time: 1, Node: 1}}}, 0, 0)
					for range 3 {
						c.Write(fr(frameReply, p[:8], e))
					}
					c.Write(fr(frameReply, most, e))
				}
			}
		}()
		synctest.Wait()
		if _, ok, took := fetch("none"); ok || took != trip {
			t.Errorf("a lie: %v after %v", ok, took)
		}
		c.Close()
		synctest.Wait()
		mute, _ := greet(t, n, 4, a)
		if _, ok, took := fetch("none"); ok || took != time.Second {
			t.Errorf("a silent peer: %v after %v", ok, took)
		}
		time.AfterFunc(300*time.Millisecond, func() { mute.Close() })
		if _, ok, took := fetch("none"); ok || took != 300*time.Millisecond {
			t.Errorf("a lost peer: %v after %v", ok, took)
		}
		// A read of sessions is put again on the link that comes after one that
		// ended: which of two survives is decided by both ends, not at once.
		first, _ := greet(t, n, 5, a)
		time.AfterFunc(100*time.Millisecond, func() { first.Close() })
		second := make(chan net.Conn, 1)
		time.AfterFunc(200*time.Millisecond, func() {
			c, in := greet(t, n, 5, a)
			second <- c
			for {
				ft, p, err := readFrame(in, nil)
				if err != nil {
					return
				}
				if ft == frameGet {
					c.Write(fr(frameReply, p[:8], changelog.Append(nil, &cache.Change{Op: cache.Put, Element: cache.Element{Key: "s", Attr: &attr, Stamp: cache.Stamp{Time: 1, Node: 1}}}, 0, 0)))
				}
			}
		})
		if e, known, silent := a.Newest(t.Context(), "User", "s"); !known || e.Key != "s" || silent != 0 {
			t.Errorf("asked on a link that ended: %+v, %v, %d are silent", e, known, silent)
		}
		(<-second).Close()
		a.gets.mu.Lock()
		if len(a.gets.waiting) != 0 || len(a.gets.asked) != 0 {
			t.Errorf("%v %v are kept", a.gets.waiting, a.gets.asked)
		}
		a.gets.mu.Unlock()
		a.close()
		b.close()
	})
}

// A get whose link is replaced by another is answered for, too.
func TestFetchDuringSwap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		c, _ := greet(t, n, 3, a) // never answers
		took := make(chan time.Duration)
		go func() {
			began := time.Now()
			a.Fetch(t.Context(), "User", "none")
			took <- time.Since(began)
		}()
		time.Sleep(100 * time.Millisecond)
		again, _ := greet(t, n, 3, a, func(h *hello) { h.Dial = 2 })
		if d := <-took; d >= time.Second {
			t.Errorf("waited %v for a link that was replaced", d)
		}
		c.Close()
		again.Close()
		a.close()
		b.close()
	})
}

// Names as long as they may be, and as many, are within what frames allow.
func TestManyLongNames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		long := func(c *Config) {
			var regions []Region
			for i := range maxNames - 1 {
				regions = append(regions, newShelf(fmt.Sprintf("%0*d", cache.MaxRegion, i), false))
			}
			c.Regions = func() []Region { return regions }
		}
		a, b := newStation(t, n, 1, 1, long), newStation(t, n, 2, 2)
		for _, r := range a.c.Regions() {
			a.Note(cache.Change{Op: cache.Remove, Region: r.Name(), Element: cache.Element{Key: "k", Stamp: cache.Stamp{Time: 1, Node: a.c.Node}}})
		}
		a.Note(cache.Change{Op: cache.Remove, Region: "User", Element: cache.Element{Key: "k", Stamp: cache.Stamp{Time: 1, Node: a.c.Node}}})
		b.knows(a)
		a.run()
		b.run()
		settled(t, time.Second, a, b)
		until(t, time.Second, "there", func() bool { return len(b.user.ops()) == 1 })
		if c := b.countersOf(); c["protocol_errors"] != 0 || c["unapplied"] != maxNames-1 {
			t.Errorf("%v", c)
		}
		a.close()
		b.close()
	})
}

// A row stays within its frame, whatever the members are called.
func TestRowsFit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a := newStation(t, n, 1, 1)
		defer a.c.Listener.Close()
		to := &link{conn: void{}}            // of version 0, which is told all
		name := strings.Repeat("<", maxName) // six bytes each in JSON
		for i := range 300 {
			l := a.newLink(void{}, false, a.hello(0), &hello{identity: identity{ID: id(1000 + i), Host: name, Service: name, Endpoint: name, Advertise: name, Port: 5}}, nil)
			a.peer(cache.NodeID(1000 + i)).active = l
		}
		var told uint64
		frame := func() *rowFrame {
			a.lookAtLinks()
			f, now, _ := a.row.tell(told, to)
			told = now
			if b, _ := json.Marshal(f); len(b) > maxRow {
				t.Errorf("a row of %d bytes", len(b))
			}
			return f
		}
		if f := frame(); len(f.Up) < 50 || !f.Whole {
			t.Errorf("%d of 300 members", len(f.Up))
		}
		a.Mesh.mu.Lock()
		a.peers = map[cache.NodeID]*peer{}
		for i := range 5000 {
			a.failures[fmt.Sprint(i, name)] = strings.Repeat("\x1b", 1000)
		}
		a.Mesh.mu.Unlock()
		if f := frame(); len(f.Down) < 100 || len(f.Gone) < 50 || f.Whole {
			t.Errorf("%d reasons, %d gone", len(f.Down), len(f.Gone))
		}
		for range 5 {
			frame() // what had no room
		}
		a.Mesh.mu.Lock()
		clear(a.failures)
		a.Mesh.mu.Unlock()
		if f := frame(); !f.Whole || len(f.Down) != 0 {
			t.Errorf("%d reasons after more were taken back than are listed", len(f.Down))
		}
	})
}

// What a peer says of its links is shown to people: it is cleaned.
func TestRowIsCleaned(t *testing.T) {
	l, s, stop := loneLink()
	defer stop()
	b, _ := json.Marshal(rowFrame{Down: map[string]string{"x\x1b[2J": strings.Repeat("\x1b]", 10_000)}, Up: []seen{{identity: identity{ID: 7, Host: "\x1b"}, Addr: "10.0.0.7:1"}}})
	feed(l, s, fr(frameRow, b))
	for k, why := range l.peer.matrixRow().Down {
		if strings.Contains(k+why, "\x1b") || len(why) > maxCause {
			t.Errorf("%q: %q", k, why)
		}
	}
	if clean("a\x00b\xffé", 100) == "a\x00b\xffé" || clean("né", 100) != "né" || len(clean(strings.Repeat("é", 100), 11)) > 11 {
		t.Error(clean("a\x00b\xffé", 100))
	}
}

// Replies to a peer that asks and does not read are bounded by bytes.
func TestQueueIsBounded(t *testing.T) {
	l, _, stop := loneLink()
	defer stop()
	l.queueFrame(make([]byte, 10<<20)) // the first always
	for range 2 * maxQueue {
		l.queueFrame(make([]byte, 1<<20))
	}
	if l.queued > 10<<20+maxQueueBytes {
		t.Errorf("%d bytes wait", l.queued)
	}
	l.small(nil, time.NewTimer(time.Hour))
	for range 2 * maxQueue {
		l.queueFrame(make([]byte, 8))
	}
	if len(l.queue) != maxQueue {
		t.Errorf("%d frames wait", len(l.queue))
	}
}
