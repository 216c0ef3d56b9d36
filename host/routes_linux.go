// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// RouteTo returns the route that the kernel would use for packets to group, or
// to any other address, when the sender names no interface: the interface, the
// source address and the prefix that matches. The error is ErrNoRoute if it
// would refuse to send.
//
// For an IPv6 group the kernel always finds the ff00::/8 that every interface
// has, and takes the first: a zone in group names the one that is meant.
func RouteTo(group netip.Addr) (Route, error) { return RouteVia(group, group.Zone()) }

// RouteVia is RouteTo for a sender that names its interface; "" is none.
// An IPv4 sender that does needs no route for the group: then Prefix is the
// whole range and the error is ErrNoRoute only if the interface is unusable.
func RouteVia(group netip.Addr, dev string) (Route, error) {
	if !group.IsValid() {
		return Route{}, errors.New("host: route to an empty address")
	}
	group = group.Unmap()
	ip := net.IP(group.WithZone("").AsSlice())
	got, err := netlink.RouteGetWithOptions(ip, &netlink.RouteGetOptions{Oif: dev})
	if err != nil {
		return Route{}, routeError(group, dev, err)
	}
	if len(got) == 0 {
		return Route{}, fmt.Errorf("host: route to %s: %w: the kernel's answer is empty", group, ErrNoRoute)
	}
	rt := Route{
		Index:  got[0].LinkIndex,
		Metric: got[0].Priority,
		Local:  got[0].Type == unix.RTN_LOCAL,
	}
	rt.Gateway, _ = netip.AddrFromSlice(got[0].Gw)
	rt.Source, _ = netip.AddrFromSlice(got[0].Src)
	rt.Gateway, rt.Source = rt.Gateway.Unmap(), rt.Source.Unmap()
	rt.LinkDown = got[0].Flags&unix.RTNH_F_LINKDOWN != 0
	if ifi, err := net.InterfaceByIndex(rt.Index); err == nil {
		rt.Interface = ifi.Name
	}
	rt.Prefix = matching(ip, dev, group)
	return rt, nil
}

// matching returns the prefix of the table row behind a route. The kernel
// tells it only when asked again with RTM_F_FIB_MATCH, since Linux 4.13; it
// has no row for an IPv4 group sent to a named interface.
func matching(ip net.IP, dev string, group netip.Addr) netip.Prefix {
	got, err := netlink.RouteGetWithOptions(ip, &netlink.RouteGetOptions{Oif: dev, FIBMatch: true})
	if err == nil && len(got) > 0 && got[0].Dst != nil {
		if p, ok := prefixOf(got[0].Dst); ok {
			return p
		}
	}
	for _, m := range []netip.Prefix{multicast4, multicast6} {
		if m.Contains(group) {
			return m
		}
	}
	return netip.PrefixFrom(group.WithZone(""), group.BitLen())
}

// routeError tells refusals to send from failures to ask.
func routeError(group netip.Addr, dev string, err error) error {
	what := "host: route to " + group.String()
	if dev != "" {
		what += " dev " + dev
	}
	for _, refusal := range []error{
		unix.ENETUNREACH,  // no row matches
		unix.EHOSTUNREACH, // an unreachable row
		unix.EACCES,       // a prohibit row
		unix.EINVAL,       // a blackhole row
		unix.ENODEV,       // the interface is down or has no IP
		unix.ENETDOWN,
	} {
		if errors.Is(err, refusal) {
			return fmt.Errorf("%s: %w (%w)", what, ErrNoRoute, err)
		}
	}
	return fmt.Errorf("%s: %w", what, err)
}
