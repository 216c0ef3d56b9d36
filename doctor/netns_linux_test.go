// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/net/ipv4"
	"golang.org/x/sys/unix"

	"lateral/host/hosttest"
)

// hold in the environment makes of the test binary another process that holds
// a port, "tcp4 :57462", until its input ends.
const hold = "LATERAL_TEST_HOLD"

func TestMain(m *testing.M) {
	if what := os.Getenv(hold); what != "" {
		holdPort(what)
		return
	}
	goleak.VerifyTestMain(m)
}

func holdPort(what string) {
	network, addr, _ := strings.Cut(what, " ")
	var c io.Closer
	var err error
	if strings.HasPrefix(network, "tcp") {
		c, err = net.Listen(network, addr)
	} else {
		c, err = net.ListenPacket(network, addr)
	}
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	defer c.Close()
	fmt.Println("held")
	io.Copy(io.Discard, os.Stdin)
}

// held starts such a process and returns its pid.
func held(t *testing.T, what string) int {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), hold+"="+what)
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err := errors.Join(err1, err2, cmd.Start()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		in.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	return cmd.Process.Pid
}

// in is true within a namespace like a node of the page: v0 is its cable.
func in(t *testing.T, more ...string) bool {
	return hosttest.Inside(t, append([]string{"ip link set lo up", "ip link add v0 type veth peer name v1",
		"ip addr add 10.0.2.11/24 dev v0", "ip link set v1 up", "ip link set v0 up"}, more...)...)
}

// run makes the checks of the page on the real machine.
func run(t *testing.T, groups ...string) Report {
	t.Helper()
	o := page
	o.Groups = nil
	for _, g := range groups {
		o.Groups = append(o.Groups, group(g))
	}
	o.Timeout = 20 * time.Second
	o.Identity = gateway().identity
	r := Run(t.Context(), o)
	var b strings.Builder
	if err := r.Write(&b, false); err != nil {
		t.Error(err)
	}
	t.Logf("\n%s", &b)
	return r
}

// Restricted to loopback, the real machine may be looked at anywhere.
func TestRunOnLoopback(t *testing.T) {
	o := page
	o.Interfaces = []string{"lo"}
	o.Ports = nil                   // somebody may have them here
	o.Identity = gateway().identity // and no resolver is to be asked
	r := Run(t.Context(), o)
	expect(t, r, "interfaces", Ok, "lo 127.0.0.1/8")
	expect(t, r, "multicast-route", Ok, "224.0.0.1 leaves by lo from 127.0.0.1, as configured")
	expect(t, r, "multicast-loop", Ok, "224.0.0.1 on lo")
}

func TestNoRoute(t *testing.T) {
	if !in(t) {
		return
	}
	r := run(t, "224.0.0.1:6780")
	expect(t, r, "interfaces", Ok, "v0 10.0.2.11/24")
	expect(t, r, "multicast-route", Failure, "no route for 224.0.0.1", "ip route add 224.0.0.0/8 dev v0", "to keep it")
	expect(t, r, "multicast-loop", Ok, "on lo")
	if r.ExitCode != 2 {
		t.Errorf("exit %d", r.ExitCode)
	}
	// The remedy, word for word, is one.
	for _, f := range r.Findings {
		if f.Check == "multicast-route" {
			hosttest.Do(t, f.Run[0])
		}
	}
	r = run(t, "224.0.0.1:6780")
	expect(t, r, "multicast-route", Ok, "224.0.0.1 leaves by v0 from 10.0.2.11: 224.0.0.0/8 dev v0",
		"224.0.0.0       0.0.0.0         255.0.0.0       U     0      0        0 v0")
	expect(t, r, "multicast-loop", Ok, "on v0")
	if r.Count(Failure) != 0 {
		t.Error("failures after the remedy")
	}
}

func TestRouteTooNarrow(t *testing.T) {
	if !in(t, "ip route add 224.0.0.0/8 dev v0") {
		return
	}
	r := run(t, "224.0.0.1:6780", "228.5.6.7:6789")
	expect(t, r, "multicast-route", Ok, "224.0.0.1 leaves by v0")
	expect(t, r, "multicast-route", Failure, "228.5.6.7", "does not cover it", "ip route add 224.0.0.0/4 dev v0")
}

func TestInterfaceDown(t *testing.T) {
	if !in(t, "ip route add 224.0.0.0/8 dev v0", "ip link set v0 down") {
		return
	}
	r := run(t, "224.0.0.1:6780")
	expect(t, r, "interfaces", Failure, "v0 is down", "ip link set dev v0 up")
	if r.Count(Failure) != 1 || r.Hidden() != 1 {
		t.Errorf("%d failures, %d hidden: the missing route is a consequence", r.Count(Failure), r.Hidden())
	}
}

func TestMulticastOff(t *testing.T) {
	if !in(t, "ip link set v0 multicast off", "ip route add 224.0.0.0/8 dev v0") {
		return
	}
	r := run(t, "224.0.0.1:6780")
	expect(t, r, "interfaces", Failure, "v0 has its multicast flag off", "ip link set dev v0 multicast on")
	if r.Count(Failure) != 1 || r.ExitCode != 2 {
		t.Errorf("%d failures", r.Count(Failure))
	}
}

func TestPortTaken(t *testing.T) {
	if !in(t, "ip route add 224.0.0.0/8 dev v0") {
		return
	}
	tcp, udp := held(t, "tcp4 :57462"), held(t, "udp4 :6780")
	r := run(t, "224.0.0.1:6780")
	expect(t, r, "listener-ports", Failure, fmt.Sprintf("taken by %d/", tcp), "groupware/cache.ccf:210")
	expect(t, r, "udp-port", Failure, "can't be bound", fmt.Sprintf("used by %d/", udp))
}

// Two that share the port do not hinder each other, and the check neither.
func TestPortShared(t *testing.T) {
	if !in(t, "ip route add 224.0.0.0/8 dev v0") {
		return
	}
	lc := net.ListenConfig{}
	for range 2 {
		c, err := lc.ListenPacket(t.Context(), "udp4", "224.0.0.1:6780") // package net sets SO_REUSEADDR for a group
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	expect(t, run(t, "224.0.0.1:6780", "[ff02::1]:6790"), "udp-port", Ok, "6780 can be shared", fmt.Sprintf("used by %d/", os.Getpid()))
}

// The loop check leaves nothing on the cable: its far end sees the datagram
// that is sent afterwards, with a TTL of 1, and none before.
func TestLoopStaysHome(t *testing.T) {
	if !in(t, "ip link set v0 down", "ip link set v0 addrgenmode none", "ip link set v0 up", "ip -6 addr add fe80::11/64 dev v0 nodad") {
		return
	}
	v0, err := net.InterfaceByName("v0")
	if err != nil {
		t.Fatal(err)
	}
	tap := listenOn(t, "v1")
	for _, g := range []string{"224.0.0.1:0", "228.5.6.7:0", "224.0.0.1:6780", "[ff02::1]:0", "[ff02::1]:6780"} {
		if err := loopback(t.Context(), netip.MustParseAddrPort(g), "v0"); err != nil {
			t.Errorf("%s: %v", g, err)
		}
	}
	c, err := net.ListenPacket("udp4", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := ipv4.NewPacketConn(c).SetMulticastInterface(v0); err != nil {
		t.Fatal(err)
	}
	if _, err := c.WriteTo([]byte("marker"), &net.UDPAddr{IP: net.IPv4(224, 0, 0, 1), Port: 9}); err != nil {
		t.Fatal(err)
	}
	if got := tap(); !strings.HasSuffix(got, "marker") {
		t.Errorf("on the cable: %q", got)
	}
}

// listenOn returns a function that waits for the next UDP packet to come in on
// an interface, IPv4 or IPv6.
func listenOn(t *testing.T, dev string) func() string {
	t.Helper()
	ifi, err := net.InterfaceByName(dev)
	if err != nil {
		t.Fatal(err)
	}
	all := binary.BigEndian.Uint16(binary.NativeEndian.AppendUint16(nil, unix.ETH_P_ALL))
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_DGRAM, int(all))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	err = errors.Join(unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: all, Ifindex: ifi.Index}),
		unix.SetsockoptTimeval(fd, unix.SOL_SOCKET, unix.SO_RCVTIMEO, &unix.Timeval{Sec: 10}))
	if err != nil {
		t.Fatal(err)
	}
	return func() string {
		buf := make([]byte, 2048)
		for {
			n, _, err := unix.Recvfrom(fd, buf, 0)
			if errors.Is(err, unix.EINTR) {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			p := buf[:n]
			if n >= 28 && p[0]>>4 == 4 && p[9] == unix.IPPROTO_UDP || n >= 48 && p[0]>>4 == 6 && p[6] == unix.IPPROTO_UDP {
				return string(p)
			}
		}
	}
}

// A datagram that does not come back is missed.
func TestEchoLost(t *testing.T) {
	var all [2]net.PacketConn
	for i := range all {
		c, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		all[i] = c
	}
	deaf := all[1].LocalAddr().(*net.UDPAddr)
	if err := echo(t.Context(), all[0], deaf, time.Millisecond); !errors.Is(err, errLost) {
		t.Errorf("got %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := echo(ctx, all[0], deaf, time.Minute); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("at the check's deadline: %v", err)
	}
	if err := loopback(t.Context(), netip.MustParseAddrPort("224.0.0.1:0"), "no-such-if"); err == nil {
		t.Error("there is a loop on an interface that is not there")
	}
}

// A packet filter that drops discovery is found, and the remedy is one.
func TestPacketFilter(t *testing.T) {
	if !in(t, "ip route add 224.0.0.0/8 dev v0") {
		return
	}
	if out, err := exec.Command("iptables", "-A", "INPUT", "-i", "v0", "-p", "udp", "-j", "DROP").CombinedOutput(); err != nil {
		t.Skipf("needs iptables: %v %s", err, out)
	}
	r := run(t, "224.0.0.1:6780")
	expect(t, r, "multicast-loop", Failure, "did not come back", "iptables -I INPUT -i v0 -d 224.0.0.1 -p udp --dport 6780 -j ACCEPT")
	for _, f := range r.Findings {
		if f.Check == "multicast-loop" && len(f.Run) > 0 {
			hosttest.Do(t, f.Run[0])
		}
	}
	expect(t, run(t, "224.0.0.1:6780"), "multicast-loop", Ok, "a packet filter drops other ports")
}
