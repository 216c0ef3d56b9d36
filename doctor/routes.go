// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"lateral/host"
)

// routeHeader is the head line of route -n.
const routeHeader = "Destination     Gateway         Genmask         Flags Metric Ref    Use Iface"

// pageNet is the network of the route that operators are told to add for
// 224.0.0.1; allNet covers every IPv4 group.
var (
	pageNet = netip.MustParsePrefix("224.0.0.0/8")
	allNet  = netip.MustParsePrefix("224.0.0.0/4")
	sixNet  = netip.MustParsePrefix("ff00::/8")
	// linkNet is never forwarded by a router, whatever the TTL (RFC 5771 section 4).
	linkNet = netip.MustParsePrefix("224.0.0.0/24")
)

// routes checks, for each group, where the kernel would send its packets.
func (s *scene) routes(context.Context) []Finding {
	var all []Finding
	for _, g := range s.groups() {
		if !g.IsMulticast() {
			all = append(all, Finding{Severity: Failure, About: []string{g.String()},
				Saw: fmt.Sprintf("%s is no multicast address%s", g, at(s.places(g))),
				Why: "discovery needs a group that several members can join",
				Do:  "choose one of 224.0.0.0/4, such as 224.0.0.1 (one segment) or 239.1.2.3"})
			continue
		}
		for _, n := range s.named(g) {
			all = append(all, s.routeNamed(g, n))
		}
		if s.routed(g) {
			all = append(all, s.routeOf(g))
		}
	}
	return all
}

// routeOf checks a group for which the kernel chooses the interface.
func (s *scene) routeOf(g netip.Addr) Finding {
	rt, err := s.route(g)
	f := Finding{About: []string{g.String()}}
	switch {
	case errors.Is(err, host.ErrNoRoute):
		return s.missing(g)
	case err != nil:
		f.Severity, f.Saw = Warning, err.Error()
		f.Why = "so it is not known where discovery's packets go"
		f.Do = "name the interface in the configuration (attribute Interface)"
		return f
	}
	f.About = append(f.About, rt.Interface)
	f.Saw = fmt.Sprintf("%s leaves by %s from %s: %s", g, rt.Interface, s.source(g, rt), rt)
	f.Details = s.rows(g)
	i, _ := s.find(rt.Interface)
	switch {
	case i.Loopback:
		f.Severity = Warning
		f.Why = "only services of this host find each other this way"
		f.Run = []string{fmt.Sprintf("ip route replace %s dev %s", rt.Prefix, s.device(g))}
		f.Do = "if there are no other hosts, name the interface in the configuration: attribute Interface=lo\n" + s.keepRoute(rt.Prefix, s.device(g))
	case madeUp(rt.Interface) && s.main() != rt.Interface && !madeUp(s.main()) && s.main() != "":
		f.Severity = Warning
		f.Saw += ", which looks like a network of containers or a VPN on this host"
		f.Why = "members on other hosts are not in it"
		f.Run = []string{fmt.Sprintf("ip route replace %s dev %s", rt.Prefix, s.main())}
		f.Do = s.keepRoute(rt.Prefix, s.main()) + fmt.Sprintf("\nor, if it is meant, name it in the configuration: attribute Interface=%s", rt.Interface)
	case rt.LinkDown:
		f.Severity = Warning
		f.Why = "that interface has no carrier"
		f.Do = "look at its cable, or at the route if another interface was meant"
	case linkNet.Contains(g) && s.ttl(g) > 1:
		f.Severity = Warning
		f.Saw += fmt.Sprintf("; UdpTTL is %d, and no router passes %s on whatever it is (RFC 5771, section 4)", s.ttl(g), g)
		f.Why = "members behind a router are not found, though the setting looks as if they were"
		f.Run = s.set(g, "UdpTTL", "1")
		f.Do = "if all members are on one network segment; else choose a group such as 239.1.2.3 on all hosts, or list members in TcpServers"
	case linkNet.Contains(g):
		f.Details = append(f.Details, fmt.Sprintf("%s never crosses a router: all members must be on the network segment of %s", g, rt.Interface))
	}
	return f
}

// ttl is how far packets to a group may go.
func (s *scene) ttl(group netip.Addr) int {
	most := 0
	for _, g := range s.Groups {
		if g.Addr.Addr() == group {
			most = max(most, g.TTL)
		}
	}
	return most
}

// set are the commands that give an attribute of a group's configuration a value.
func (s *scene) set(group netip.Addr, key, value string) (commands []string) {
	for _, g := range s.Groups {
		if g.Addr.Addr() != group || g.Set == nil {
			continue
		}
		if c := g.Set(key, value); c != "" && !slices.Contains(commands, c) {
			commands = append(commands, c)
		}
	}
	return commands
}

// routeNamed checks a group for an interface that the configuration names:
// Lateral then needs no route, but others on this host do.
func (s *scene) routeNamed(g netip.Addr, dev string) Finding {
	f := Finding{About: []string{g.String(), dev}}
	via, err := s.routeVia(g, dev)
	if err != nil {
		f.Severity = Failure
		f.Saw = fmt.Sprintf("the kernel sends nothing to %s through %s: %v", g, dev, err)
		f.Why = "discovery can't announce this host there"
		f.Do = "bring the interface up and give it an address; or name another one" + at(s.places(g))
		return f
	}
	f.Saw = fmt.Sprintf("%s leaves by %s from %s, as configured", g, dev, s.source(g, via))
	f.Details = s.rows(g)
	rt, err := s.route(g)
	switch {
	case errors.Is(err, host.ErrNoRoute):
		f.Details = append(f.Details, fmt.Sprintf("there is no route for %s; none is needed here, but a Java (JCS) node on this host needs: %s", g, s.addRoute(g, dev)))
	case err == nil && rt.Interface != dev:
		f.Details = append(f.Details, fmt.Sprintf("the kernel's own choice is %s; a Java (JCS) node on this host sends there", rt))
	}
	return f
}

// missing is the finding that no route covers the group, with its remedy.
func (s *scene) missing(g netip.Addr) Finding {
	dev := s.device(g)
	f := Finding{Severity: Failure, About: []string{g.String(), dev}, Details: s.rows(g)}
	f.Saw = fmt.Sprintf("there is no route for %s%s", g, at(s.places(g)))
	f.Why = "so nothing is announced outside this host and nobody finds it"
	f.Run = []string{s.addRoute(g, dev)}
	for _, r := range s.table {
		if r.Prefix.Addr().Is4() != g.Is4() {
			continue
		}
		switch {
		case r.Reject && r.Prefix.Contains(g):
			f.Saw += fmt.Sprintf("; %q forbids it", r)
			f.Run = append([]string{"ip route del " + r.Prefix.String()}, f.Run...)
		case !r.Reject && !r.Prefix.Contains(g) && r.Interface != "":
			f.Saw += fmt.Sprintf("; %q does not cover it", r)
		}
	}
	f.Do = s.keepRoute(s.net(g), dev) + fmt.Sprintf("\nor name the interface in the configuration: attribute Interface=%s", dev)
	return f
}

// addRoute returns the command that adds the route for a group.
func (s *scene) addRoute(g netip.Addr, dev string) string {
	if g.Is6() {
		return fmt.Sprintf("ip -6 route add ff00::/8 dev %s table local", dev)
	}
	return fmt.Sprintf("ip route add %s dev %s", s.net(g), dev)
}

// net returns the network to add a route for: the well-known /8 where it
// covers all IPv4 groups of the configuration, else all of multicast.
func (s *scene) net(g netip.Addr) netip.Prefix {
	if g.Is6() {
		return sixNet
	}
	for _, o := range append(s.groups(), g) {
		if o.Is4() && !pageNet.Contains(o) {
			return allNet
		}
	}
	return pageNet
}

// device returns the likely interface, or a word in its place.
func (s *scene) device(g netip.Addr) string {
	if d := s.likely(g); d != "" {
		return d
	}
	return "INTERFACE"
}

// rows prints the multicast routes of the group's family: for IPv4 with the
// very rows of route -n.
func (s *scene) rows(g netip.Addr) []string {
	var all []string
	for _, r := range s.table {
		if r.Prefix.Addr().Is4() == g.Is4() {
			all = append(all, r.Classic())
		}
	}
	if g.Is4() && len(all) > 0 {
		all = append([]string{routeHeader}, all...)
	}
	if len(all) == 0 && s.tableErr == nil {
		all = []string{"the routing table has no row that could match a group"}
	}
	return all
}
