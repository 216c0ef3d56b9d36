// SPDX-License-Identifier: Apache-2.0

package beacon

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// These tests need interfaces of their own. Each runs again in a child of the
// test binary that has a network namespace for itself; a second child, the
// speaker, has another one and the far end of a cable (veth) between the two.
const (
	namespaceEnv = "LATERAL_TEST_NAMESPACE"
	speakerEnv   = "LATERAL_TEST_SPEAKER"
	noWait       = "GORACE=atexit_sleep_ms=0" // else a child of -race waits a second before it ends
)

// inNamespace reports whether the caller is the child and should go on.
func inNamespace(t *testing.T) bool {
	t.Helper()
	if os.Getenv(namespaceEnv) != "" {
		ip(t, "link set lo up")
		return true
	}
	if os.Geteuid() != 0 {
		t.Skip("needs root, to make a network namespace")
	}
	if _, err := exec.LookPath("ip"); err != nil {
		t.Skip("needs the ip command (iproute2)")
	}
	c := exec.Command(os.Args[0], "-test.run=^"+t.Name()+"$", "-test.timeout=60s")
	c.Env = append(os.Environ(), namespaceEnv+"=1", noWait)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	out, err := c.CombinedOutput()
	if errors.Is(err, syscall.EPERM) {
		t.Skip("not allowed to make a network namespace")
	}
	if err != nil {
		t.Fatalf("in the namespace: %v\n%s", err, out)
	}
	return false
}

func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

// A speaker is a process on the other end of the cable.
type speaker struct {
	t   *testing.T
	in  io.Writer
	out *bufio.Scanner
	pid int
}

func startSpeaker(t *testing.T) *speaker {
	t.Helper()
	c := exec.Command(os.Args[0])
	c.Env = append(os.Environ(), speakerEnv+"=1", noWait)
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET, Pdeathsig: syscall.SIGKILL}
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { in.Close(); c.Wait() })
	return &speaker{t: t, in: in, out: bufio.NewScanner(out), pid: c.Process.Pid}
}

// do has the speaker carry out one line.
func (s *speaker) do(format string, args ...any) {
	s.t.Helper()
	fmt.Fprintf(s.in, format+"\n", args...)
	if !s.out.Scan() || s.out.Text() != "ok" {
		s.t.Fatalf("speaker: %s: %q", fmt.Sprintf(format, args...), s.out.Text())
	}
}

// cable lays a cable named near on our side and far on the speaker's.
func (s *speaker) cable(near string) {
	s.t.Helper()
	ip(s.t, "link add "+near+" type veth peer name far")
	ip(s.t, "link set far netns "+strconv.Itoa(s.pid))
	ip(s.t, "addr add 10.9.0.1/24 dev "+near)
	ip(s.t, "addr add fd09::1/64 dev "+near+" nodad")
	ip(s.t, "link set "+near+" up")
	s.do("ip addr add 10.9.0.2/24 dev far")
	s.do("ip addr add fd09::2/64 dev far nodad")
	s.do("ip link set far up")
}

// multicastRoute waits until the kernel has made an interface's IPv6 multicast
// route, which it does some time after the link came up.
func multicastRoute(ifname string) error {
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(patience); time.Now().Before(end); <-tick.C {
		out, err := exec.Command("ip", "-6", "route", "show", "table", "local", "dev", ifname).Output()
		if err != nil || bytes.Contains(out, []byte("ff00::/8")) {
			return err
		}
	}
	return errors.New("no IPv6 multicast route on " + ifname)
}

func (s *speaker) settle() {
	s.t.Helper()
	if err := multicastRoute("near"); err != nil {
		s.t.Fatal(err)
	}
	s.do("settle")
}

// speak is the speaker's side: "ip …", "settle" and "send SOURCE GROUP TEXT".
func speak() {
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		f := strings.Fields(in.Text())
		var err error
		switch f[0] {
		case "ip":
			var out []byte
			if out, err = exec.Command("ip", f[1:]...).CombinedOutput(); err != nil {
				err = fmt.Errorf("%w: %s", err, bytes.TrimSpace(out))
			}
		case "settle":
			err = multicastRoute("far")
		case "send":
			err = sendOnce(netip.MustParseAddr(f[1]), netip.MustParseAddrPort(f[2]), f[3])
		}
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("ok")
	}
}

func sendOnce(from netip.Addr, to netip.AddrPort, text string) error {
	far, err := net.InterfaceByName("far")
	if err != nil {
		return err
	}
	c, err := dial(far, from, 1)
	if err != nil {
		return err
	}
	defer c.Close()
	_, err = c.WriteToUDPAddrPort([]byte(text), to)
	return err
}

// kernelRoute asks the kernel by connecting a socket, which sends nothing.
func kernelRoute(group netip.Addr) (string, error) {
	c, err := net.Dial("udp", netip.AddrPortFrom(group, 9).String())
	if err != nil {
		return "", err
	}
	defer c.Close()
	own := c.LocalAddr().(*net.UDPAddr).IP
	all, err := net.Interfaces()
	for _, i := range all {
		for _, a := range addrsOf(&i) {
			if own.Equal(a.AsSlice()) {
				return i.Name, nil
			}
		}
	}
	return "", err
}

// A record is a log that tests read.
type record struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.buf.Write(p)
}

func (r *record) count(text string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return strings.Count(r.buf.String(), text)
}

var group6780 = group("224.0.0.1", 6780)

func TestRoute(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := startSpeaker(t)
	s.cable("near")
	log := &record{}
	b := open(t, Config{Group: group6780, RouteTo: kernelRoute, Log: slog.New(slog.NewTextHandler(log, nil))})
	st := b.Status()
	const remedy = "ip route add 224.0.0.0/8 dev IFACE"
	if len(st) != 1 || st[0].Interface != "lo" || !st[0].Ready() || !strings.Contains(st[0].Reason, remedy) {
		t.Fatalf("without a route: status %+v, want lo with the remedy", st)
	}
	now := time.Now()
	b.look(now)
	if n := log.count("level=ERROR"); n != 1 {
		t.Errorf("%d loud lines at once, want 1", n)
	}
	b.look(now.Add(complainEvery + time.Second))
	if n := log.count("level=ERROR"); n != 2 || log.count(remedy) < n {
		t.Errorf("%d loud lines after a while, want 2, each with the remedy", n)
	}
	neighbour := open(t, Config{Group: group6780, RouteTo: kernelRoute})
	send(t, neighbour, "same-host")
	if text, from := hear(t, b); text != "same-host" || !from.Loopback {
		t.Fatalf("heard %q from %+v", text, from)
	}

	ip(t, "route add 224.0.0.0/8 dev near")
	b.look(now)
	st = b.Status()
	if len(st) != 1 || st[0].Interface != "near" || st[0].Addr != netip.MustParseAddr("10.9.0.1") || st[0].Reason != "" {
		t.Fatalf("with the route: status %+v, want near", st)
	}
	s.do("send 10.9.0.2 %v far-host", group6780)
	if text, from := hear(t, b); text != "far-host" || from.Addr.Addr() != netip.MustParseAddr("10.9.0.2") || from.Interface != "near" || from.Loopback {
		t.Fatalf("heard %q from %+v", text, from)
	}
	ip(t, "route del 224.0.0.0/8 dev near")
	b.look(now)
	if st = b.Status(); len(st) != 1 || st[0].Interface != "lo" {
		t.Fatalf("without the route again: status %+v, want lo", st)
	}
	if n := log.count("level=ERROR"); n != 3 {
		t.Errorf("%d loud lines, want one more for a new loss", n)
	}
}

func TestInterfaceComesAndGoes(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := startSpeaker(t)
	b := open(t, Config{Group: group6780, Interfaces: []string{"near"}})
	six := open(t, Config{Group: group("ff02::6780", 6780), Interfaces: []string{"near"}})
	look := func() { b.look(time.Now()); six.look(time.Now()) }
	heard := func(when string) {
		t.Helper()
		s.settle()
		look()
		for _, x := range []*Beacon{b, six} {
			if st := x.Status(); len(st) != 1 || !st[0].Ready() {
				t.Fatalf("%s: status %+v", when, st)
			}
		}
		s.do("send 10.9.0.2 %v four", group6780)
		if text, _ := hear(t, b); text != "four" {
			t.Fatalf("%s: heard %q", when, text)
		}
		s.do("send fd09::2 [ff02::6780]:6780 six")
		if text, from := hear(t, six); text != "six" || from.Addr.Addr() != netip.MustParseAddr("fd09::2") {
			t.Fatalf("%s: heard %q from %v", when, text, from)
		}
	}
	silent := func(why string) {
		t.Helper()
		look()
		if st := b.Status(); st[0].Ready() || !strings.Contains(st[0].Reason, why) {
			t.Fatalf("status %+v, want %q", st, why)
		}
	}
	silent("no such interface")
	s.cable("near")
	heard("came later")

	ip(t, "link set near down")
	silent("down")
	ip(t, "link set near up")
	ip(t, "addr replace fd09::1/64 dev near nodad") // the kernel takes IPv6 addresses away on the way down
	heard("down and up")

	index := b.Status()[0].Index
	ip(t, "link del near")
	s.cable("near") // between two looks: same name, other index
	heard("made anew")
	if b.Status()[0].Index == index {
		t.Fatal("the index is the same: this tested nothing")
	}

	index = b.Status()[0].Index
	ip(t, "link del near")
	ip(t, "link add near index "+strconv.Itoa(index)+" type veth peer name far")
	ip(t, "link del near")
	ip(t, "link add near index "+strconv.Itoa(index)+" type veth peer name far")
	ip(t, "link set far netns "+strconv.Itoa(s.pid))
	ip(t, "addr add 10.9.0.1/24 dev near")
	ip(t, "addr add fd09::1/64 dev near nodad")
	ip(t, "link set near up")
	s.do("ip addr add 10.9.0.2/24 dev far")
	s.do("ip addr add fd09::2/64 dev far nodad")
	s.do("ip link set far up")
	heard("made anew with the same index")

	ip(t, "addr del 10.9.0.1/24 dev near")
	ip(t, "addr add 10.9.0.7/24 dev near")
	heard("another address")
	if a := b.Status()[0].Addr; a != netip.MustParseAddr("10.9.0.7") {
		t.Errorf("sends from %v, want the new address", a)
	}
	for range 30 { // more lives than net.ipv4.igmp_max_memberships
		ip(t, "link set near down")
		look()
		ip(t, "link set near up")
		look()
	}
	ip(t, "addr replace fd09::1/64 dev near nodad")
	heard("after many lives")
}

func TestLoopbackIsNeverAnnouncedElsewhere(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := startSpeaker(t)
	s.cable("near")
	b := open(t, Config{Group: group6780, Interfaces: []string{"near", "lo"}, Source: netip.MustParseAddr("127.77.0.2")})
	st := b.Status()
	if st[0].Interface != "lo" || !st[0].Ready() || st[1].Ready() || !strings.Contains(st[1].Reason, "loopback address") {
		t.Fatalf("status %+v, want near silent", st)
	}
	send(t, b, "hello")
	if _, from := hear(t, b); from.Interface != "lo" || from.Addr.Addr() != netip.MustParseAddr("127.77.0.2") {
		t.Errorf("heard from %+v", from)
	}
	if sent := b.Status()[1].Sent; sent != 0 {
		t.Errorf("%d packets left on near", sent)
	}
	if !st[1].Joined {
		t.Error("near does not even hear")
	}
}

func TestRunFollows(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := startSpeaker(t)
	byItself := open(t, Config{Group: group6780, Interfaces: []string{"near"}})
	poked := open(t, Config{Group: group6780, Interfaces: []string{"near"}})
	byItself.tick, poked.tick = 10*time.Millisecond, time.Hour
	ctx, cancel := context.WithCancel(context.Background())
	run := make(chan error)
	for _, b := range []*Beacon{byItself, poked} {
		go func() { run <- b.Run(ctx) }()
	}
	s.cable("near")
	poked.Refresh()
	heard := make(chan string)
	for _, b := range []*Beacon{byItself, poked} {
		go func() {
			buf := make([]byte, 100)
			b.recv.SetReadDeadline(time.Now().Add(patience))
			n, _, err := b.Read(buf)
			if err != nil {
				heard <- err.Error()
				return
			}
			heard <- string(buf[:n])
		}()
	}
	again := time.NewTicker(10 * time.Millisecond)
	defer again.Stop()
	for n := 0; n < 2; {
		select {
		case text := <-heard:
			if n++; text != "joined" {
				t.Error(text)
			}
		case <-again.C:
			s.do("send 10.9.0.2 %v joined", group6780)
		}
	}
	cancel()
	for range 2 {
		if err := <-run; err != nil {
			t.Error(err)
		}
	}
}

func TestIPv6(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := startSpeaker(t)
	s.cable("near")
	s.settle()
	third(t, "ff02::77:1", "near", "", "fd09::1")
	third(t, "ff05::77:1", "near", "fd09::1", "fd09::1")
	b := open(t, Config{Group: group("ff02::77:1", 6780), Interfaces: []string{"lo"}})
	if err := b.Send([]byte("x")); err != nil && !strings.Contains(err.Error(), "use an IPv4 group") {
		t.Errorf("Send on lo: %v, want what to do instead", err)
	}
}

func TestOneFailingInterfaceDoesNotStopTheOther(t *testing.T) {
	if !inNamespace(t) {
		return
	}
	s := startSpeaker(t)
	s.cable("near")
	b := open(t, Config{Group: group6780, Interfaces: []string{"near", "lo"}})
	ip(t, "link del near") // not looked at since
	if err := b.Send([]byte("on")); err == nil || !strings.Contains(err.Error(), "send on near") {
		t.Errorf("Send: %v, want an error that names near", err)
	}
	if text, from := hear(t, b); text != "on" || from.Interface != "lo" {
		t.Errorf("heard %q from %+v", text, from)
	}
	b.look(time.Now())
	if err := b.Send([]byte("again")); err != nil {
		t.Errorf("Send after a look: %v", err)
	}
	if st := b.Status(); st[1].Failed != 1 || st[1].Ready() {
		t.Errorf("status %+v", st)
	}
}
