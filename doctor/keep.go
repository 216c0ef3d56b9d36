// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
)

// keepRoute says how a route survives a restart of the network.
func (s *scene) keepRoute(net netip.Prefix, dev string) string {
	switch s.tools.network {
	case netManager:
		family, route := "ipv4", net.String()
		if net.Addr().Is6() {
			family, route = "ipv6", fmt.Sprintf(`"%s table=255"`, net) // 255 is local
		}
		return fmt.Sprintf("to keep it, with NetworkManager:\n    nmcli connection modify %s +%s.routes %s", connection(dev), family, route)
	case networkd:
		how := "Scope=link"
		if net.Addr().Is6() { // where the kernel has its own, which come first
			how = "Table=local"
		}
		return s.keepInNetworkd(dev, "multicast.conf", fmt.Sprintf("[Route]\n    Destination=%s\n    %s", net, how))
	}
	if net.Addr().Is6() {
		return fmt.Sprintf("to keep it, in /etc/network/interfaces below \"iface %s inet6 …\":\n    post-up ip -6 route add %s dev %s table local", dev, net, dev)
	}
	return fmt.Sprintf("to keep it, in /etc/network/interfaces below \"iface %s inet …\":\n    post-up route add -net %s dev %s", dev, net, dev)
}

// connection is what NetworkManager calls the settings of an interface.
func connection(dev string) string {
	return fmt.Sprintf(`"$(nmcli -g GENERAL.CONNECTION device show %s)"`, dev)
}

// keepInNetworkd names the file that adds to what networkd knows of an
// interface, and what to write into it.
func (s *scene) keepInNetworkd(dev, name, text string) string {
	i, _ := s.find(dev)
	file := ""
	if s.tools.file != nil {
		file = s.tools.file(i.Index)
	}
	if file == "" {
		return fmt.Sprintf("to keep it, with systemd-networkd, in the .network file that matches %s:\n    %s", dev, text)
	}
	return fmt.Sprintf("to keep it, with systemd-networkd, in /etc/systemd/network/%s.d/%s:\n    %s", filepath.Base(file), name, text)
}

// keepMulticast says how the multicast flag stays on.
func (s *scene) keepMulticast(dev string) string {
	const who = "find out who switched it off, as it is on by default; "
	switch s.tools.network {
	case networkd:
		return who + s.keepInNetworkd(dev, "flag.conf", "[Link]\n    Multicast=yes")
	case netManager:
		return who + fmt.Sprintf("NetworkManager leaves it alone; to set it at each start, an executable file\n/etc/NetworkManager/dispatcher.d/50-multicast with:\n    #!/bin/sh\n    ip link set dev %s multicast on", dev)
	}
	return who + fmt.Sprintf("to keep it, in /etc/network/interfaces below \"iface %s inet …\":\n    post-up ip link set dev %s multicast on", dev, dev)
}

// keepMTU says how an MTU stays.
func (s *scene) keepMTU(dev string, mtu int) string {
	switch s.tools.network {
	case netManager:
		return fmt.Sprintf("to keep it, with NetworkManager:\n    nmcli connection modify %s 802-3-ethernet.mtu %d", connection(dev), mtu)
	case networkd:
		return s.keepInNetworkd(dev, "mtu.conf", fmt.Sprintf("[Link]\n    MTUBytes=%d", mtu))
	}
	return fmt.Sprintf("to keep it, in /etc/network/interfaces below \"iface %s inet …\":\n    mtu %d", dev, mtu)
}

// sysctlFile is read at start by every system that has /etc/sysctl.d.
const sysctlFile = "/etc/sysctl.d/60-lateral.conf"

// keepSysctl says how a kernel setting stays.
func keepSysctl(name, value string) string {
	return fmt.Sprintf("to keep it, in %s:\n    %s = %s", sysctlFile, name, value)
}

// keep says how what opens a packet filter stays.
func (f filters) keep(commands []string) string {
	nft := slices.ContainsFunc(commands, func(c string) bool { return strings.HasPrefix(c, "nft ") })
	switch {
	case f.manager == "firewalld":
		return "the command with --permanent keeps it"
	case f.manager == "ufw":
		return "ufw keeps it"
	case nft:
		return "to keep it, write the same rule into /etc/nftables.conf, before the one that drops"
	}
	return "to keep it, with the package iptables-persistent:\n    iptables-save >/etc/iptables/rules.v4; ip6tables-save >/etc/iptables/rules.v6"
}
