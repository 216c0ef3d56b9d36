// SPDX-License-Identifier: Apache-2.0

package host_test

import (
	"io"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lateral/host"
	"lateral/internal/lab"
)

// TestDelivered: what a switch loses is not acknowledged, whether or not
// somebody reads; what it takes is.
func TestDelivered(t *testing.T) {
	t.Parallel()
	l := lab.New(t, lab.Options{})
	a, b := l.Hosts[0], l.Hosts[1]
	for _, at := range []netip.Addr{b.Addr, b.Addr6} {
		var ln net.Listener
		var err error
		b.Do(func() { ln, err = net.Listen("tcp", netip.AddrPortFrom(at, 0).String()) })
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close()
		dial := func() *net.TCPConn {
			t.Helper()
			var c net.Conn
			a.Do(func() { c, err = net.Dial("tcp", ln.Addr().String()) })
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { c.Close() })
			return c.(*net.TCPConn)
		}
		sent := func(wait time.Duration, sizes ...int) int {
			t.Helper()
			last, err := host.Delivered(t.Context(), dial(), "opening", sizes, wait)
			if err != nil {
				t.Error(err)
			}
			return last
		}
		const ample, brief = 20 * time.Second, 300 * time.Millisecond
		if n, err := host.PacketOf(dial()); n != 1500 || err != nil {
			t.Errorf("%s: packets of %d bytes, %v", at, n, err)
		}
		if n := sent(ample, 20, 1400, 9000, 1500); n != 1500 {
			t.Errorf("%s: of 1500 bytes %d arrived", at, n)
		}
		b.SwitchMTU(1400)
		if n := sent(brief, 1500); n != 0 {
			t.Errorf("%s: through a switch that takes 1400 came %d", at, n)
		}
		if n := sent(brief, 576, 1280, 1400, 1420, 1500); n != 1400 {
			t.Errorf("%s: a switch takes 1400, and %d came", at, n)
		}
		l.Heal()
		if n := sent(ample, 1500); n != 1500 {
			t.Errorf("%s: healed, and %d came", at, n)
		}
	}
}

// TestDeliveredOpening: the first bytes are those asked for, and of whoever
// hangs up nothing is claimed.
func TestDeliveredOpening(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	came := make(chan string, 1)
	go func() {
		c, err := ln.Accept()
		if err != nil {
			return
		}
		b, _ := io.ReadAll(c)
		c.Close()
		came <- string(b)
	}()
	c, err := net.Dial("tcp4", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if n, err := host.Delivered(t.Context(), c.(*net.TCPConn), "LTR?", []int{576, 600}, 20*time.Second); n != 600 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	c.(*net.TCPConn).CloseWrite()
	if s := <-came; !strings.HasPrefix(s, "LTR?\x00") || strings.Trim(s[4:], "\x00") != "" || len(s) < 2*500 {
		t.Errorf("%d bytes came: %.10q", len(s), s)
	}
	if n, err := host.Delivered(t.Context(), c.(*net.TCPConn), "", []int{576}, 20*time.Second); n != 0 {
		t.Errorf("to nobody %d bytes were delivered, %v", n, err)
	}
	c.Close()
	if _, err := host.PacketOf(c.(*net.TCPConn)); err == nil {
		t.Error("packets of a connection that is closed")
	}
}
