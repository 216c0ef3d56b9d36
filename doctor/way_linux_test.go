// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/host"
	"lateral/internal/lab"
)

// TestLostOnTheWay: of two hosts with one MTU, between which what is larger
// than 1,400 bytes is lost.
func TestLostOnTheWay(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{})
	a, b := l.Hosts[0], l.Hosts[1]
	d := door{whose: "oxgw02 web", addr: b.Addr.String() + ":57462"}
	look := func() (f *Finding) {
		a.Do(func() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			s := &scene{machine: machine{echoes: echoes}}
			f = s.onTheWay(ctx, d, b.Addr, "eth0", 1500)
		})
		return f
	}
	if f := look(); f != nil {
		t.Errorf("all well, and %+v", f)
	}
	b.Run("iptables", "-I", "INPUT", "-m", "length", "--length", "1401:65535", "-j", "DROP")
	f := look()
	if f == nil || !strings.Contains(f.Saw, "answers packets of 1400 bytes (ICMP echo) and none of 1500") || f.Run[0] != "ip link set dev eth0 mtu 1400" {
		t.Fatalf("%+v", f)
	}
	a.Run("sh", "-c", f.Run[0]) // as printed
	a.Do(func() {
		s := &scene{machine: machine{echoes: echoes}}
		if f := s.onTheWay(t.Context(), d, b.Addr, "eth0", 1400); f != nil {
			t.Errorf("mended, and %+v", f)
		}
	})
	b.Run("iptables", "-I", "INPUT", "-p", "icmp", "-j", "DROP")
	if f := look(); f != nil {
		t.Errorf("no echo at all, and %+v", f)
	}
}

// TestFitsTheWay: a member's own MTU is told first; the way is asked where both agree.
func TestFitsTheWay(t *testing.T) {
	s := &scene{machine: gateway()}
	s.ifs = []host.Interface{{Name: "eth0", Index: 2, Up: true, Running: true, MTU: 1500}}
	s.route = func(netip.Addr) (host.Route, error) { return host.Route{Interface: "eth0"}, nil }
	s.echoes = func(_ context.Context, _ netip.Addr, sizes []int) ([]int, error) {
		return slices.DeleteFunc(slices.Clone(sizes), func(n int) bool { return n > 1450 }), nil
	}
	for packet, want := range map[int]string{1500: "answers packets of 1450 bytes (ICMP echo) and none of 1500", 1400: "takes packets of 1400 bytes", 0: "takes TCP connections"} {
		if f := s.fits(t.Context(), door{addr: "10.1.0.2:57462", whose: "x"}, packet); !strings.Contains(f.Saw, want) {
			t.Errorf("packets of %d: %+v", packet, f)
		}
	}
}
