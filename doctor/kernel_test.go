// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"net/netip"
	"strings"
	"testing"

	"lateral/host"
)

// withFiles gives the machine these files of the system.
func (m machine) withFiles(files map[string]string) machine {
	m.text = func(path string) (string, bool) { t, ok := files[path]; return t, ok }
	return m
}

func TestReversePath(t *testing.T) {
	twice := func() machine { // eth1 is in eth0's network, and the kernel answers by eth0
		m := gateway()
		m.ifs[3].Addrs = []netip.Prefix{netip.MustParsePrefix("10.0.2.99/24")}
		table := append(m.table, route("10.0.2.0/24", "eth0"))
		return m.withRoutes(table...)
	}
	o := page
	o.Groups = []Group{{Addr: netip.MustParseAddrPort("224.0.0.1:6780"), Interfaces: []string{"eth1"}}}
	for _, c := range []struct {
		all, dev string
		severity Severity
	}{{"0", "0", Ok}, {"0", "1", Failure}, {"1", "0", Failure}, {"2", "1", Ok}, {"1", "2", Ok}, {"", "", Ok}} {
		m := twice().withFiles(map[string]string{"/proc/sys/net/ipv4/conf/all/rp_filter": c.all, "/proc/sys/net/ipv4/conf/eth1/rp_filter": c.dev})
		texts := []string{"eth1"}
		if c.severity == Failure {
			texts = []string{"in by eth1", "leave by eth0", "sysctl -w net.ipv4.conf.eth1.rp_filter=2", "/etc/sysctl.d/60-lateral.conf"}
		}
		expect(t, examine(t, o, m), "rp-filter", c.severity, texts...)
	}
	m := twice().withFiles(map[string]string{"/proc/sys/net/ipv4/conf/eth1/rp_filter": "1"})
	m.ifs[3].Addrs = []netip.Prefix{netip.MustParsePrefix("10.0.9.11/24")} // a network of its own
	expect(t, examine(t, o, m.withRoutes(append(m.table, route("10.0.9.0/24", "eth1"))...)), "rp-filter", Ok, "is strict")

	// sysctl takes dots in a name for slashes unless there are slashes.
	m = twice().withFiles(map[string]string{"/proc/sys/net/ipv4/conf/eth1.7/rp_filter": "1"})
	m.ifs[3].Name = "eth1.7"
	o.Groups[0].Interfaces = []string{"eth1.7"}
	expect(t, examine(t, o, m), "rp-filter", Failure, "sysctl -w net/ipv4/conf/eth1.7/rp_filter=2")
}

func TestMemberships(t *testing.T) {
	o := page
	o.Groups = []Group{group("239.1.2.3:6780")}
	m := gateway().withRoutes(route("224.0.0.0/4", "eth0"))
	expect(t, examine(t, o, m), "memberships", Ok, "not joined on eth0 yet")
	o.OwnPIDs = []int{7}
	o.Groups[0].Running = true
	m.filesOf = func(int) (uint64, error) { return 65536, nil }
	expect(t, examine(t, o, m), "memberships", Failure, "nobody has joined 239.1.2.3 on eth0")
	m.joined = []host.Membership{{Interface: "eth1", Group: netip.MustParseAddr("239.1.2.3"), Users: 1}}
	expect(t, examine(t, o, m), "memberships", Failure, "nobody has joined")
	m.joined[0].Interface = "eth0"
	m = m.withFiles(map[string]string{"/proc/net/igmp": "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n1\tlo        :     1      V3\n3\teth0      :     1      V2\n"})
	expect(t, examine(t, o, m), "memberships", Ok, "239.1.2.3 is joined on eth0", "asks for groups by IGMP version 2")
	m = m.withFiles(map[string]string{"/proc/sys/net/ipv4/conf/all/force_igmp_version": "1"})
	expect(t, examine(t, o, m), "memberships", Warning, "IGMP version 1", "sysctl -w net.ipv4.conf.all.force_igmp_version=0")
	m.joinErr = host.ErrHidden
	expect(t, examine(t, o, m), "memberships", Warning, "not known which groups")
}

// What keeps a setting is in the words of what configures the network.
func TestKeep(t *testing.T) {
	for _, c := range []struct {
		tool                         string
		multicast, mtu, querier, ups string
	}{
		{"", "post-up ip link set dev eth0 multicast on", "    mtu 1500", "post-up ip link set dev eth0 type bridge mcast_querier 1", "ifup eth0"},
		{ifupdown, "post-up ip link set dev eth0 multicast on", "    mtu 1500", "post-up ip link set dev eth0 type bridge mcast_querier 1", "ifup eth0"},
		{networkd, "Multicast=yes", "10-lan.network.d/mtu.conf:\n    [Link]\n    MTUBytes=1500", "MulticastQuerier=yes", "networkctl up eth0"},
		{netManager, "/etc/NetworkManager/dispatcher.d/50-multicast", "802-3-ethernet.mtu 1500", "bridge.multicast-querier yes", "nmcli device connect eth0"},
	} {
		s := &scene{machine: gateway()}
		s.tools = tools{network: c.tool, file: func(int) string { return "/etc/systemd/network/10-lan.network" }}
		for got, want := range map[string]string{s.keepMulticast("eth0"): c.multicast, s.keepMTU("eth0", 1500): c.mtu, s.keepQuerier("eth0"): c.querier, s.bringUp("eth0"): c.ups} {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %q has no %q", c.tool, got, want)
			}
		}
	}
	for manager, want := range map[string]string{"firewalld": "--permanent", "ufw": "ufw keeps it", "": "iptables-save"} {
		if got := (filters{manager: manager}).keep([]string{"x"}); !strings.Contains(got, want) {
			t.Errorf("%s: %q", manager, got)
		}
	}
}

// A unit is stopped as one, or systemd would start its process again.
func TestStop(t *testing.T) {
	java := []host.Process{{PID: 3706, Name: "java"}}
	for cgroup, want := range map[string]string{
		"0::/system.slice/open-xchange.service":      "systemctl stop open-xchange.service",
		"0::/user.slice/user-1000.slice/app.service": "kill 3706",
		"0::/system.slice/a;reboot.service":          "kill 3706",
		"":                                           "kill 3706",
		"12:pids:/system.slice/lateral@groupware.service\n0::/": "systemctl stop lateral@groupware.service",
	} {
		m := gateway().withFiles(map[string]string{"/proc/3706/cgroup": cgroup})
		m.owners = func(string, netip.Addr, uint16) ([]host.Process, error) { return java, nil }
		expect(t, examine(t, page, m), "listener-ports", Failure, "taken by 3706/java", want)
	}
}
