// SPDX-License-Identifier: Apache-2.0

package memnet

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
)

var group = netip.MustParseAddrPort("224.0.0.1:6780")

func join(t *testing.T, h *Host, group netip.AddrPort) *Group {
	t.Helper()
	g, err := h.Multicast(group)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// heard returns what waits at g, without waiting for more.
func heard(g *Group) (got []string) {
	synctest.Wait()
	g.h.n.mu.Lock()
	waiting := len(g.queue)
	g.h.n.mu.Unlock()
	b := make([]byte, 64)
	for range waiting {
		k, from, err := g.Read(b)
		if err != nil {
			return append(got, err.Error())
		}
		got = append(got, fmt.Sprintf("%s@%s", b[:k], from.Addr.Addr()))
	}
	return got
}

func expect(t *testing.T, g *Group, want ...string) {
	t.Helper()
	if got := heard(g); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("heard %q, want %q", got, want)
	}
}

func TestMulticast(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a, b := join(t, n.Host(addrA), group), join(t, n.Host(addrB), group)
		neighbour := join(t, n.Host(addrB).Process(), group) // shares the port
		stranger := join(t, n.Host(addrB), netip.MustParseAddrPort("224.0.0.1:6789"))
		if err := a.Send([]byte("hello")); err != nil {
			t.Fatal(err)
		}
		expect(t, a, "hello@10.77.0.1")
		expect(t, b, "hello@10.77.0.1")
		expect(t, neighbour, "hello@10.77.0.1")
		expect(t, stranger)

		n.Block(addrA, addrB)
		a.Send([]byte("dropped"))
		b.Send([]byte("one way"))
		n.Heal(addrA, addrB)
		expect(t, b, "one way@10.77.0.2")
		expect(t, a, "dropped@10.77.0.1", "one way@10.77.0.2")

		n.SetDelay(addrA, addrB, time.Second)
		a.Send([]byte("late"))
		expect(t, neighbour, "one way@10.77.0.2")
		time.Sleep(time.Second)
		expect(t, neighbour, "late@10.77.0.1")

		if st := a.Status(); len(st) != 1 || !st[0].Ready() || st[0].Sent != 3 || st[0].Heard != 3 {
			t.Errorf("status %+v", st)
		}
		n.Host(addrB).Kill()
		if _, _, err := b.Read(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("read after Kill: %v", err)
		}
		if err := b.Send(nil); !errors.Is(err, net.ErrClosed) {
			t.Errorf("send after Kill: %v", err)
		}
		if err := neighbour.Send(make([]byte, MaxSend+1)); !errors.Is(err, syscall.EMSGSIZE) {
			t.Errorf("too large: %v", err)
		}
		if err := errors.Join(a.Close(), a.Close()); err != nil {
			t.Errorf("closing twice: %v", err)
		}
	})
}

func TestFullSocketDrops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := New()
		a := join(t, n.Host(addrA), group)
		for range Packets + 10 {
			a.Send([]byte("x"))
		}
		if got := heard(a); len(got) != Packets || n.Traffic(addrA, addrA).Lost != 10 {
			t.Errorf("%d heard, %+v", len(got), n.Traffic(addrA, addrA))
		}
	})
}

// The losses of one way depend on the seed, and not on the traffic of others.
func TestLossIsSeeded(t *testing.T) {
	run := func(seed uint64, noise int) (pattern string) {
		synctest.Test(t, func(t *testing.T) {
			n := New()
			n.SetLoss(addrA, addrB, 0.5)
			n.SetLoss(addrC, addrB, 0.5)
			n.Seed(seed)
			a, b, c := join(t, n.Host(addrA), group), join(t, n.Host(addrB), group), join(t, n.Host(addrC), group)
			for range 64 {
				for range noise {
					c.Send([]byte("noise"))
				}
				heard(b)
				a.Send([]byte("x"))
				pattern += fmt.Sprint(len(heard(b)))
				heard(a)
				heard(c)
			}
		})
		return pattern
	}
	first := run(7, 0)
	if again := run(7, 3); again != first {
		t.Errorf("same seed:\n%s\n%s", first, again)
	}
	if one := New(); one.randFor([2]netip.Addr{addrA, addrB}).Uint64() == one.randFor([2]netip.Addr{addrA, addrC}).Uint64() {
		t.Error("two ways share their losses")
	}
	if other := run(8, 0); other == first {
		t.Errorf("another seed: %s", other)
	}
}
