// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// PageRoute is the one multicast route that the page has the operator add.
var PageRoute = netip.MustParsePrefix("224.0.0.0/8")

// MaxHosts is how many fit into 10.77.0.0/24.
const MaxHosts = 254

// Options say how the hosts are connected. The zero value is the page's
// network: two hosts.
type Options struct {
	Hosts    int          // 0 is 2
	Route    netip.Prefix // of multicast, on eth0; zero is PageRoute
	NoRoute  bool         // no multicast route at all
	Snooping bool         // the bridge forwards only groups that it saw a host join
	Firewall string       // "nft" or "iptables"; "" is whichever exists
}

// A Lab is a bridge and its hosts. Its methods belong to the goroutine of the
// test.
type Lab struct {
	Hosts []*Host // oxgw01 is Hosts[0]

	t      testing.TB
	opts   Options
	dir    string
	bridge *space
}

// New builds the network and has t clean it up. Without the means it skips t.
func New(t testing.TB, opts Options) *Lab {
	t.Helper()
	if opts.Hosts == 0 {
		opts.Hosts = 2
	}
	if !opts.Route.IsValid() {
		opts.Route = PageRoute
	}
	l := &Lab{t: t, opts: opts, dir: t.TempDir()} // before Cleanup: removed after the processes
	var err error
	if l.bridge, err = newSpace(); err != nil {
		if errors.Is(err, unix.EPERM) {
			Missing(t, "lab", "needs root: "+err.Error())
		}
		t.Fatal(err)
	}
	t.Cleanup(l.close)
	if err := l.bridge.doErr(l.makeBridge); err != nil {
		t.Fatalf("bridge: %v", err)
	}
	for range opts.Hosts {
		l.AddHost()
	}
	return l
}

func (l *Lab) makeBridge() error {
	b := &netlink.Bridge{LinkAttrs: netlink.LinkAttrs{Name: "br0"}, MulticastSnooping: &l.opts.Snooping}
	if err := netlink.LinkAdd(b); err != nil {
		return err
	}
	os.WriteFile("/proc/sys/net/ipv6/conf/br0/disable_ipv6", []byte("1"), 0) // it only forwards
	return netlink.LinkSetUp(b)
}

// AddHost connects one more host. It is in the /etc/hosts of all.
func (l *Lab) AddHost() *Host {
	l.t.Helper()
	n := len(l.Hosts) + 1
	if n > MaxHosts {
		l.t.Fatalf("host %d: only %d addresses in 10.77.0.0/24", n, MaxHosts)
	}
	s, err := newSpace()
	if err != nil {
		l.t.Fatal(err)
	}
	h := &Host{
		Name:  fmt.Sprintf("oxgw%02d", n),
		Addr:  netip.AddrFrom4([4]byte{10, 77, 0, byte(n)}),
		Addr6: netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x77, 15: byte(n)}),
		MAC:   net.HardwareAddr{0x02, 0x77, 0, 0, 0, byte(n)},
		lab:   l, space: s, n: n,
	}
	h.Dir = l.dir + "/" + h.Name
	l.Hosts = append(l.Hosts, h) // now, so that close ends its thread
	if err := errors.Join(os.Mkdir(h.Dir, 0o755), l.writeHosts(), h.build()); err != nil {
		l.t.Fatalf("%s: %v", h.Name, err)
	}
	return h
}

// writeHosts keeps the /etc/hosts of each host: names as on the page, and
// with "-6" the IPv6 addresses, so that a name means one address.
func (l *Lab) writeHosts() error {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 ip6-localhost\n")
	for _, h := range l.Hosts {
		fmt.Fprintf(&b, "%s %s\n%s %s-6\n", h.Addr, h.Name, h.Addr6, h.Name)
	}
	// In place: the file is bound over /etc/hosts, and another file would not be.
	return os.WriteFile(l.dir+"/hosts", []byte(b.String()), 0o644)
}

func (l *Lab) close() {
	for _, h := range l.Hosts {
		for _, c := range h.captures {
			c.Stop()
		}
		h.space.killRest()
		for _, p := range h.procs { // nobody starts any more
			p.end()
		}
		if err := l.bridge.doErr(h.unwire); err != nil {
			l.t.Errorf("%s: wire: %v", h.Name, err)
		}
		h.space.close()
	}
	l.bridge.close()
}

// Block drops silently every IP packet that one host sends to the other, as a
// firewall there would. ARP and neighbour discovery pass: the way back works.
func (l *Lab) Block(from, to *Host) {
	l.t.Helper()
	if err := to.judge(from, dropAll); err != nil {
		l.t.Fatalf("block %s → %s: %v", from.Name, to.Name, err)
	}
}

// Partition blocks both ways.
func (l *Lab) Partition(a, b *Host) {
	l.t.Helper()
	l.Block(a, b)
	l.Block(b, a)
}

// Lose drops a share of the packets that one host sends to the other, by
// chance; 1 to 99 percent.
func (l *Lab) Lose(from, to *Host, percent int) {
	l.t.Helper()
	if err := to.judge(from, lose(percent)); err != nil {
		l.t.Fatalf("lose %d %% of %s → %s: %v", percent, from.Name, to.Name, err)
	}
}

// Reset breaks the TCP connections on which one host sends to the other, with
// what is under way in them, and refuses new ones, until Heal.
func (l *Lab) Reset(from, to *Host) {
	l.t.Helper()
	if err := to.judge(from, reset); err != nil {
		l.t.Fatalf("reset %s → %s: %v", from.Name, to.Name, err)
	}
}

// Heal takes back every Block, Lose, Reset, Wire and Netem of the lab, and puts cables and links
// back.
func (l *Lab) Heal() {
	l.t.Helper()
	for _, h := range l.Hosts {
		if err := h.heal(); err != nil {
			l.t.Fatalf("heal %s: %v", h.Name, err)
		}
	}
}

// tool returns the path of a program that the test can't do without.
func (l *Lab) tool(name, pkg string) string {
	l.t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(l.t, "lab", "needs "+name+" ("+pkg+")")
	}
	return path
}

// pollEvery is short against what tests wait for, and long against the cost
// of running ss.
const pollEvery = 20 * time.Millisecond

// Eventually calls f until it returns nil, and fails t with its last error if
// it does not within the timeout. It is the one place where tests with real
// processes poll.
func Eventually(t testing.TB, timeout time.Duration, f func() error) {
	t.Helper()
	start := time.Now()
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Since(start) > timeout {
			t.Fatalf("still so after %v: %v", timeout, err)
		}
		time.Sleep(pollEvery)
	}
}
