// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"bytes"
	"errors"
	"net"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
	"lateral/changelog"
	"lateral/internal/memnet"
)

// Whatever a stranger sends, it is refused and counted, and peers are not held up.
func TestStrangers(t *testing.T) {
	named := func(edit func(*hello)) []byte {
		h := &hello{Version: 1, Cluster: "default", identity: identity{ID: 5}}
		edit(h)
		return appendJSON([]byte(Magic), frameHello, h)
	}
	for what, b := range map[string][]byte{
		"java":        {0xac, 0xed, 0, 5, 0x73},
		"http":        []byte("GET / HTTP/1.0\r\n\r\n"),
		"oversized":   append([]byte(Magic), 1, 0xff, 0xff, 0xff, 0xff),
		"no hello":    append([]byte(Magic), fr(frameBeat, uint64(1), uint64(1), uint64(1))...),
		"no json":     append([]byte(Magic), fr(frameHello, []byte("hello"))...),
		"truncated":   append([]byte(Magic), 1, 0, 0),
		"no id":       named(func(h *hello) { h.ID = 0 }),
		"myself":      named(func(h *hello) { h.ID = 1 }),
		"cluster":     named(func(h *hello) { h.Cluster = "other" }),
		"group":       named(func(h *hello) { h.Group = "224.0.0.1:6789" }),
		"version":     named(func(h *hello) { h.Version = 0 }),
		"long name":   named(func(h *hello) { h.Host = strings.Repeat("h", maxName+1) }),
		"escape":      named(func(h *hello) { h.Service = "\x1b[2Jx" }),
		"advertise":   named(func(h *hello) { h.Advertise = "a\nb" }),
		"goodbye":     append([]byte(Magic), fr(frameGoaway, []byte(`{"reason":"\u001b[2J"}`))...),
		"empty":       nil,
		"random":      bytes.Repeat([]byte{0x9f, 3, 0x77}, 1000),
		"magic twice": []byte(Magic + Magic),
	} {
		synctest.Test(t, func(t *testing.T) {
			n := memnet.New()
			s := newStation(t, n, 1, 1)
			s.run()
			c := stranger(t, n, 2, s)
			c.Write(b)
			if what == "truncated" || what == "empty" || what == "random" {
				c.(interface{ CloseWrite() error }).CloseWrite()
			}
			began := time.Now()
			buf := make([]byte, 64<<10)
			for {
				if _, err := c.Read(buf); err != nil {
					break
				}
			}
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("%s: closed after %v", what, took)
			}
			synctest.Wait()
			if got := s.counters.refused.Load(); what != "myself" && got != 1 {
				t.Errorf("%s: %d refused", what, got)
			}
			if len(s.linked()) != 0 || waiting(s) != 0 {
				t.Errorf("%s: became a link", what)
			}
			c.Close()
			s.close()
		})
	}
}

// A hello that drips is cut after OpenTimeout, however diligently it drips.
func TestDrip(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		s := newStation(t, n, 1, 1)
		s.run()
		c := stranger(t, n, 2, s)
		began := time.Now()
		for _, x := range append([]byte(Magic), fr(frameHello, bytes.Repeat([]byte(" "), 1000))...) {
			if _, err := c.Write([]byte{x}); err != nil {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if took := time.Since(began); took > 2200*time.Millisecond {
			t.Errorf("cut after %v", took)
		}
		c.Close()
		s.close()
	})
}

func waiting(s *station) int {
	s.strange.mu.Lock()
	defer s.strange.mu.Unlock()
	return len(s.strange.silent) + len(s.strange.heard)
}

// However many connections say nothing, and are opened anew whenever they are
// closed, honest peers get through at once.
func TestHalfOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := newStation(t, n, 1, 1), newStation(t, n, 2, 2)
		a.run()
		var silent []net.Conn
		for range 3 {
			for i := range 100 {
				silent = append(silent, stranger(t, n, 3+i/20, a))
			}
			synctest.Wait() // the backlog is 128
		}
		if k := waiting(a); k != maxHalfOpen {
			t.Errorf("%d are waited for", k)
		}
		b.knows(a)
		b.run()
		if took := settled(t, time.Second, a, b); took > 100*time.Millisecond+b.c.DialGrace {
			t.Errorf("an honest peer waited %v", took)
		}
		time.Sleep(3 * time.Second)
		if k := waiting(a); k != 0 {
			t.Errorf("%d are still waited for", k)
		}
		for _, c := range silent {
			c.Close()
		}
		a.close()
		b.close()
	})
}

// One address crowds out nobody but itself.
func TestHalfOpenFromOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a := newStation(t, n, 1, 1)
		a.run()
		slow := stranger(t, n, 3, a) // honest, and on a slow line
		defer slow.Close()
		for range 10 {
			for range 100 {
				c := stranger(t, n, 4, a)
				defer c.Close()
			}
			synctest.Wait()
		}
		if k := waiting(a); k != maxFromOne+1 {
			t.Errorf("%d are waited for", k)
		}
		slow.SetReadDeadline(time.Now().Add(time.Millisecond))
		if _, err := slow.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("another's connection: %v", err)
		}
		a.close()
	})
}

// What a peer sends once it is linked can end its own link only.
func TestBadFramesEndTheLink(t *testing.T) {
	for i, bad := range [][]byte{
		{0, 0, 0, 0, 0}, {99, 0, 0, 0, 0}, fr(frameHello, []byte("{}")), fr(frameResume, []byte{0}, uint64(0)),
		fr(frameNames, 1, "x"), fr(frameChanges, uint64(2)), fr(frameChanges, uint64(0)), fr(frameChanges, uint64(1), []byte{0xff}),
		fr(frameChanges, uint64(1), changelog.Append(nil, &cache.Change{Op: cache.Remove, Element: cache.Element{Key: "k"}}, 9, 0)),
		fr(frameGap), fr(frameGap, uint64(0)), fr(frameGap, uint64(1)), fr(frameAck, []byte{1}), fr(frameBeat), fr(frameRow, []byte("[")),
		fr(frameGet), fr(frameReply, uint64(1), []byte{3, 1, 1}), fr(frameWhich, 1, uint64(0)), fr(frameWant, 1), fr(frameRoot, 1, "State", 0, 1, []byte{6}, uint64(0), uint64(1), uint64(1)), fr(frameEnd, 1),
		fr(frameElements, "State", []byte{0xff}),
	} {
		synctest.Test(t, func(t *testing.T) {
			n := memnet.New()
			a, b := two(t, n)
			c, in := greet(t, n, 3, a)
			c.Write(bad)
			last := ""
			for {
				ft, _, err := readFrame(in, nil)
				if err != nil {
					break
				}
				last += " " + ft.String()
			}
			synctest.Wait()
			if a.countersOf()["protocol_errors"] != 1 {
				t.Errorf("number %d, % .40x: %v; sent%s", i, bad, a.countersOf(), last)
			}
			if b.user.gaps+a.user.gaps != 0 {
				t.Errorf("number %d: a region was emptied", i)
			}
			settled(t, 0, a, b)
			c.Close()
			a.close()
			b.close()
		})
	}
}
