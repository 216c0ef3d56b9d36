// SPDX-License-Identifier: Apache-2.0

package ccf

import (
	"fmt"
	"net/netip"
	"slices"
)

// A Service is one process of a host with its Config.
type Service struct {
	Name   string
	Config *Config
}

// CheckHost looks at the files of all services of a host together. It
// returns every finding about them: the errors, warnings and notes of each
// Config, and what only shows when they are laid side by side. Findings are
// in the order of the services and their files.
func CheckHost(services ...Service) []Finding {
	var fs findings
	var files []string
	services = slices.DeleteFunc(slices.Clone(services), func(s Service) bool { return s.Config == nil })
	for i, s := range services {
		files = append(files, s.Config.Files...)
		for _, f := range slices.Concat(s.Config.errs, s.Config.Findings) {
			fs.add(f.Severity, Pos{f.File, f.Line}, f.Key, f.Saw, f.Why, f.Do)
		}
		for _, other := range services[:i] {
			checkSockets(&fs, other, s)
			checkWiring(&fs, other, s)
		}
	}
	errs, rest := fs.split(files)
	all := slices.Concat(errs, rest)
	sortFindings(all, files)
	return all
}

// laterals are the peer auxiliaries of a service.
func (s Service) laterals() []Auxiliary {
	return slices.DeleteFunc(slices.Clone(s.Config.Auxiliaries), func(a Auxiliary) bool { return a.Lateral == nil })
}

// at is where an auxiliary's key is written, or the auxiliary itself.
func (a Auxiliary) at(name string) Pos {
	if p, ok := a.Lateral.Where[name]; ok {
		return p
	}
	return a.Where
}

func (a Auxiliary) key(name string) string { return "jcs.auxiliary." + a.Name + ".attributes." + name }

// checkSockets compares what two services of a host listen on.
func checkSockets(fs *findings, x, y Service) {
	for _, a := range x.laterals() {
		for _, b := range y.laterals() {
			l, m := a.Lateral, b.Lateral
			if sameListener(l, m) {
				fs.add(Error, b.at("TcpListenerPort"), b.key("TcpListenerPort"),
					fmt.Sprintf("port %d, which service %s has too, at %s", m.TcpListenerPort, x.Name, a.at("TcpListenerPort")),
					"on one host the second of the two cannot start", "give each service its own port")
			}
			if !l.UdpDiscoveryEnabled || !m.UdpDiscoveryEnabled || l.UdpDiscoveryPort != m.UdpDiscoveryPort {
				continue
			}
			if l.UdpDiscoveryAddr != m.UdpDiscoveryAddr {
				fs.add(Warning, b.at("UdpDiscoveryAddr"), b.key("UdpDiscoveryAddr"),
					fmt.Sprintf("group %s on UDP port %d; service %s has group %s on that port, at %s", m.UdpDiscoveryAddr, m.UdpDiscoveryPort, x.Name, l.UdpDiscoveryAddr, a.at("UdpDiscoveryAddr")),
					"JCS nodes on this host would hear the other group's announcements", "give each group its own port, or both services the same group")
			}
		}
	}
}

// checkWiring compares regions that two services share by name: one that is
// coherent in one service and not in the other is stale in one of them.
func checkWiring(fs *findings, x, y Service) {
	regions := map[string]Region{}
	for _, r := range x.Config.Regions {
		regions[r.Name] = r
	}
	for _, r := range y.Config.Regions {
		q, ok := regions[r.Name]
		if !ok {
			continue
		}
		key := "jcs.region." + r.Name
		differs := func(saw, why string) {
			fs.add(Warning, r.Where, key, saw+" (service "+x.Name+", at "+q.Where.String()+")", why, "wire the region alike in both files")
		}
		a, mine := y.Config.lateralOf(r)
		b, theirs := x.Config.lateralOf(q)
		switch {
		case mine != theirs && mine:
			differs("the region has peers here, and none there", "what changes here never reaches that service, nor the other way round")
			continue
		case mine != theirs:
			differs("the region has no peers here, and some there", "what changes there never reaches this service, nor the other way round")
			continue
		case !mine:
			continue
		}
		if r.Attr.Lateral != q.Attr.Lateral {
			differs(fmt.Sprintf("IsLateral is %t here and %t there", r.Attr.Lateral, q.Attr.Lateral), "one sends values, the other does not")
		}
		if a.Lateral.IssueRemoveOnPut != b.Lateral.IssueRemoveOnPut {
			differs(fmt.Sprintf("IssueRemoveOnPut of its auxiliary is %t here and %t there", a.Lateral.IssueRemoveOnPut, b.Lateral.IssueRemoveOnPut),
				"a put invalidates in one direction and replicates in the other")
		}
		if g, h := a.Lateral.meets(), b.Lateral.meets(); g != h {
			differs(fmt.Sprintf("its peers meet at %s here and at %s there", g, h), "the two services never find each other for this region")
		}
	}
}

// lateralOf returns the first lateral auxiliary of a region.
func (c *Config) lateralOf(r Region) (Auxiliary, bool) {
	for _, name := range r.Auxiliaries {
		if a, ok := c.Auxiliary(name); ok && a.Lateral != nil && r.UseLateral {
			return a, true
		}
	}
	return Auxiliary{}, false
}

// meets says where the members of an endpoint's cluster find each other.
func (l *Lateral) meets() string {
	name := ""
	if l.ClusterName != "" && l.ClusterName != "default" {
		name = " as " + l.ClusterName
	}
	if !l.UdpDiscoveryEnabled {
		return "listed peers" + name
	}
	return netip.AddrPortFrom(l.UdpDiscoveryAddr, uint16(l.UdpDiscoveryPort)).String() + name
}

// Group returns the discovery group as address:port; "" without discovery.
func (l *Lateral) Group() string {
	if !l.UdpDiscoveryEnabled {
		return ""
	}
	return netip.AddrPortFrom(l.UdpDiscoveryAddr, uint16(l.UdpDiscoveryPort)).String()
}
