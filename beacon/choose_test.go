// SPDX-License-Identifier: Apache-2.0

package beacon

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
)

func TestChoose(t *testing.T) {
	lo := net.Interface{Index: 1, Name: "lo", Flags: net.FlagUp | net.FlagLoopback}
	eth0 := net.Interface{Index: 2, Name: "eth0", Flags: net.FlagUp | net.FlagMulticast}
	eth1 := net.Interface{Index: 3, Name: "eth1", Flags: net.FlagMulticast} // down
	tun0 := net.Interface{Index: 4, Name: "tun0", Flags: net.FlagUp}        // no multicast
	all := []net.Interface{eth0, eth1, lo, tun0}
	none := errors.New("network is unreachable")
	for _, c := range []struct {
		name  string
		names []string
		all   []net.Interface
		route string
		err   error
		group string
		want  string // name/index, name, …
		says  string // within the first one's reason
	}{
		{name: "the route decides", all: all, route: "eth0", want: "eth0/2"},
		{name: "a route to what is down", all: all, route: "eth1", want: "eth1/3"},
		{name: "no route", all: all, err: none, want: "lo/1", says: "ip route add 224.0.0.0/8 dev IFACE"},
		{name: "no route beyond 224", all: all, err: none, group: "228.5.6.7", want: "lo/1", says: "ip route add 224.0.0.0/4 dev IFACE"},
		{name: "no IPv6 route", all: all, err: none, group: "ff02::abc", want: "lo/1", says: "ip -6 route add multicast ff00::/8"},
		{name: "the cause is named", all: all, err: none, want: "lo/1", says: "network is unreachable"},
		{name: "the list wins over the route", names: []string{"eth1", "lo"}, all: all, route: "eth0", want: "eth1/3 lo/1"},
		{name: "one that isn't there", names: []string{"eth9"}, all: all, want: "eth9/0"},
		{name: "star", names: []string{"*"}, all: all, want: "eth0/2"},
		{name: "star and one of them", names: []string{"*", "eth0"}, all: all, want: "eth0/2"},
		{name: "star with loopback only", names: []string{"*"}, all: []net.Interface{lo, eth1}, want: "lo/1"},
		{name: "star and lo", names: []string{"*", "lo"}, all: all, want: "eth0/2 lo/1"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.group == "" {
				c.group = "224.0.0.1"
			}
			list := choose(netip.MustParseAddr(c.group), c.names, c.all, func(netip.Addr) (string, error) { return c.route, c.err })
			var got []string
			for _, l := range list {
				index := 0
				if l.ifi != nil {
					index = l.ifi.Index
				}
				got = append(got, fmt.Sprintf("%s/%d", l.name, index))
			}
			if g := strings.Join(got, " "); g != c.want {
				t.Fatalf("chose %q, want %q", g, c.want)
			}
			if r := list[0].reason; !strings.Contains(r, c.says) || c.says == "" && r != "" {
				t.Errorf("reason %q, want one with %q", r, c.says)
			}
		})
	}
}

func TestPickSource(t *testing.T) {
	for _, c := range []struct {
		name, group, asked string
		loopback           bool
		addrs              []string
		want, says         string
	}{
		{"its own", "224.0.0.1", "", false, []string{"fe80::1", "10.0.0.1", "10.0.0.2"}, "10.0.0.1", ""},
		{"loopback on lo", "224.0.0.1", "", true, []string{"10.0.0.1", "127.0.0.1"}, "127.0.0.1", ""},
		{"never loopback elsewhere", "224.0.0.1", "", false, []string{"127.0.0.1"}, "", "no IPv4 address"},
		{"never another on lo", "224.0.0.1", "", true, []string{"10.0.0.1"}, "", "no IPv4 address"},
		{"link-local if there is no other", "224.0.0.1", "", false, []string{"169.254.1.1"}, "169.254.1.1", ""},
		{"a wider one before link-local", "ff02::1", "", false, []string{"fe80::1", "fd00::1"}, "fd00::1", ""},
		{"IPv6 loopback", "ff02::1", "", true, []string{"127.0.0.1", "::1"}, "::1", ""},
		{"none at all", "ff02::1", "", false, nil, "", "no IPv6 address"},
		{"asked for", "224.0.0.1", "10.0.0.2", false, []string{"10.0.0.1"}, "10.0.0.2", ""},
		{"asked for on lo", "224.0.0.1", "127.77.0.2", true, []string{"127.0.0.1"}, "127.77.0.2", ""},
		{"asked for loopback elsewhere", "224.0.0.1", "127.77.0.2", false, []string{"10.0.0.1"}, "", "loopback address"},
		{"asked for another on lo", "224.0.0.1", "10.0.0.2", true, []string{"127.0.0.1"}, "", "not a loopback address"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var addrs []netip.Addr
			for _, a := range c.addrs {
				addrs = append(addrs, netip.MustParseAddr(a))
			}
			var asked, want netip.Addr
			if c.asked != "" {
				asked = netip.MustParseAddr(c.asked)
			}
			if c.want != "" {
				want = netip.MustParseAddr(c.want)
			}
			got, why := pickSource(netip.MustParseAddr(c.group), asked, c.loopback, addrs)
			if got != want || !strings.Contains(why, c.says) || (why == "") != got.IsValid() {
				t.Errorf("got %v, %q, want %v, %q", got, why, want, c.says)
			}
		})
	}
}
