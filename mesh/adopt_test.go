// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/changelog"
	"lateral/converge"
	"lateral/internal/memnet"
)

func numbered(from, to int) []byte {
	var records []byte
	for i := from; i <= to; i++ {
		records = changelog.Append(records, &cache.Change{Op: cache.Put, Element: cache.Element{Key: fmt.Sprint(i), Attr: &cache.DefaultAttributes,
			Stamp: cache.Stamp{Time: uint64(i), Node: 0x200}}}, 0, 0x200)
	}
	return fr(frameChanges, uint64(from), records)
}

// What comes twice is applied once, whichever way it is cut into frames.
func TestOverlapIsSkipped(t *testing.T) {
	l, s, stop := loneLink()
	defer stop()
	feed(l, s, fr(frameNames, 0, "State"))
	for _, f := range [][]byte{numbered(1, 3), numbered(2, 3), numbered(1, 5), numbered(6, 6)} {
		feed(l, s, f)
	}
	state, _ := l.m.c.Region("State")
	if got := fmt.Sprint(state.(*shelf).ops()); got != "[put 1 put 2 put 3 put 4 put 5 put 6]" || l.peer.received.Load() != 6 {
		t.Errorf("%s; %d are counted", got, l.peer.received.Load())
	}
}

// A link takes the place of another when that has ended, not before: what it
// says of how far we are must be the last word.
func TestAdoptionWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, _, stop := loneLink()
		defer stop()
		m := old.m
		next := func(dial uint64) *link {
			return m.newLink(void{}, true, &hello{identity: identity{ID: 1}, Dial: dial}, &hello{identity: identity{ID: 2}}, newInput(void{}))
		}
		if err := m.adopt(next(0)); !errors.Is(err, errDuplicate) {
			t.Errorf("an earlier dial: %v", err)
		}
		l, done := next(2), make(chan error, 1)
		go func() { done <- m.adopt(l) }()
		synctest.Wait()
		if len(done) != 0 || old.peer.link() != old || old.farewell == "" {
			t.Fatal("the old one has not ended")
		}
		old.peer.received.Store(5)
		close(old.done)
		if err := <-done; err != nil || old.peer.link() != l || l.resume()[8] != 5 {
			t.Errorf("%v, resume % x", err, l.resume())
		}
		// What comes of the old one now is no news of the peer.
		m.down(old)
		if old.peer.link() != l {
			t.Error("the end of the old link ended the new one")
		}
		m.closing = true
		close(l.done)
		if err := m.adopt(next(3)); !errors.Is(err, cache.ErrClosed) {
			t.Errorf("while leaving: %v", err)
		}
	})
}

// Two that meet for the first time compare their regions once each, one after
// the other, and not again when a link is back that the log closes.
func TestOneSyncPerMeeting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		time.Sleep(10 * time.Second)
		if k := a.counters.syncs.Load() + b.counters.syncs.Load(); k != 2 {
			t.Errorf("%d syncs", k)
		}
		n.Cut(at(1), at(2))
		synctest.Wait()
		settled(t, time.Second, a, b)
		if x, y := a.reasons(), b.reasons(); len(x)+len(y) != 0 {
			t.Errorf("reasons are kept for a link that is up: %v, %v", x, y)
		}
		time.Sleep(10 * time.Second)
		if k := a.counters.syncs.Load() + b.counters.syncs.Load(); k != 2 {
			t.Errorf("%d syncs after a break that the log closes", k)
		}
	})
}

// However long the link before it takes to end, one that was adopted is not
// given up: nobody would serve it.
func TestSlowAdoptionIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		s := newStation(t, n, 2, 2)
		s.run()
		old, _, stop := loneLink()
		defer stop()
		old.m.c.Dial = n.Host(at(1)).Dial
		type result struct {
			l   *link
			err error
		}
		done := make(chan result, 1)
		old.own.Dial = 0
		old.m.c.Cluster = s.c.Cluster
		go func() {
			l, err := old.m.dial(t.Context(), s.addr, old.m.turn(t.Context()))
			done <- result{l, err}
		}()
		time.Sleep(2 * old.m.c.OpenTimeout)
		if len(done) != 0 {
			t.Fatal("did not wait")
		}
		close(old.done)
		r := <-done
		if r.err != nil || old.peer.link() != r.l {
			t.Fatalf("%v", r.err)
		}
		if _, _, err := readFrame(r.l.in, nil); err != nil { // the peer's resume: no deadline is left
			t.Error(err)
		}
		r.l.conn.Close()
	})
}

// Elements that do not fit one frame together go in two.
func TestElementsFitFrames(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		s := newStation(t, n, 1, 1000)      // the larger id: the stranger's round goes first
		long := strings.Repeat("k", 60_000) // two are more than a frame is filled to
		for name, size := range map[string]int{"small": 10, "huge": cache.MaxValue, "other": 10} {
			s.state.keepLocked(cache.Element{Key: long + name, Value: cache.Value{Bytes: strings.Repeat("v", size)}, Attr: &cache.DefaultAttributes, Stamp: s.clock.Next(1)})
		}
		s.run()
		c, in := greet(t, n, 2, s)
		c.Write(fr(frameRound, 1, uint64(1)))
		c.Write(fr(frameRoot, 1, "State", 0, converge.Buckets, []byte{6}, uint64(0), uint64(0), uint64(0)))
		c.Write(fr(frameWant, 1, long+"small", long+"huge", long+"other"))
		for got := 0; got < 3; {
			ft, p, err := readFrame(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if ft == frameElements {
				for rest := string(p[len("State")+1:]); rest != ""; got++ {
					if _, _, rest, err = changelog.Decode(rest, 0, nil); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		c.Close()
	})
}

// A goodbye is not put off by a peer that goes on talking.
func TestGoodbyeToATalker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		s := newStation(t, n, 1, 1)
		s.run()
		c, _ := greet(t, n, 2, s)
		synctest.Wait()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for {
				if _, err := c.Write(fr(frameBeat, uint64(1), uint64(0), uint64(0))); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		}()
		began := time.Now()
		time.AfterFunc(10*time.Second, func() { c.Close() })
		s.close()
		if took := time.Since(began); took > 2*farewellTime {
			t.Errorf("leaving took %v", took)
		}
		<-ended
		c.Close()
	})
}

// Any number of links may wait for the one before them, and time goes on.
func TestAdoptionsQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, _, stop := loneLink()
		defer stop()
		done := make(chan error, 3)
		for i := range uint64(3) {
			l := old.m.newLink(void{}, true, &hello{identity: identity{ID: 1}, Dial: 5 + i}, &hello{identity: identity{ID: 2}}, newInput(void{}))
			close(l.done)
			go func() { done <- old.m.adopt(l) }()
			synctest.Wait()
		}
		time.Sleep(time.Second)
		close(old.done)
		for range 3 {
			if err := <-done; err != nil && !errors.Is(err, errDuplicate) {
				t.Error(err)
			}
		}
		if l := old.peer.link(); l.dialNumber() != 7 {
			t.Errorf("dial %d is kept", l.dialNumber())
		}
	})
}
