// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// failing wraps an error of the kernel as package net does.
func failing(err error) error {
	return &net.OpError{Op: "dial", Net: "tcp", Err: os.NewSyscallError("connect", err)}
}

func TestPeers(t *testing.T) {
	o := page
	o.Peers = []Peer{{Host: "gw02", Port: 57462, At: "cache.ccf:9"}, {Host: "10.0.2.13", Port: 57462, At: "cache.ccf:9"}}
	for _, c := range []struct {
		err      error
		packet   int
		severity Severity
		texts    []string
	}{
		{nil, 1500, Ok, []string{"10.0.2.13:57462 takes TCP connections"}},
		{nil, 1420, Warning, []string{"takes packets of 1420 bytes, and eth0 here sends up to 1500", "ip link set dev eth0 mtu 1420", "to keep it"}},
		{nil, 9000, Ok, nil},
		{failing(syscall.ECONNREFUSED), 0, Warning, []string{"refuses TCP: nobody listens there (cache.ccf:9)"}},
		{failing(syscall.EHOSTUNREACH), 0, Warning, []string{"can't be reached: no route to host", "ip route get 10.0.2.13"}},
		{context.DeadlineExceeded, 0, Warning, []string{"does not answer TCP", "doctor --cluster"}},
		{failing(syscall.EPERM), 0, Warning, []string{"does not answer TCP"}},
		{errors.New("odd"), 0, Warning, []string{"odd"}},
	} {
		m := gateway()
		m.dial = func(context.Context, string) (int, error) { return c.packet, c.err }
		m = m.withRoutes(append(m.table, route("10.0.2.0/24", "eth0"))...)
		expect(t, examine(t, o, m), "peers", c.severity, c.texts...)
	}
}

// Members that are heard are dialled too, each once, and of very many not all.
func TestPeersHeard(t *testing.T) {
	heard := []Neighbour{{Name: "a", Addr: netip.MustParseAddrPort("10.0.2.13:57462")}, {Name: "b", Cluster: "other", Addr: netip.MustParseAddrPort("10.0.2.99:1")}}
	for i := range 2 * maxDials {
		heard = append(heard, Neighbour{Name: fmt.Sprint(i), Addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, 3, byte(i)}), 1)})
	}
	o := page
	o.Peers = []Peer{{Host: "10.0.2.13", Port: 57462}}
	o.Neighbours = func(context.Context) ([]Neighbour, error) { return heard, nil }
	var mu sync.Mutex
	var all []string
	m := gateway()
	m.dial = func(_ context.Context, addr string) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, addr)
		return 1500, nil
	}
	expect(t, examine(t, o, m), "peers", Ok, "65 further members were not dialled")
	slices.Sort(all)
	if len(all) != maxDials || len(slices.Compact(slices.Clone(all))) != maxDials || slices.Contains(all, "10.0.2.99:1") || !slices.Contains(all, "10.0.2.13:57462") {
		t.Errorf("%d dialled: %q", len(all), all)
	}
}

// Our own packet filter is opened only if it is one that may drop.
func TestPeersBarred(t *testing.T) {
	o := page
	o.Peers = []Peer{{Host: "10.0.2.13", Port: 57462}}
	m := gateway()
	m.dial = func(context.Context, string) (int, error) { return 0, failing(syscall.EPERM) }
	m.tools.filters = func() (filters, bool) { return filters{tables: true, list: "-A OUTPUT -p tcp -j DROP"}, true }
	expect(t, examine(t, o, m), "peers", Warning, "iptables -I OUTPUT -d 10.0.2.13 -p tcp --dport 57462 -j ACCEPT")
	m.tools.filters = func() (filters, bool) {
		return filters{tables: true, list: "-P OUTPUT ACCEPT\n-A INPUT -p udp -j DROP"}, true
	}
	for _, f := range examine(t, o, m).Findings {
		if f.Check == "peers" && len(f.Run) > 0 {
			t.Errorf("a filter that drops nothing that leaves: %q", f.Run)
		}
	}
	m.tools.filters = func() (filters, bool) { return filters{}, false }
	r := examine(t, o, m)
	expect(t, r, "packet-filter", Ok, "as root, lateral doctor tells")
	m.tools.filters = func() (filters, bool) { return filters{manager: "firewalld", unseen: true}, true }
	expect(t, examine(t, o, m), "packet-filter", Ok, "as root, lateral doctor tells")
	for _, f := range r.Findings {
		if f.Check == "peers" && len(f.Run) > 0 {
			t.Errorf("without knowing any rule: %q", f.Run)
		}
	}
}

// Who announces an address that is not his is told from one behind a filter: by
// where his packets come from.
func TestPeersElsewhere(t *testing.T) {
	o := page
	m := gateway()
	m.dial = func(context.Context, string) (int, error) { return 0, failing(syscall.ETIMEDOUT) }
	for from, want := range map[string]string{"10.0.2.14": "its packets come from 10.0.2.14", "10.0.2.13": "if it can't dial this host either"} {
		o.Neighbours = func(context.Context) ([]Neighbour, error) {
			return []Neighbour{{Name: "x", Addr: netip.MustParseAddrPort("10.0.2.13:57462"), HeardFrom: netip.MustParseAddr(from)}}, nil
		}
		expect(t, examine(t, o, m), "peers", Warning, want)
	}
}

func TestPeerNames(t *testing.T) {
	for _, c := range []struct {
		addrs string
		err   error
		want  Severity
		texts []string
	}{
		{"10.0.2.12", nil, Ok, []string{"gw02 leads to 10.0.2.12"}},
		{"127.0.1.1", nil, Warning, []string{"gw02 leads to 127.0.1.1 (cache.ccf:9)", "dial itself", "ADDRESS gw02"}},
		{"", &net.DNSError{Err: "no such host", Name: "gw02", IsNotFound: true}, Warning, []string{"gw02 leads nowhere: there is no such name (cache.ccf:9)"}},
		{"", &net.DNSError{Err: "i/o timeout", Name: "gw02", Server: "10.0.0.53:53"}, Warning, []string{"the name server 10.0.0.53:53 gives no answer"}},
	} {
		o := page
		o.Peers = []Peer{{Host: "gw02", Port: 1, At: "cache.ccf:9"}, {Host: "gw02", Port: 2, At: "cache.ccf:9"}}
		m := gateway()
		m.lookup = func(context.Context, string) (all []netip.Addr, err error) {
			if c.addrs != "" {
				all = append(all, netip.MustParseAddr(c.addrs))
			}
			return all, c.err
		}
		r := examine(t, o, m)
		expect(t, r, "peer-names", c.want, c.texts...)
		n := 0
		for _, f := range r.Findings {
			if f.Check == "peer-names" {
				n++
			}
			if f.Check == "peers" && c.err != nil {
				t.Errorf("a name that leads nowhere is dialled: %+v", f)
			}
		}
		if n != 1 {
			t.Errorf("%d findings about one name", n)
		}
	}
}

func TestDisks(t *testing.T) {
	for _, c := range []struct {
		d     disk
		err   error
		want  Severity
		texts []string
	}{
		{disk{free: 5 << 20, size: 1 << 30, mount: "/run"}, nil, Ok, []string{"/run/lateral (sockets) on /run has 5120 KiB free"}},
		{disk{free: 1000, size: 1 << 20, mount: "/run", inMemory: true}, nil, Failure, []string{"has 1000 B free (f:1)", "mount -o remount,size=18M /run", "du -xah /run"}},
		{disk{free: 1000, size: 1 << 20, mount: "/"}, nil, Failure, []string{"du -xah /"}},
		{disk{free: 1 << 40, countsFiles: true, files: 3, mount: "/run", inMemory: true}, nil, Failure, []string{"has room for 3 files", "nr_inodes"}},
		{disk{free: 1 << 40, readOnly: true, mount: "/"}, nil, Failure, []string{"is read-only", "mount -o remount,rw /"}},
		{disk{}, fs.ErrPermission, Warning, []string{"df -h /run/lateral"}},
	} {
		o := page
		o.Places = []Place{{Path: "/run/lateral", For: "sockets", At: "f:1", Need: 1 << 20}}
		m := gateway()
		m.disk = func(string) (disk, error) { return c.d, c.err }
		expect(t, examine(t, o, m), "disk-space", c.want, c.texts...)
	}
}

func TestFilesOfServices(t *testing.T) {
	o := page
	o.OwnPIDs = []int{3706}
	for _, c := range []struct {
		hard  uint64
		err   error
		want  Severity
		texts []string
	}{
		{65536, nil, Ok, []string{"process 3706 may open 65536"}},
		{256, nil, Warning, []string{"no more than 256", "prlimit --pid 3706 --nofile=65536:65536", "LimitNOFILE"}},
		{0, fs.ErrPermission, Ok, []string{"as root, lateral doctor tells"}},
	} {
		m := gateway()
		m.filesOf = func(int) (uint64, error) { return c.hard, c.err }
		expect(t, examine(t, o, m), "file-limit", c.want, c.texts...)
	}
}

// Who is heard and is no member is told of, and what to do about it.
func TestNoMembers(t *testing.T) {
	other := Neighbour{Cluster: "test", HeardFrom: netip.MustParseAddr("10.0.2.12"), Join: "sed x"}
	third := Neighbour{Cluster: "prod", HeardFrom: netip.MustParseAddr("10.0.2.13"), Join: "sed y"}
	strange := Neighbour{Refused: "it uses another secret", HeardFrom: netip.MustParseAddr("10.0.2.14"), Fix: "scp it"}
	mate := Neighbour{Name: "gw02", Addr: netip.MustParseAddrPort("10.0.2.12:1")}
	for _, c := range []struct {
		heard []Neighbour
		texts []string
		run   int // commands offered
	}{
		{[]Neighbour{other}, []string{`10.0.2.12 announces a cluster "test"`, "meant to be one cluster"}, 1},
		{[]Neighbour{other, third}, []string{`"test"`, `"prod"`, "if one of them is meant", "test, prod"}, 0},
		{[]Neighbour{strange}, []string{"10.0.2.14 is not believed: it uses another secret", "scp it"}, 0},
		{[]Neighbour{mate, other}, nil, 0},
	} {
		o := page
		o.Neighbours = func(context.Context) ([]Neighbour, error) { return c.heard, nil }
		r := examine(t, o, gateway())
		if c.texts == nil {
			expect(t, r, "neighbours", Ok, "heard 1 member on other hosts")
			continue
		}
		expect(t, r, "neighbours", Warning, c.texts...)
		n, commands := 0, 0
		for _, f := range r.Findings {
			if f.Check == "neighbours" && f.Because == "" {
				n++
				commands += len(f.Run)
			}
		}
		if n != 1 || commands != c.run {
			t.Errorf("%d findings with %d commands of %+v", n, commands, c.heard)
		}
	}
}

// In a container with a network of its own multicast does not come far.
func TestContainer(t *testing.T) {
	o := page
	o.Neighbours = func(context.Context) ([]Neighbour, error) { return nil, nil }
	m := gateway()
	m.ifs = slices.Delete(m.ifs, 1, 2) // docker0
	expect(t, examine(t, o, m.withFiles(map[string]string{"/.dockerenv": ""})), "neighbours", Warning, "this is a container (Docker)", "--network host")
	hosts := m.withFiles(map[string]string{"/.dockerenv": "", "/sys/class/net/eth0/device/uevent": "x"})
	for _, f := range examine(t, o, hosts).Findings {
		if strings.Contains(f.Saw, "container") {
			t.Errorf("in the host's network: %s", f.Saw)
		}
	}
}
