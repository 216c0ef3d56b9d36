// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lateral/internal/memnet"
)

// TestHandshakeLimits: how many may be begun, by whom, and what is remembered.
func TestHandshakeLimits(t *testing.T) {
	var h handshakes
	now := time.Date(2026, 11, 28, 0, 0, 0, 0, time.UTC)
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}) }
	// begun tries n times and returns how many were begun, and the last refusal.
	begun := func(a netip.Addr, n int) (k int, last error) {
		for range n {
			if _, err := h.begin(a, now); err != nil {
				last = err
			} else {
				k++
			}
		}
		return k, last
	}
	if k, err := begun(addr(1), 1000); k != maxHandshakes || !errors.Is(err, errEager) {
		t.Errorf("one address: %d, %v", k, err)
	}
	now = now.Add(time.Second)
	if k, _ := begun(addr(1), 1000); k != handshakeRate {
		t.Errorf("a second later: %d", k)
	}
	for range 10 * maxHandshakes { // a member
		proven, err := h.begin(addr(2), now)
		if err != nil {
			t.Fatal(err)
		}
		proven()
	}
	now = now.Add(time.Minute)
	all := 0
	var last error
	for i := range 10 * maxDiallers { // a network of strangers
		k, err := begun(addr(100+i), 1)
		if all += k; err != nil {
			last = err
		}
	}
	if all != maxUnknown || !errors.Is(last, errFlood) {
		t.Errorf("many addresses: %d, %v", all, last)
	}
	if len(h.diallers) != maxDiallers {
		t.Errorf("%d addresses are remembered", len(h.diallers))
	}
	if k, _ := begun(addr(2), 1); k != 1 {
		t.Error("a flood of strangers locks a member out")
	}
	now = now.Add(time.Second)
	if k, err := begun(addr(3), 1); k != 1 {
		t.Errorf("a new one, when the flood is over: %v", err)
	}
	if k, _ := begun(netip.MustParseAddr("127.0.0.1"), 10_000); k != 10_000 {
		t.Errorf("this host itself: %d", k)
	}
	now = now.Add(-time.Hour)
	if k, err := begun(addr(2), 1); k != 1 {
		t.Errorf("a clock that was set back: %v", err)
	}
}

// A costly guard counts the handshakes that it has to compute, and believes
// one host.
type costly struct {
	n      atomic.Int64
	member netip.Addr
}

func (g *costly) Server(_ context.Context, raw net.Conn) (net.Conn, error) {
	g.n.Add(1)
	if _, err := io.ReadFull(raw, make([]byte, 4)); err != nil {
		return nil, err
	}
	if addrOf(raw) != g.member {
		return nil, errors.New("it uses another secret")
	}
	return raw, nil
}

// TestHandshakeFlood: who floods has little computed, is told so by an alert
// and is named, while a member links.
func TestHandshakeFlood(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		g := &costly{member: at(2)}
		var told atomic.Pointer[string]
		a := newStation(t, n, 1, 1, func(c *Config) {
			c.Guard = g
			c.Refuse = func(from netip.Addr, why error) {
				if s := why.Error(); from == at(4) {
					told.Store(&s)
				}
			}
		})
		hello := []byte{0x16, 3, 1, 0}
		b := newStation(t, n, 2, 2, func(c *Config) {
			plain := c.Dial
			c.Dial = func(ctx context.Context, addr string) (net.Conn, error) {
				conn, err := plain(ctx, addr)
				if err == nil {
					_, err = conn.Write(hello)
				}
				return conn, err
			}
		})
		a.run()
		answer := make([]byte, len(denied))
		for range 1000 {
			c := stranger(t, n, 4, a)
			c.Write(hello)
			io.ReadFull(c, answer)
			c.Close() // as TLS does at an alert
		}
		if k := g.n.Load(); k != maxHandshakes {
			t.Errorf("%d handshakes were computed", k)
		}
		if !bytes.Equal(answer, denied[:]) {
			t.Errorf("the last was answered % x", answer)
		}
		if s := told.Load(); s == nil || *s != errEager.Error() {
			t.Errorf("told: %v", s)
		}
		b.knows(a)
		b.run()
		settled(t, time.Second, a, b)
		a.close()
		b.close()
	})
}
