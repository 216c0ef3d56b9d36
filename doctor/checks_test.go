// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"

	"lateral/host"
)

// gateway is a groupware node as the page has it, with Docker on it: the /8 on
// eth0, and everything works.
func gateway() machine {
	table := []host.Route{
		{Prefix: netip.MustParsePrefix("0.0.0.0/0"), Interface: "eth0", Gateway: netip.MustParseAddr("10.0.2.1")},
		{Prefix: netip.MustParsePrefix("224.0.0.0/8"), Interface: "eth0"},
	}
	m := machine{
		ifs: []host.Interface{
			{Name: "lo", Index: 1, Up: true, Running: true, Loopback: true, Addrs: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/8")}},
			{Name: "docker0", Index: 2, Up: true, Running: true, Multicast: true, Addrs: []netip.Prefix{netip.MustParsePrefix("172.17.0.1/16")}},
			{Name: "eth0", Index: 3, Up: true, Running: true, Multicast: true, MTU: 1500, Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.2.11/24")}},
			{Name: "eth1", Index: 4, Up: true, Running: true, Multicast: true, Addrs: []netip.Prefix{netip.MustParsePrefix("10.0.9.11/24")}},
		},
		owners: func(string, netip.Addr, uint16) ([]host.Process, error) { return nil, host.ErrFree },
		loop:   func(context.Context, netip.AddrPort, string) error { return nil },
		share:  func(netip.AddrPort) error { return nil },
		files:  func() (uint64, uint64, error) { return 1024, 65536, nil },
		dial:   func(context.Context, string) (int, error) { return 1500, nil },
		lookup: func(context.Context, string) ([]netip.Addr, error) {
			return []netip.Addr{netip.MustParseAddr("10.0.2.12")}, nil
		},
		disk: func(string) (disk, error) { return disk{free: 1 << 40, mount: "/"}, nil },
		identity: func(context.Context) (host.Identity, error) {
			return host.Identity{Hostname: "oxgw01", Addrs: []netip.Addr{netip.MustParseAddr("10.0.2.11")}}, nil
		},
	}
	return m.withRoutes(table...)
}

// withRoutes gives the machine another table; the longest prefix wins.
func (m machine) withRoutes(table ...host.Route) machine {
	m.table = table
	m.route = func(g netip.Addr) (host.Route, error) {
		best := host.Route{Reject: true}
		for _, r := range table {
			if r.Prefix.Contains(g) && (best.Prefix == netip.Prefix{} || r.Prefix.Bits() > best.Prefix.Bits()) {
				best = r
			}
		}
		if best.Reject {
			return host.Route{}, fmt.Errorf("host: route to %s: %w", g, host.ErrNoRoute)
		}
		best.Source = netip.MustParseAddr("10.0.2.11")
		return best, nil
	}
	m.routeVia = func(g netip.Addr, dev string) (host.Route, error) {
		return host.Route{Interface: dev, Source: netip.MustParseAddr("10.0.2.11")}, nil
	}
	return m
}

func route(prefix, dev string) host.Route {
	return host.Route{Prefix: netip.MustParsePrefix(prefix), Interface: dev}
}

func group(addr string) Group {
	return Group{Addr: netip.MustParseAddrPort(addr), At: "groupware/cache.ccf:212", Service: "groupware"}
}

var page = Options{
	Groups: []Group{group("224.0.0.1:6780")},
	Ports:  []Port{{Port: 57462, At: "groupware/cache.ccf:210", Service: "groupware"}},
}

func examine(t *testing.T, o Options, m machine) Report {
	t.Helper()
	return runAll(t.Context(), builtin(o, m))
}

// expect fails the test unless a finding of the check has the severity and all
// the texts, is not hidden, and tells why and what to do where it is bad.
func expect(t *testing.T, r Report, check string, s Severity, texts ...string) {
	t.Helper()
	for _, f := range r.Findings {
		whole := strings.Join(slices.Concat([]string{f.Saw, f.Why, f.Do}, f.Run, f.Details), "\n")
		if f.Check == check && f.Severity == s && f.Because == "" &&
			!slices.ContainsFunc(texts, func(text string) bool { return !strings.Contains(whole, text) }) {
			if s != Ok && (f.Why == "" || f.Do == "") {
				t.Errorf("%s: no why or do in %+v", check, f)
			}
			return
		}
	}
	var b strings.Builder
	r.Write(&b, false)
	t.Errorf("no %v of %s says %q; the report:\n%s", s, check, texts, &b)
}

func TestThePage(t *testing.T) {
	r := examine(t, page, gateway())
	if r.ExitCode != 0 {
		t.Errorf("exit %d", r.ExitCode)
	}
	expect(t, r, "interfaces", Ok, "eth0 10.0.2.11/24, up, multicast")
	expect(t, r, "multicast-route", Ok, "224.0.0.1 leaves by eth0 from 10.0.2.11: 224.0.0.0/8 dev eth0",
		"224.0.0.0       0.0.0.0         255.0.0.0       U     0      0        0 eth0", "never crosses a router")
	expect(t, r, "multicast-loop", Ok, "eth0")
	expect(t, r, "listener-ports", Ok, "57462", "free")
	expect(t, r, "udp-port", Ok, "6780")
	expect(t, r, "hostname", Ok, "oxgw01")
	expect(t, r, "file-limit", Ok, "65536")
}

func TestRouteRemedies(t *testing.T) {
	two := Options{Groups: []Group{group("224.0.0.1:6780"), group("228.5.6.7:6789")}}
	m := gateway()
	r := examine(t, page, m.withRoutes())
	expect(t, r, "multicast-route", Failure, "no route for 224.0.0.1 (groupware/cache.ccf:212)",
		"ip route add 224.0.0.0/8 dev eth0", "post-up route add -net 224.0.0.0/8 dev eth0", "iface eth0", "Interface=eth0")
	if r.ExitCode != 2 {
		t.Errorf("no route: exit %d", r.ExitCode)
	}

	r = examine(t, two, m.withRoutes(route("224.0.0.0/8", "eth0")))
	expect(t, r, "multicast-route", Ok, "224.0.0.1")
	expect(t, r, "multicast-route", Failure, "228.5.6.7", "\"224.0.0.0/8 dev eth0\" does not cover it", "ip route add 224.0.0.0/4 dev eth0")

	reject := host.Route{Prefix: netip.MustParsePrefix("224.0.0.0/4"), Reject: true}
	r = examine(t, page, m.withRoutes(reject))
	expect(t, r, "multicast-route", Failure, "forbids", "ip route del 224.0.0.0/4\nip route add 224.0.0.0/8 dev eth0")

	r = examine(t, page, m.withRoutes(route("224.0.0.0/4", "lo")))
	expect(t, r, "multicast-route", Warning, "only services of this host", "ip route replace 224.0.0.0/4 dev eth")

	r = examine(t, Options{Groups: []Group{group("10.0.2.255:6780")}}, m)
	expect(t, r, "multicast-route", Failure, "10.0.2.255 is no multicast address")
}

// With the interface named no route is needed, but a JCS node would miss it.
func TestNamedInterface(t *testing.T) {
	o := page
	o.Groups = []Group{{Addr: netip.MustParseAddrPort("224.0.0.1:6780"), Interfaces: []string{"eth1"}}}
	r := examine(t, o, gateway().withRoutes())
	if r.ExitCode != 0 {
		t.Errorf("exit %d", r.ExitCode)
	}
	expect(t, r, "multicast-route", Ok, "leaves by eth1", "JCS", "ip route add 224.0.0.0/8 dev eth1")
	r = examine(t, o, gateway())
	expect(t, r, "multicast-route", Ok, "leaves by eth1", "the kernel's own choice is 224.0.0.0/8 dev eth0")

	o.Groups[0].Interfaces = []string{"eth7"}
	expect(t, examine(t, o, gateway()), "interfaces", Failure, "no interface eth7", "lo, docker0, eth0, eth1")

	m := gateway()
	m.routeVia = func(netip.Addr, string) (host.Route, error) { return host.Route{}, host.ErrNoRoute }
	expect(t, examine(t, o, m), "interfaces", Failure)
	o.Groups[0].Interfaces = []string{"eth1"}
	expect(t, examine(t, o, m), "multicast-route", Failure, "nothing to 224.0.0.1 through eth1")
}

// Nothing is ever sent on an interface that is not selected.
func TestLoopOnlyWhereSelected(t *testing.T) {
	for _, c := range []struct {
		group, only []string
		noRoute     bool
		want        []string
	}{
		{want: []string{"eth0"}},
		{noRoute: true, want: []string{"lo"}},
		{only: []string{"lo"}, want: []string{"lo"}},
		{group: []string{"eth1"}, want: []string{"eth1"}},
		{group: []string{"eth0", "eth1"}, only: []string{"eth1"}, want: []string{"eth1"}},
		{group: []string{"eth0"}, only: []string{"lo"}, want: nil},
		{group: []string{"*"}, only: []string{"eth1", "lo"}, want: []string{"eth1"}},
		{only: []string{"*"}, want: []string{"docker0", "eth0", "eth1"}},
	} {
		m := gateway()
		if c.noRoute {
			m = m.withRoutes()
		}
		var got []string
		var mu sync.Mutex
		m.loop = func(_ context.Context, _ netip.AddrPort, dev string) error {
			mu.Lock()
			defer mu.Unlock()
			got = append(got, dev)
			return nil
		}
		g := group("224.0.0.1:6780")
		g.Interfaces = c.group
		examine(t, Options{Groups: []Group{g}, Interfaces: c.only}, m)
		slices.Sort(got)
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: sent on %v", c, got)
		}
	}
}

func TestLoopLost(t *testing.T) {
	m := gateway()
	m.loop = func(context.Context, netip.AddrPort, string) error { return errLost }
	r := examine(t, page, m)
	expect(t, r, "multicast-loop", Failure, "224.0.0.1 on eth0", "did not come back", "iptables -I INPUT -i eth0 -d 224.0.0.1 -p udp --dport 6780 -j ACCEPT")
	if r.ExitCode != 2 {
		t.Errorf("exit %d", r.ExitCode)
	}
	// A filter that lets nothing but discovery's own port through is fine.
	m.loop = func(_ context.Context, g netip.AddrPort, _ string) error {
		if g.Port() != 6780 {
			return errLost
		}
		return nil
	}
	expect(t, examine(t, page, m), "multicast-loop", Ok, "a packet filter drops other ports")
	m.loop = func(_ context.Context, g netip.AddrPort, _ string) error {
		if g.Port() != 0 {
			t.Error("sent to the services for nothing")
		}
		return errors.New("can't join")
	}
	expect(t, examine(t, page, m), "multicast-loop", Failure, "can't join", "ip addr show dev eth0")
}

func TestInterfaceTrouble(t *testing.T) {
	for _, c := range []struct {
		change func(*host.Interface)
		texts  []string
	}{
		{func(i *host.Interface) { i.Up = false }, []string{"eth0 is down", "ip link set dev eth0 up"}},
		{func(i *host.Interface) { i.Running = false }, []string{"no carrier", "cable"}},
		{func(i *host.Interface) { i.Multicast = false }, []string{"multicast flag", "ip link set dev eth0 multicast on"}},
		{func(i *host.Interface) { i.Addrs = nil }, []string{"no address", "ip addr add"}},
	} {
		m := gateway()
		m.loop = func(context.Context, netip.AddrPort, string) error { return errLost }
		c.change(&m.ifs[2])
		r := examine(t, page, m)
		expect(t, r, "interfaces", Failure, c.texts...)
		if n := r.Count(Failure); n != 1 || r.Hidden() == 0 {
			t.Errorf("%s: %d failures, %d hidden; want one cause", c.texts[0], n, r.Hidden())
		}
	}
	m := gateway()
	m.ifs = m.ifs[:1]
	expect(t, examine(t, page, m.withRoutes()), "interfaces", Warning, "no interface but loopback")
}

func TestLikely(t *testing.T) {
	m := gateway()
	s := &scene{machine: m}
	if got := s.likely(netip.Addr{}); got != "eth0" {
		t.Errorf("with a default route: %s", got)
	}
	s.machine = m.withRoutes()
	s.ifs[2].Running = false
	if got := s.likely(netip.Addr{}); got != "eth1" {
		t.Errorf("without one: %s", got)
	}
}

func TestPorts(t *testing.T) {
	java := host.Process{PID: 3706, Name: "java"}
	m := gateway()
	answer := func(err error, owners ...host.Process) machine {
		m.owners = func(string, netip.Addr, uint16) ([]host.Process, error) { return owners, err }
		return m
	}
	r := examine(t, page, answer(nil, java))
	expect(t, r, "listener-ports", Failure, "TCP port 57462 of groupware is taken by 3706/java", "groupware/cache.ccf:210")
	if r.ExitCode != 2 {
		t.Errorf("exit %d", r.ExitCode)
	}
	expect(t, r, "udp-port", Ok, "used by 3706/java")
	o := page
	o.OwnPIDs = []int{3706}
	expect(t, examine(t, o, answer(nil, java)), "listener-ports", Ok, "our own 3706/java")
	expect(t, examine(t, o, answer(nil, java, host.Process{PID: 9, Name: "x"})), "listener-ports", Failure, "taken by 9/x")
	expect(t, examine(t, page, answer(host.ErrHidden)), "listener-ports", Failure, "another user", "as root")
	expect(t, examine(t, page, answer(errors.New("no /proc"))), "listener-ports", Warning, "no /proc")
	o.Ports = []Port{{Addr: netip.MustParseAddr("10.0.7.7"), Port: 1, At: "f:1"}}
	expect(t, examine(t, o, m), "listener-ports", Failure, "10.0.7.7 is no address of this machine", "f:1")
	m.share = func(netip.AddrPort) error { return errors.New("address already in use") }
	expect(t, examine(t, page, answer(host.ErrHidden)), "udp-port", Failure, "6780 can't be bound", "another user", "as root", "SO_REUSEADDR")
}

func TestHostname(t *testing.T) {
	const hosts = "127.0.0.1 localhost\n127.0.1.1 oxgw01.example.org oxgw01\n"
	for _, c := range []struct {
		addrs    string
		severity Severity
		texts    []string
	}{
		{"127.0.1.1", Warning, []string{"oxgw01 leads to 127.0.1.1 only (/etc/hosts:2)", "dial themselves",
			"replace line 2 of /etc/hosts (127.0.1.1 oxgw01.example.org oxgw01) by:\n    10.0.2.11 oxgw01.example.org oxgw01"}},
		{"", Warning, []string{"leads nowhere: no such host"}},
		{"192.0.2.99", Warning, []string{"192.0.2.99, which this machine does not have"}},
		{"127.0.0.1 192.0.2.99", Warning, []string{"this machine does not have", "replace line 2"}},
		{"127.0.1.1 10.0.2.11", Ok, []string{"127.0.1.1, 10.0.2.11"}},
	} {
		o := page
		o.Identity = func(ctx context.Context) (host.Identity, error) {
			return host.IdentityOf(ctx, "oxgw01", strings.NewReader(hosts), func(context.Context, string) (all []netip.Addr, err error) {
				for _, a := range strings.Fields(c.addrs) {
					all = append(all, netip.MustParseAddr(a))
				}
				if all == nil {
					err = errors.New("no such host")
				}
				return all, err
			})
		}
		expect(t, examine(t, o, gateway()), "hostname", c.severity, c.texts...)
	}
}

func TestNeighbours(t *testing.T) {
	gw02 := Neighbour{Name: "oxgw02 groupware", Addr: netip.MustParseAddrPort("10.0.2.12:57462"), Group: "224.0.0.1:6780"}
	trap := Neighbour{Name: "oxgw03 groupware", Addr: netip.MustParseAddrPort("127.0.1.1:57462"), HeardFrom: netip.MustParseAddr("10.0.2.13")}
	near := Neighbour{Name: "oxgw01 admindaemon", Addr: netip.MustParseAddrPort("127.0.0.1:57461"), ThisHost: true}
	o := page
	heard := func(err error, all ...Neighbour) Options {
		o.Neighbours = func(context.Context) ([]Neighbour, error) { return all, err }
		return o
	}
	expect(t, examine(t, heard(nil, gw02, near), gateway()), "neighbours", Ok, "1 member on other hosts and 1 on this one", "oxgw02 groupware 10.0.2.12:57462 in 224.0.0.1:6780")
	r := examine(t, heard(nil, near), gateway())
	expect(t, r, "neighbours", Warning, "no member on another host")
	if r.ExitCode != 1 {
		t.Errorf("exit %d", r.ExitCode)
	}
	expect(t, examine(t, heard(nil, trap), gateway()), "neighbours", Warning, "oxgw03 groupware announces 127.0.1.1:57462", "from 10.0.2.13")
	expect(t, examine(t, heard(errors.New("port in use")), gateway()), "neighbours", Warning, "port in use")
	if r := examine(t, heard(nil), gateway().withRoutes()); r.Count(Warning) != 0 || r.ExitCode != 2 {
		t.Errorf("without a route nobody can be heard, and that is said twice: %+v", r.Findings)
	}
}

func TestFilesAndConfig(t *testing.T) {
	m := gateway()
	m.files = func() (uint64, uint64, error) { return 64, 256, nil }
	o := page
	o.Config = []Finding{{Severity: Warning, Saw: "cache.ccf:7: unknown key", Why: "w", Do: "d"}, {Check: "config-ports", Severity: Failure, Saw: "x", Why: "w", Do: "d"}}
	o.Checks = []Check{says("clock", nil, Finding{Saw: "in step"})}
	o.Timeout = DefaultTimeout
	r := examine(t, o, m)
	expect(t, r, "file-limit", Warning, "256", "LimitNOFILE")
	expect(t, r, "config", Warning, "cache.ccf:7")
	expect(t, r, "config-ports", Failure, "x")
}
