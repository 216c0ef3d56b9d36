// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
)

// reverse checks that the kernel does not throw away what members send, as a
// source address that it would answer by another way (net.ipv4.conf.*.rp_filter
// = 1, RFC 3704 strict mode). Two interfaces in one network are such a case.
func (s *scene) reverse(context.Context) []Finding {
	var all []Finding
	done := map[string]bool{}
	for _, g := range s.groups() {
		for _, dev := range s.used(g) {
			i, ok := s.find(dev)
			if !ok || i.Loopback || !g.Is4() || done[dev] {
				continue
			}
			done[dev] = true
			all = append(all, s.reverseOn(dev, i.Addrs))
		}
	}
	return all
}

func (s *scene) reverseOn(dev string, own []netip.Prefix) Finding {
	name, here := s.kernel("ipv4", dev, "rp_filter")
	_, everywhere := s.kernel("ipv4", "all", "rp_filter")
	f := Finding{About: []string{dev}, Saw: fmt.Sprintf("%s takes packets by whatever way it would answer them (rp_filter %s)", dev, max(here, everywhere))}
	if max(here, everywhere) != "1" { // the kernel takes the larger of the two, and 2 is loose
		return f
	}
	f.Saw = dev + " is strict about sources (rp_filter 1), and its networks are answered through it"
	for _, p := range own {
		if !p.Addr().Is4() || p.IsSingleIP() {
			continue
		}
		other := p.Masked().Addr().Next() // somebody in this network
		if other == p.Addr() {
			other = other.Next()
		}
		rt, err := s.route(other)
		if err != nil || rt.Interface == dev || rt.Interface == "" {
			continue
		}
		return Finding{Severity: Failure, About: []string{dev}, Run: []string{"sysctl -w " + name + "=2"},
			Saw: fmt.Sprintf("what members in %s send is dropped when it comes in by %s: their answer would leave by %s, and rp_filter is 1", p.Masked(), dev, rt.Interface),
			Why: "so nobody is heard here, though packets arrive (tcpdump shows them)",
			Do:  "better still, have one interface in one network only\n" + keepSysctl(name, "2")}
	}
	return f
}

// together checks that services of this host that share a group use the same
// interfaces: a datagram comes back on the interface that it left by only.
func (s *scene) together(context.Context) []Finding {
	var all []Finding
	for i, a := range s.Groups {
		for _, b := range s.Groups[:i] {
			if a.Addr != b.Addr || a.Cluster != b.Cluster || a.Service == b.Service {
				continue
			}
			a, b := a, b
			if slices.Contains(s.usedBy(a), s.main()) {
				a, b = b, a // who uses what others most likely do is right
			}
			da, db := s.usedBy(a), s.usedBy(b)
			if len(da) == 0 || len(db) == 0 || slices.ContainsFunc(da, func(d string) bool { return slices.Contains(db, d) }) {
				continue
			}
			f := Finding{Severity: Warning, About: []string{a.Addr.Addr().String()},
				Saw: fmt.Sprintf("%s uses %s for %s, and %s of this host %s", a.Service, strings.Join(da, ", "), a.Addr, b.Service, strings.Join(db, ", ")),
				Why: "they don't hear each other: what is sent on an interface comes back on that one only",
				Do:  "give both the same Interface, or name both: Interface=" + strings.Join(distinct(slices.Concat(db, da)), ",") + at(a.At)}
			if a.Set != nil && len(db) == 1 {
				if c := a.Set("Interface", db[0]); c != "" {
					f.Run = []string{c}
				}
			}
			all = append(all, f)
		}
	}
	return all
}

// usedBy are the interfaces that one configured group uses.
func (s *scene) usedBy(g Group) []string {
	if names := s.expand(g.Interfaces); len(names) > 0 {
		return distinct(names)
	}
	if rt, err := s.route(g.Addr.Addr()); err == nil && rt.Interface != "" {
		return []string{rt.Interface}
	}
	return nil
}

// memberships checks that the groups are joined where services run, and what
// the kernel says to the switches (IGMP).
func (s *scene) memberships(context.Context) []Finding {
	if s.joinErr != nil {
		return []Finding{{Severity: Warning, Saw: s.joinErr.Error(), Why: "so it is not known which groups this host has joined", Do: "look with: ip maddr show"}}
	}
	var all []Finding
	for _, g := range s.groups() {
		if !g.IsMulticast() {
			continue
		}
		for _, dev := range s.used(g) {
			if _, ok := s.find(dev); !ok {
				continue
			}
			users := 0
			for _, m := range s.joined {
				if m.Group == g.WithZone("") && m.Interface == dev {
					users = max(users, m.Users)
				}
			}
			all = append(all, s.membership(g, dev, users))
		}
	}
	return all
}

func (s *scene) membership(g netip.Addr, dev string, users int) Finding {
	f := Finding{About: []string{g.String(), dev}}
	name, forced := s.kernel("ipv4", dev, "force_igmp_version")
	_, everywhere := s.kernel("ipv4", "all", "force_igmp_version")
	if everywhere == "1" && forced != "1" {
		name, forced = strings.Replace(name, dev, "all", 1), everywhere
	}
	switch {
	case g.Is4() && forced == "1" && !linkNet.Contains(g):
		f.Severity = Warning
		f.Saw = fmt.Sprintf("%s reports its groups by IGMP version 1 only (%s)", dev, name)
		f.Why = "switches that snoop expect version 2 or 3, and may leave this host out of " + g.String()
		f.Run = []string{"sysctl -w " + name + "=0"}
		f.Do = keepSysctl(name, "0")
	case users == 0 && len(s.OwnPIDs) > 0 && s.running(g):
		f.Severity = Failure
		f.Saw = fmt.Sprintf("a service runs, and nobody has joined %s on %s", g, dev)
		f.Why = "so its interface, and the switch, may throw the group's packets away"
		f.Do = "look into the service's log for why it can't join; then restart it"
	case users == 0:
		f.Saw = fmt.Sprintf("%s is not joined on %s yet: nobody runs here who would", g, dev)
	default:
		f.Saw = fmt.Sprintf("%s is joined on %s", g, dev)
	}
	if g.Is4() && linkNet.Contains(g) {
		f.Details = append(f.Details, "switches pass "+g.String()+" on to everybody, whoever has joined it (RFC 4541, section 2.1.2)")
	} else if q := s.querier(dev); q != "" && g.Is4() {
		f.Details = append(f.Details, q)
	}
	return f
}

// querier says what the kernel knows of a router or switch that asks for
// groups: without one, switches that snoop forget them.
func (s *scene) querier(dev string) string {
	for line := range strings.Lines(s.says("/proc/net/igmp")) {
		f := strings.Fields(line) // "2  eth0 : 2 V2"
		if len(f) < 3 || strings.TrimSuffix(f[1], ":") != dev {
			continue
		}
		if v := f[len(f)-1]; v == "V1" || v == "V2" {
			return fmt.Sprintf("somebody on %s asks for groups by IGMP version %s, and is answered by it", dev, v[1:])
		}
	}
	return fmt.Sprintf("on %s IGMP version 3 is spoken; whether a switch or router there asks for groups is not known", dev)
}

// snooping checks bridges of this host, such as those of virtual machines and
// containers: one that snoops without anybody who asks forgets the groups.
func (s *scene) snooping(context.Context) []Finding {
	var all []Finding
	for _, g := range s.groups() {
		if g.Is4() && linkNet.Contains(g) || !g.IsMulticast() {
			continue // never pruned
		}
		for _, dev := range s.used(g) {
			bridge := dev
			if b := s.pointsTo("/sys/class/net/" + dev + "/master"); b != "" {
				bridge = b
			}
			at := "/sys/class/net/" + bridge + "/bridge/"
			switch {
			case s.says(at+"multicast_snooping") != "1":
			case s.says(at+"multicast_querier") == "1":
				all = append(all, Finding{About: []string{g.String(), dev}, Saw: fmt.Sprintf("bridge %s snoops, and asks for groups itself", bridge)})
			default:
				all = append(all, Finding{Severity: Warning, About: []string{g.String(), dev},
					Saw: fmt.Sprintf("bridge %s snoops (multicast_snooping 1) and does not ask for groups itself (multicast_querier 0)", bridge),
					Why: fmt.Sprintf("unless somebody else in its network asks, it stops passing %s on after about four minutes", g),
					Run: []string{"ip link set dev " + bridge + " type bridge mcast_querier 1"}, Do: s.keepQuerier(bridge)})
			}
		}
	}
	return all
}

func (s *scene) keepQuerier(bridge string) string {
	switch s.tools.network {
	case netManager:
		return fmt.Sprintf("to keep it, with NetworkManager:\n    nmcli connection modify %s bridge.multicast-querier yes", connection(bridge))
	case networkd:
		return fmt.Sprintf("to keep it, with systemd-networkd, in the .netdev file of %s:\n    [Bridge]\n    MulticastQuerier=yes", bridge)
	}
	return fmt.Sprintf("to keep it, in /etc/network/interfaces below \"iface %s inet …\":\n    post-up ip link set dev %s type bridge mcast_querier 1", bridge, bridge)
}
