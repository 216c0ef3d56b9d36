// SPDX-License-Identifier: Apache-2.0

package beacon

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	if os.Getenv(speakerEnv) != "" {
		speak()
		return
	}
	goleak.VerifyTestMain(m)
}

// patience bounds how long a test waits for what should take microseconds.
const patience = 5 * time.Second

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// freePort is a UDP port nobody uses, as far as one can know.
func freePort(t *testing.T) uint16 {
	t.Helper()
	c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
}

func open(t *testing.T, c Config) *Beacon {
	t.Helper()
	if c.Log == nil {
		c.Log = quiet
	}
	b, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func group(addr string, port uint16) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(addr), port)
}

// hear reads one packet, or fails.
func hear(t *testing.T, b *Beacon) (string, Source) {
	t.Helper()
	b.recv.SetReadDeadline(time.Now().Add(patience))
	buf := make([]byte, 1500)
	n, from, err := b.Read(buf)
	if err != nil {
		t.Fatalf("nothing heard: %v; status %+v", err, b.Status())
	}
	return string(buf[:n]), from
}

func send(t *testing.T, b *Beacon, text string) {
	t.Helper()
	if err := b.Send([]byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestTwoShareThePortAndBothHearAThird(t *testing.T) {
	third(t, "224.0.0.1", "lo", "127.77.0.2", "127.77.0.2")
	third(t, "239.1.2.3", "lo", "", "127.0.0.1")
}

// third has two beacons hear a third, which sends from source.
func third(t *testing.T, addr, ifname, source, want string) {
	t.Helper()
	conf := Config{Group: group(addr, freePort(t)), Interfaces: []string{ifname}}
	a, b := open(t, conf), open(t, conf)
	if source != "" {
		conf.Source = netip.MustParseAddr(source)
	}
	c := open(t, conf)
	send(t, c, "hello")
	for _, x := range []*Beacon{a, b, c} {
		text, from := hear(t, x)
		if text != "hello" || from.Addr.Addr() != netip.MustParseAddr(want) || from.Interface != ifname || from.Loopback != (ifname == "lo") {
			t.Errorf("heard %q from %+v, want hello from %s on %s", text, from, want, ifname)
		}
	}
	s := c.Status()
	if len(s) != 1 || !s[0].Ready() || s[0].Sent != 1 || s[0].Heard != 1 || s[0].Reason != "" {
		t.Errorf("status %+v", s)
	}
}

func TestOtherGroupOnTheSamePortIsNotHeard(t *testing.T) {
	port := freePort(t)
	a := open(t, Config{Group: group("224.0.0.1", port), Interfaces: []string{"lo"}})
	other := open(t, Config{Group: group("224.0.0.251", port), Interfaces: []string{"lo"}})
	same := open(t, Config{Group: group("224.0.0.1", port), Interfaces: []string{"lo"}})
	send(t, other, "for others")
	toHost, err := net.Dial("udp4", netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), port).String())
	if err != nil {
		t.Fatal(err)
	}
	defer toHost.Close()
	if _, err := toHost.Write([]byte("to this host")); err != nil {
		t.Fatal(err)
	}
	send(t, same, "for us")
	for _, b := range []*Beacon{a, same} {
		if text, _ := hear(t, b); text != "for us" {
			t.Errorf("heard %q, want only what is for us", text)
		}
	}
	if text, _ := hear(t, other); text != "for others" {
		t.Errorf("the other group heard %q", text)
	}
}

func TestPacketOnAnInterfaceNotChosenIsDropped(t *testing.T) {
	g := group("224.0.0.1", freePort(t))
	a := open(t, Config{Group: g, Interfaces: []string{"lo"}})
	if _, ok := a.accept(netip.MustParseAddrPort("10.0.0.1:9"), 1<<20); ok {
		t.Error("accepted from an interface that is not chosen")
	}
	lo := a.Status()[0].Index
	a.ports[0].status.Loopback = false // as if it were eth0
	if _, ok := a.accept(netip.MustParseAddrPort("127.0.0.1:9"), lo); ok {
		t.Error("a loopback source was believed from elsewhere")
	}
	if s := a.Status()[0]; s.Dropped != 1 || s.Heard != 0 {
		t.Errorf("status %+v, want 1 dropped", s)
	}
}

func TestSizes(t *testing.T) {
	b := open(t, Config{Group: group("224.0.0.1", freePort(t)), Interfaces: []string{"lo"}})
	if err := b.Send(make([]byte, 70_000)); err == nil || !strings.Contains(err.Error(), "lo") {
		t.Errorf("70,000 bytes: error %v, want one that names lo", err)
	}
	long := bytes.Repeat([]byte("0123456789"), 1000)
	send(t, b, string(long))
	send(t, b, "")
	send(t, b, "next")
	buf := make([]byte, 1500)
	b.recv.SetReadDeadline(time.Now().Add(patience))
	if n, _, err := b.Read(buf); err != nil || !bytes.Equal(buf[:n], long[:1500]) {
		t.Errorf("10,000 bytes: read %d, %v; want the first 1500", n, err)
	}
	for _, want := range []string{"", "next"} {
		if text, _ := hear(t, b); text != want {
			t.Errorf("heard %q, want %q", text, want)
		}
	}
	if s := b.Status()[0]; s.Failed != 1 || s.Sent != 3 {
		t.Errorf("status %+v, want 1 failed, 3 sent", s)
	}
}

func TestCloseUnblocksReadAndRun(t *testing.T) {
	b := open(t, Config{Group: group("224.0.0.1", freePort(t)), Interfaces: []string{"lo"}})
	read, run := make(chan error), make(chan error)
	go func() {
		_, _, err := b.Read(make([]byte, 10))
		read <- err
	}()
	go func() { run <- b.Run(context.Background()) }()
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := <-read; err != net.ErrClosed {
		t.Errorf("Read: %v, want net.ErrClosed", err)
	}
	if err := <-run; err != nil {
		t.Errorf("Run: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if err := b.Send([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Send: %v, want net.ErrClosed", err)
	}
}

func TestMissingInterfaceIsNoErrorOfOpen(t *testing.T) {
	g := group("224.0.0.1", freePort(t))
	b := open(t, Config{Group: g, Interfaces: []string{"lateral9"}})
	err := b.Send([]byte("x"))
	if !errors.Is(err, ErrNoInterface) || !strings.Contains(err.Error(), "lateral9: there is no such interface") {
		t.Errorf("Send: %v", err)
	}
	both := open(t, Config{Group: g, Interfaces: []string{"lateral9", "lo"}})
	send(t, both, "still")
	if text, _ := hear(t, both); text != "still" {
		t.Errorf("heard %q", text)
	}
	s := both.Status()
	if len(s) != 2 || s[0].Interface != "lateral9" || s[0].Ready() || s[0].Reason == "" || !s[1].Ready() {
		t.Errorf("status %+v", s)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []struct {
		conf Config
		says string
	}{
		{Config{Group: group("10.0.0.1", 6780), Interfaces: []string{"lo"}}, "no multicast address"},
		{Config{Group: group("224.0.0.1", 0), Interfaces: []string{"lo"}}, "no multicast address with a port"},
		{Config{Interfaces: []string{"lo"}}, "no multicast address"},
		{Config{Group: group("224.0.0.1", 6780)}, "name an interface"},
		{Config{Group: group("224.0.0.1", 6780), Interfaces: []string{"lo"}, TTL: 256}, "TTL 256"},
		{Config{Group: group("224.0.0.1", 6780), Interfaces: []string{"lo"}, Source: netip.IPv6Loopback()}, "IPv6"},
	} {
		if b, err := Open(c.conf); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v, want %q", c.conf, err, c.says)
			if err == nil {
				b.Close()
			}
		}
	}
}

func TestPortHeldByOneThatDoesNotShare(t *testing.T) {
	c, err := net.ListenUDP("udp4", nil) // without SO_REUSEADDR
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	port := c.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	if b, err := Open(Config{Group: group("224.0.0.1", port), Interfaces: []string{"lo"}, Log: quiet}); err == nil {
		b.Close()
		t.Error("opened a port that another program holds for itself")
	}
}
