// SPDX-License-Identifier: Apache-2.0

package beacon

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
)

var noAddr netip.Addr

// A choice is an interface to use, and why if that needs saying.
type choice struct {
	name   string
	ifi    *net.Interface // nil if there is none of that name
	reason string
}

// choose picks the interfaces from those of the host. It is pure: route asks
// for the kernel's route only where that decides.
func choose(group netip.Addr, names []string, all []net.Interface, route func(netip.Addr) (string, error)) []choice {
	var list []choice
	add := func(name, reason string) {
		if slices.ContainsFunc(list, func(c choice) bool { return c.name == name }) {
			return
		}
		c := choice{name: name, reason: reason}
		if i := slices.IndexFunc(all, func(i net.Interface) bool { return i.Name == name }); i >= 0 {
			c.ifi = &all[i]
		}
		list = append(list, c)
	}
	for _, n := range names {
		if n != "*" {
			add(n, "")
			continue
		}
		found := every(all)
		if len(found) == 0 {
			found = loopbacks(all)
		}
		for _, f := range found {
			add(f, "")
		}
	}
	if len(names) == 0 {
		name, err := route(group)
		if err == nil && name != "" {
			add(name, "")
		} else {
			for _, f := range loopbacks(all) {
				add(f, noRoute(group, err))
			}
		}
	}
	slices.SortFunc(list, func(a, b choice) int { return strings.Compare(a.name, b.name) })
	return list
}

// every lists what is up and can do multicast, without loopback.
func every(all []net.Interface) (names []string) {
	for _, i := range all {
		if i.Flags&net.FlagUp != 0 && i.Flags&net.FlagMulticast != 0 && i.Flags&net.FlagLoopback == 0 {
			names = append(names, i.Name)
		}
	}
	return names
}

func loopbacks(all []net.Interface) (names []string) {
	for _, i := range all {
		if i.Flags&net.FlagLoopback != 0 {
			names = append(names, i.Name)
		}
	}
	return names
}

// noRoute says what is missing and what to do about it.
func noRoute(group netip.Addr, err error) string {
	text := fmt.Sprintf("no route to %v", group)
	if err != nil {
		text += fmt.Sprintf(" (%v)", err)
	}
	return fmt.Sprintf("%s, so only services of this host are found: %s, or name an interface", text, remedy(group, "IFACE"))
}

// remedy is the command that adds a route for the group: for 224.x the one
// that administrators know, for others the narrowest well-known that covers it.
func remedy(group netip.Addr, ifname string) string {
	switch {
	case !group.Is4():
		return "ip -6 route add multicast ff00::/8 dev " + ifname
	case group.As4()[0] == 224:
		return "ip route add 224.0.0.0/8 dev " + ifname
	default:
		return "ip route add 224.0.0.0/4 dev " + ifname
	}
}

// pickSource chooses the address to send from on an interface that has addrs,
// or says why there is none. A loopback address is for loopback only, and no
// other address is.
func pickSource(group, asked netip.Addr, loopback bool, addrs []netip.Addr) (netip.Addr, string) {
	if asked.IsValid() {
		if asked.IsLoopback() && !loopback {
			return noAddr, fmt.Sprintf("source %v is a loopback address, which no other host could dial: it is not announced here", asked)
		}
		if !asked.IsLoopback() && loopback {
			return noAddr, fmt.Sprintf("source %v is not a loopback address: it is not announced on loopback", asked)
		}
		return asked, ""
	}
	var local netip.Addr
	for _, a := range addrs {
		if a.Is4() != group.Is4() || a.IsLoopback() != loopback {
			continue
		}
		if !a.IsLinkLocalUnicast() {
			return a, ""
		}
		if !local.IsValid() {
			local = a
		}
	}
	if local.IsValid() {
		return local, ""
	}
	return noAddr, fmt.Sprintf("it has no %s address to send from", family(group))
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "IPv4"
	}
	return "IPv6"
}
