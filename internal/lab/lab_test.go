// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"go.uber.org/goleak"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var group = &net.UDPAddr{IP: net.IPv4(224, 0, 0, 1), Port: 6780}

// ear is a socket of a host that has joined 224.0.0.1 on eth0.
type ear struct {
	h *Host
	c *net.UDPConn
}

// listen opens a socket that hears the group on eth0, and one that speaks to
// it with nothing but the route to show the way.
func listen(t *testing.T, h *Host) ear {
	t.Helper()
	e := ear{h: h}
	var err error
	h.Do(func() {
		var eth0 *net.Interface
		if eth0, err = net.InterfaceByName("eth0"); err == nil {
			e.c, err = net.ListenMulticastUDP("udp4", eth0, group)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.c.Close() })
	return e
}

// say sends one packet to the group, from wherever the route points.
func (e ear) say(s string) (err error) {
	e.h.Do(func() {
		var c net.PacketConn
		if c, err = net.ListenPacket("udp4", "0.0.0.0:0"); err != nil {
			return
		}
		defer c.Close()
		_ = ipv4.NewPacketConn(c).SetMulticastLoopback(false)
		_, err = c.WriteTo([]byte(s), group)
	})
	return err
}

// hears waits for the next packet, "" if none comes in time.
func (e ear) hears(wait time.Duration) string {
	e.c.SetReadDeadline(time.Now().Add(wait))
	b := make([]byte, 99)
	n, from, err := e.c.ReadFromUDPAddrPort(b)
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s@%s", b[:n], from.Addr())
}

// Long enough for a packet that comes, short enough to wait for one that must not.
const (
	soon  = 5 * time.Second
	never = 50 * time.Millisecond
)

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestMulticastWithThePagesRouteOnly(t *testing.T) {
	start := time.Now()
	l := New(t, Options{})
	took := time.Since(start)
	t.Logf("two hosts in %v", took)
	if took > 5*time.Second { // 0.5 s is the aim, on a machine that is not shared
		t.Errorf("two hosts took %v", took)
	}
	a, b := listen(t, l.Hosts[0]), listen(t, l.Hosts[1])
	if err := a.say("hello"); err != nil {
		t.Fatal(err)
	}
	want(t, b.hears(soon), "hello@10.77.0.1")
	routes := l.Hosts[0].Run("ip", "-4", "route")
	if !strings.Contains(routes, "224.0.0.0/8 dev eth0") || strings.Contains(routes, "default") {
		t.Errorf("routes:\n%s", routes)
	}
	l.Hosts[0].DropRoute(PageRoute)
	if err := a.say("no way"); err == nil {
		t.Error("sent without a route")
	}
	l.Hosts[0].AddRoute(netip.MustParsePrefix("224.0.0.0/4"))
	if err := a.say("wider"); err != nil {
		t.Error(err)
	}
	want(t, b.hears(soon), "wider@10.77.0.1")
}

func TestNoRoute(t *testing.T) {
	l := New(t, Options{Hosts: 1, NoRoute: true})
	if err := listen(t, l.Hosts[0]).say("x"); err == nil {
		t.Error("sent without a route")
	}
}

func TestLinkAndCable(t *testing.T) {
	l := New(t, Options{})
	ha := l.Hosts[0]
	a, b := listen(t, ha), listen(t, l.Hosts[1])
	ha.LinkDown()
	if err := a.say("x"); err == nil {
		t.Error("sent on a link that is down")
	}
	ha.LinkUp()
	if err := a.say("up again"); err != nil {
		t.Error(err)
	}
	want(t, b.hears(soon), "up again@10.77.0.1")
	if out := ha.Run("ip", "-6", "addr", "show", "dev", "eth0"); !strings.Contains(out, "fd77::1/64") || strings.Contains(out, "tentative") {
		t.Errorf("IPv6 after up:\n%s", out)
	}
	ha.CableOut()
	if out := ha.Run("ip", "link", "show", "eth0"); !strings.Contains(out, "NO-CARRIER") {
		t.Errorf("cable out: %s", out)
	}
	a.say("into the void")
	ha.CableIn()
	a.say("plugged in")
	want(t, b.hears(soon), "plugged in@10.77.0.1")
	ha.LinkDown()
	ha.CableOut()
	l.Heal()
	a.say("healed")
	want(t, b.hears(soon), "healed@10.77.0.1")
}

func TestBlockIsOneWayAndSilent(t *testing.T) {
	for _, fw := range []string{"nft", "iptables"} {
		t.Run(fw, func(t *testing.T) {
			l := New(t, Options{Firewall: fw})
			ha, hb := l.Hosts[0], l.Hosts[1]
			l.tool(fw, fw)
			a, b := listen(t, ha), listen(t, hb)
			c, d := connect(t, ha, hb, "10.77.0.2")
			c6, d6 := connect(t, ha, hb, "fd77::2")
			l.Block(ha, hb)
			hb.Run("ip", "neigh", "flush", "all") // the way back must not need a neighbour known before
			if u, err := dialUDP(hb, "fd77::1"); err != nil {
				t.Error(err)
			} else {
				seen := ha.Capture(func(p Packet) bool { return p.Src.Addr() == hb.Addr6 && p.Proto == UDP })
				u.Write([]byte("x"))
				u.Close()
				Eventually(t, soon, func() error {
					if seen.Count(nil) == 0 {
						return errors.New("nothing comes back over IPv6")
					}
					return nil
				})
			}
			a.say("dropped")
			b.say("other way")
			want(t, a.hears(soon), "other way@10.77.0.2")
			want(t, b.hears(never), "")
			for _, x := range [][2]net.Conn{{c, d}, {c6, d6}} {
				io.WriteString(x[0], "held up")
				x[1].SetReadDeadline(time.Now().Add(never))
				if n, err := x[1].Read(make([]byte, 9)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("%v: through the block: %d, %v", x[0].RemoteAddr(), n, err)
				}
			}
			l.Heal()
			for _, x := range []net.Conn{d, d6} {
				x.SetReadDeadline(time.Now().Add(soon))
				buf := make([]byte, 9)
				n, err := x.Read(buf)
				if string(buf[:n]) != "held up" {
					t.Errorf("%v: after heal: %q, %v", x.LocalAddr(), buf[:n], err)
				}
			}
			a.say("healed")
			want(t, b.hears(soon), "healed@10.77.0.1")
			l.Partition(ha, hb)
			b.say("dropped too")
			want(t, a.hears(never), "")
		})
	}
}

func TestLoseAndReset(t *testing.T) {
	for _, fw := range []string{"nft", "iptables"} {
		t.Run(fw, func(t *testing.T) {
			l := New(t, Options{Firewall: fw})
			ha, hb := l.Hosts[0], l.Hosts[1]
			l.tool(fw, fw)
			a, b := listen(t, ha), listen(t, hb)
			l.Lose(ha, hb, 50)
			for range 200 {
				a.say("maybe")
			}
			heard := 0
			for b.hears(never) != "" {
				heard++
			}
			if heard < 20 || heard > 180 { // by chance: never in the lifetime of the universe
				t.Errorf("%d of 200 came through a loss of 50 %%", heard)
			}
			l.Heal()
			for _, addr := range []string{"10.77.0.2", "fd77::2"} {
				c, _ := connect(t, ha, hb, addr)
				l.Reset(ha, hb)
				io.WriteString(c, "x")
				c.SetReadDeadline(time.Now().Add(soon))
				if _, err := c.Read(make([]byte, 1)); !errors.Is(err, unix.ECONNRESET) {
					t.Errorf("%s: %v", addr, err)
				}
				l.Heal()
			}
			a.say("healed")
			want(t, b.hears(soon), "healed@10.77.0.1")
		})
	}
}

func dialUDP(h *Host, addr string) (c net.Conn, err error) {
	h.Do(func() { c, err = net.Dial("udp", net.JoinHostPort(addr, "9")) })
	return c, err
}

// connect dials from one host to another.
func connect(t *testing.T, from, to *Host, addr string) (c, d net.Conn) {
	t.Helper()
	var ln net.Listener
	var err error
	to.Do(func() { ln, err = net.Listen("tcp", net.JoinHostPort(addr, "0")) })
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	from.Do(func() { c, err = net.DialTimeout("tcp", ln.Addr().String(), soon) })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if d, err = ln.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return c, d
}

func TestNetem(t *testing.T) {
	l := New(t, Options{})
	l.Hosts[0].Netem("delay", "100ms")
	a, b := listen(t, l.Hosts[0]), listen(t, l.Hosts[1])
	start := time.Now()
	a.say("late")
	want(t, b.hears(soon), "late@10.77.0.1")
	if d := time.Since(start); d < 100*time.Millisecond {
		t.Errorf("took %v", d)
	}
	l.Heal()
}

// A bad cable delays, disorders, repeats and loses what goes through it, and
// TCP gets through nevertheless.
func TestWire(t *testing.T) {
	l := New(t, Options{})
	ha, hb := l.Hosts[0], l.Hosts[1]
	a, b := listen(t, ha), listen(t, hb)
	ha.Wire(Wire{Delay: 30 * time.Millisecond, Jitter: 20 * time.Millisecond, Lose: 10, Twice: 10})
	start := time.Now()
	for i := range 200 {
		a.say(fmt.Sprintf("%03d", i))
	}
	var heard []string
	for s := b.hears(soon); s != ""; s = b.hears(10 * never) {
		if len(heard) == 0 && time.Since(start) < 30*time.Millisecond {
			t.Errorf("the first came after %v", time.Since(start))
		}
		heard = append(heard, s)
	}
	once := slices.Compact(slices.Sorted(slices.Values(heard)))
	if slices.IsSorted(heard) || len(once) == 200 || len(once) < 100 || len(heard) == len(once) {
		t.Errorf("%d packets, %d of them different: %v", len(heard), len(once), heard)
	}
	long := bytes.Repeat([]byte("0123456789abcdef"), 1<<11)
	for _, addr := range []string{"10.77.0.2", "fd77::2"} {
		c, d := connect(t, ha, hb, addr)
		go func() {
			c.Write(long)
			c.(*net.TCPConn).CloseWrite()
		}()
		d.SetReadDeadline(time.Now().Add(time.Minute))
		if got, err := io.ReadAll(d); err != nil || !bytes.Equal(got, long) {
			t.Errorf("%s: %d of %d bytes, %v", addr, len(got), len(long), err)
		}
	}
	l.Heal()
	a.say("healed")
	want(t, b.hears(soon), "healed@10.77.0.1")
	ha.Wire(Wire{}) // the end of the lab takes it away
}

func TestObservers(t *testing.T) {
	l := New(t, Options{})
	ha, hb := l.Hosts[0], l.Hosts[1]
	listen(t, hb)
	c, _ := connect(t, ha, hb, "10.77.0.2")
	es := ha.Established()
	if len(es) != 1 || es[0].Local.String() != c.LocalAddr().String() || es[0].Remote.String() != c.RemoteAddr().String() || es[0].PID != os.Getpid() {
		t.Errorf("established: %+v", es)
	}
	if bs := hb.Bound(); len(bs) != 1 || bs[0].Local.Port() != 6780 || bs[0].PID != os.Getpid() {
		t.Errorf("bound: %+v", bs)
	}
	var ln net.Listener
	hb.Do(func() { ln, _ = net.Listen("tcp", ":57462") })
	defer ln.Close()
	if ls := hb.Listening(); len(ls) != 1 || ls[0].Local != netip.MustParseAddrPort("[::]:57462") || ls[0].Remote.IsValid() {
		t.Errorf("listening: %+v", ls)
	}
	var other net.PacketConn
	hb.Do(func() {
		eth0, _ := net.InterfaceByName("eth0")
		other, _ = net.ListenMulticastUDP("udp4", eth0, &net.UDPAddr{IP: net.IPv4(239, 1, 2, 3), Port: 6789})
	})
	defer other.Close()
	for _, g := range []string{"224.0.0.1", "239.1.2.3", "ff02::1"} {
		if !slices.Contains(hb.Groups(), netip.MustParseAddr(g)) {
			t.Errorf("%s not among %v", g, hb.Groups())
		}
	}
	if slices.Contains(ha.Groups(), netip.MustParseAddr("239.1.2.3")) {
		t.Error("a group of another host")
	}
}

func TestAddHostAndNames(t *testing.T) {
	l := New(t, Options{Hosts: 1})
	l.AddHost()
	h := l.Hosts[0]
	want(t, strings.TrimSpace(h.Run("cat", "/proc/sys/kernel/hostname")), "oxgw01")
	if hosts := h.Run("cat", "/etc/hosts"); !strings.Contains(hosts, "10.77.0.2 oxgw02\n") {
		t.Errorf("hosts:\n%s", hosts)
	}
	if out := h.Run("ls", "/sys/class/net"); strings.Fields(out)[0] != "eth0" || strings.Contains(out, "ifb") {
		t.Errorf("/sys: %s", out)
	}
	if b, err := os.ReadFile("/etc/hosts"); err != nil || strings.Contains(string(b), "oxgw02") {
		t.Errorf("the machine's own hosts: %s, %v", b, err)
	}
}

func TestLabsDoNotMeet(t *testing.T) {
	one, two := New(t, Options{}), New(t, Options{})
	a, b := listen(t, one.Hosts[0]), listen(t, two.Hosts[1])
	a.say("x")
	want(t, b.hears(never), "")
}

func TestSnooping(t *testing.T) {
	for _, on := range []bool{false, true} {
		l := New(t, Options{Hosts: 1, Snooping: on})
		var br netlink.Link
		l.bridge.do(func() { br, _ = netlink.LinkByName("br0") })
		if b, ok := br.(*netlink.Bridge); !ok || b.MulticastSnooping == nil || *b.MulticastSnooping != on {
			t.Errorf("snooping %v: %+v", on, br)
		}
	}
}

// The first thread stands for the process in /proc/self and must not move to
// another network.
func TestFirstThreadStays(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1)) // a goroutine runs on where its starter blocks
	held := make(chan struct{})
	var all sync.WaitGroup
	defer all.Wait()
	defer close(held)
	onFirst := make(chan bool)
	var s *space
	var err error
	for first, n := false, 0; !first; first = <-onFirst { // each that is another thread holds it, until the first is next
		if n++; n > 100 {
			t.Skip("the first thread is busy with something else")
		}
		all.Go(func() {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			if unix.Gettid() != os.Getpid() {
				onFirst <- false
				<-held
				return
			}
			runtime.UnlockOSThread()
			s, err = newSpace()
			runtime.LockOSThread()
			onFirst <- true
		})
	}
	if err != nil {
		t.Skip(err)
	}
	defer s.close()
	if s.tid == os.Getpid() {
		t.Error("the first thread was moved")
	}
}
