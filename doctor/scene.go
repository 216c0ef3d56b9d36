// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"net/netip"
	"slices"
	"strings"

	"lateral/host"
)

// A machine is what the checks ask of this host; tests have their own.
type machine struct {
	ifs      []host.Interface
	ifsErr   error
	table    []host.Route // that can match a group
	tableErr error
	joined   []host.Membership // before any check joined
	joinErr  error
	route    func(group netip.Addr) (host.Route, error)
	routeVia func(group netip.Addr, dev string) (host.Route, error)
	owners   func(proto string, addr netip.Addr, port uint16) ([]host.Process, error)
	loop     func(ctx context.Context, group netip.AddrPort, dev string) error
	share    func(group netip.AddrPort) error
	files    func() (soft, hard uint64, err error)
	identity func(ctx context.Context) (host.Identity, error)
	tools    tools
	// text returns what a small file of the system says, without the line's end;
	// false: there is none, or it may not be read.
	text   func(path string) (string, bool)
	lookup host.Lookup
	dial   func(ctx context.Context, addr string) (packet int, err error) // bytes that a packet there may have
	// echoes returns which sizes of packets are answered; nil where none can be sent.
	echoes  func(ctx context.Context, to netip.Addr, sizes []int) ([]int, error)
	filesOf func(pid int) (hard uint64, err error) // what another process may open
	disk    func(path string) (disk, error)
}

// look takes in the real machine.
func look(ctx context.Context) machine {
	m := machine{
		route: host.RouteTo, routeVia: host.RouteVia, owners: host.OwnersOf,
		loop: loopback, share: bindShared, files: host.FileLimit, identity: host.Identify,
		tools: findTools(ctx, "/"), text: smallFile, lookup: host.SystemLookup, dial: dialTCP, echoes: echoes, filesOf: host.FileLimitOf, disk: diskAt,
	}
	m.ifs, m.ifsErr = host.Interfaces()
	m.table, m.tableErr = host.Routes()
	m.joined, m.joinErr = host.Memberships()
	return m
}

// A scene is a machine and what is to be checked on it. It does not change, so
// the checks share it.
type scene struct {
	Options
	machine
	heard *ear
}

// An ear keeps what the check of neighbours heard for the one that dials them.
type ear struct {
	all  []Neighbour
	done chan struct{} // closed when all is there
}

// get returns who was heard; nobody before it is done.
func (e *ear) get() []Neighbour {
	select {
	case <-e.done:
		return e.all
	default:
		return nil
	}
}

// running reports whether a running service is in a group.
func (s *scene) running(group netip.Addr) bool {
	return slices.ContainsFunc(s.Groups, func(g Group) bool { return g.Running && g.Addr.Addr() == group })
}

// filters returns this machine's packet filters; false: only root sees them.
func (s *scene) filters() (filters, bool) {
	if s.tools.filters == nil {
		return filters{}, true
	}
	return s.tools.filters()
}

// groups returns the distinct group addresses in order.
func (s *scene) groups() []netip.Addr {
	var all []netip.Addr
	for _, g := range s.Groups {
		if a := g.Addr.Addr(); !slices.Contains(all, a) {
			all = append(all, a)
		}
	}
	return all
}

// places returns where a group is configured: "cache.ccf:212, sessioncache.ccf:31".
func (s *scene) places(group netip.Addr) string {
	var all []string
	for _, g := range s.Groups {
		if g.Addr.Addr() == group && g.At != "" && !slices.Contains(all, g.At) {
			all = append(all, g.At)
		}
	}
	return strings.Join(all, ", ")
}

// named returns the interfaces that the configuration names for a group and
// that Options.Interfaces lets through; none where the kernel is to decide.
func (s *scene) named(group netip.Addr) []string {
	var names []string
	for _, g := range s.Groups {
		if g.Addr.Addr() == group {
			names = append(names, s.expand(g.Interfaces)...)
		}
	}
	only := s.expand(s.Interfaces)
	if len(names) == 0 {
		names = only
	}
	if len(s.Interfaces) > 0 {
		names = slices.DeleteFunc(names, func(n string) bool { return !slices.Contains(only, n) })
	}
	return distinct(names)
}

// expand replaces "*" by every interface that is up and can multicast.
func (s *scene) expand(names []string) []string {
	var all []string
	for _, n := range names {
		if n != "*" {
			all = append(all, n)
			continue
		}
		for _, i := range s.ifs {
			if i.Up && i.Multicast {
				all = append(all, i.Name)
			}
		}
	}
	return all
}

// routed reports whether some configuration leaves a group's interface to the
// kernel.
func (s *scene) routed(group netip.Addr) bool {
	return len(s.Interfaces) == 0 && slices.ContainsFunc(s.Groups, func(g Group) bool { return g.Addr.Addr() == group && len(s.expand(g.Interfaces)) == 0 })
}

// used returns the interfaces that packets to a group would take: the named
// ones, else the one of the kernel's route, else loopback alone, as beacon has
// it. With a restriction it never returns another.
func (s *scene) used(group netip.Addr) []string {
	names := s.named(group)
	if !s.routed(group) {
		return names
	}
	if rt, err := s.route(group); err == nil && rt.Interface != "" {
		return distinct(append(names, rt.Interface))
	}
	if len(names) > 0 {
		return names
	}
	for _, i := range s.ifs {
		if i.Loopback {
			return []string{i.Name}
		}
	}
	return nil
}

// source returns the address that packets to a group carry on a route's
// interface: one of its own, as beacon binds it. The kernel's choice may be
// another's: on loopback it prefers a network address.
func (s *scene) source(g netip.Addr, rt host.Route) netip.Addr {
	i, ok := s.find(rt.Interface)
	if !ok || i.Has(rt.Source) {
		return rt.Source
	}
	for _, p := range i.Addrs {
		if p.Addr().Is4() == g.Is4() {
			return p.Addr()
		}
	}
	return rt.Source
}

// find returns the interface of that name.
func (s *scene) find(name string) (host.Interface, bool) {
	i := slices.IndexFunc(s.ifs, func(i host.Interface) bool { return i.Name == name })
	if i < 0 {
		return host.Interface{}, false
	}
	return s.ifs[i], true
}

// likely returns the interface that an operator most probably means by "the
// servers' network": a named one, else one with an address and a default
// route, real rather than made for containers. "" if there is none.
func (s *scene) likely(group netip.Addr) string {
	for _, n := range s.named(group) {
		if i, ok := s.find(n); ok && !i.Loopback {
			return n
		}
	}
	if len(s.Interfaces) > 0 {
		return ""
	}
	return s.main()
}

// main returns this machine's most likely connection to its network, whatever
// the configuration says; "" if there is nothing but loopback.
func (s *scene) main() string {
	best, most := "", -1
	for _, i := range s.ifs {
		if i.Loopback {
			continue
		}
		if p := s.points(i); p > most {
			best, most = i.Name, p
		}
	}
	return best
}

// virtual are the beginnings of names that container and VPN software gives.
var virtual = []string{"docker", "br-", "veth", "virbr", "vnet", "tun", "tap", "wg", "cni", "flannel", "cali", "lxc", "ifb", "dummy", "tailscale", "podman"}

// points says how likely an interface is the one meant.
func (s *scene) points(i host.Interface) int {
	p := 0
	if slices.ContainsFunc(s.table, func(r host.Route) bool { return r.Prefix.Bits() == 0 && r.Interface == i.Name }) {
		p += 8
	}
	if a := i.Addr4(); a.IsValid() && !a.IsLinkLocalUnicast() {
		p += 4
	} else if len(i.Addrs) > 0 {
		p++
	}
	if i.Up && i.Running {
		p += 2
	}
	if madeUp(i.Name) {
		return p / 4
	}
	return p + 1
}

// madeUp reports whether container or VPN software names interfaces like this.
func madeUp(name string) bool {
	return slices.ContainsFunc(virtual, func(v string) bool { return strings.HasPrefix(name, v) })
}

// distinct returns the names without repetitions, in order.
func distinct(names []string) []string {
	var all []string
	for _, n := range names {
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	return all
}

// at puts a place into brackets, for the end of a text.
func at(place string) string {
	if place == "" {
		return ""
	}
	return " (" + place + ")"
}
