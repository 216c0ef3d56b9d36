// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"lateral/host"
)

// interfaces checks those that would be used.
func (s *scene) interfaces(context.Context) []Finding {
	if s.ifsErr != nil {
		return []Finding{{Severity: Failure, Saw: s.ifsErr.Error(), Why: "without interfaces nobody can be reached",
			Do: "find out why this process may not ask the system for them (sandbox, seccomp)"}}
	}
	names := s.candidates()
	if len(names) == 0 {
		return []Finding{{Severity: Warning, Saw: "there is no interface but loopback",
			Why: "services of this host find each other, but nobody outside is reached",
			Do:  "start the network, or give this container one", Details: s.list()}}
	}
	var all []Finding
	for _, n := range names {
		all = append(all, s.examine(n))
	}
	for _, i := range s.ifs {
		if i.Loopback && !i.Up && !slices.Contains(names, i.Name) {
			all = append(all, s.examine(i.Name))
		}
	}
	return all
}

// candidates returns the interfaces worth looking at: those that the groups
// use, and the likely one where a group would only reach loopback for want of
// a route.
func (s *scene) candidates() []string {
	var names []string
	for _, g := range s.groups() {
		used := s.used(g)
		names = append(names, used...)
		if l := s.likely(g); l != "" && len(s.named(g)) == 0 && onlyLoopback(s, used) {
			names = append(names, l)
		}
	}
	if len(s.Groups) == 0 {
		if names = s.expand(s.Interfaces); len(names) == 0 && len(s.Interfaces) == 0 {
			names = append(names, s.likely(netip.Addr{}))
		}
	}
	return slices.DeleteFunc(distinct(names), func(n string) bool {
		i, ok := s.find(n)
		// Loopback is worth a word only if somebody asked for it.
		return n == "" || ok && i.Loopback && !s.asked(n)
	})
}

// asked reports whether the configuration or the caller names the interface.
func (s *scene) asked(name string) bool {
	return slices.Contains(s.Interfaces, name) ||
		slices.ContainsFunc(s.Groups, func(g Group) bool { return slices.Contains(g.Interfaces, name) })
}

// onlyLoopback reports whether none of the names is a real interface.
func onlyLoopback(s *scene, names []string) bool {
	return !slices.ContainsFunc(names, func(n string) bool { i, ok := s.find(n); return ok && !i.Loopback })
}

// examine looks at one interface.
func (s *scene) examine(name string) Finding {
	i, ok := s.find(name)
	f := Finding{Severity: Failure, About: []string{name}}
	switch {
	case !ok:
		f.Saw = fmt.Sprintf("there is no interface %s", name)
		f.Why = "the configuration names it, so nothing is sent or heard until it comes"
		f.Do = "correct the name; this machine has " + s.names()
		f.Run = s.rename(name)
	case !i.Up:
		f.Saw = fmt.Sprintf("interface %s is down", name)
		f.Why = "no packet leaves or enters through it, and its routes are gone"
		f.Run = append([]string{"ip link set dev " + name + " up"}, s.routesBack(name)...)
		f.Do = "or, with all that is configured for it: " + s.bringUp(name)
		if i.Loopback {
			f.Why = "services of this host can't reach each other by it"
		}
	case !i.Running:
		f.Saw = fmt.Sprintf("interface %s is up but has no carrier", name)
		f.Why = "no packet leaves or enters through it"
		f.Do = "plug in the cable, or look at the switch port or the virtual network behind it"
	case !i.Multicast && !i.Loopback:
		f.Saw = fmt.Sprintf("interface %s has its multicast flag off", name)
		f.Why = "the kernel then takes no part in groups on it, so discovery neither sends nor hears there"
		f.Run = []string{"ip link set dev " + name + " multicast on"}
		f.Do = s.keepMulticast(name)
	case !s.addressed(i) && s.six(name) == "1" && s.needsSix(name):
		setting, _ := s.kernel("ipv6", name, "disable_ipv6")
		f.Saw = fmt.Sprintf("IPv6 is switched off on interface %s (%s = 1)", name, setting)
		f.Why = "its groups are IPv6 ones, and peers dial the address that packets come from"
		f.Run = []string{"sysctl -w " + setting + "=0"}
		f.Do = keepSysctl(setting, "0") + "\nor choose an IPv4 group on all hosts"
	case !s.addressed(i):
		f.Saw = fmt.Sprintf("interface %s has no address of the family its groups need", name)
		f.Why = "peers dial the address that packets come from"
		f.Do = "give it one; the routes are gone with the last:\n    " + strings.Join(append([]string{"ip addr add ADDRESS/LENGTH dev " + name}, s.routesBack(name)...), "\n    ")
	default:
		f.Severity, f.Saw = Ok, describe(i)
	}
	return f
}

// rename are the commands that have the configuration name the interface that
// is most likely meant in place of one that is not there.
func (s *scene) rename(gone string) (commands []string) {
	best := s.main()
	for _, g := range s.Groups {
		if best == "" || g.Set == nil || !slices.Equal(g.Interfaces, []string{gone}) {
			continue
		}
		if c := g.Set("Interface", best); c != "" && !slices.Contains(commands, c) {
			commands = append(commands, c)
		}
	}
	return commands
}

// six says whether IPv6 is switched off on an interface.
func (s *scene) six(dev string) string {
	_, off := s.kernel("ipv6", dev, "disable_ipv6")
	return off
}

// needsSix reports whether an IPv6 group uses the interface.
func (s *scene) needsSix(dev string) bool {
	return slices.ContainsFunc(s.groups(), func(g netip.Addr) bool { return g.Is6() && slices.Contains(s.used(g), dev) })
}

// routesBack are the commands for the multicast routes that an interface lost
// when it went down: those to its own networks come back by themselves.
func (s *scene) routesBack(dev string) []string {
	var all []string
	for _, g := range s.groups() {
		if _, err := s.route(g); !g.Is4() || !errors.Is(err, host.ErrNoRoute) || len(s.named(g)) > 0 || s.likely(g) != dev {
			continue
		}
		if c := s.addRoute(g, dev); !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// bringUp is how this machine's own network configuration starts an interface.
func (s *scene) bringUp(name string) string {
	switch s.tools.network {
	case netManager:
		return "nmcli device connect " + name
	case networkd:
		return "networkctl up " + name
	}
	return "ifup " + name
}

// addressed reports whether the interface has addresses of the families of the
// groups that use it.
func (s *scene) addressed(i host.Interface) bool {
	for _, g := range s.groups() {
		if !slices.Contains(s.used(g), i.Name) {
			continue
		}
		if !slices.ContainsFunc(i.Addrs, func(p netip.Prefix) bool { return p.Addr().Is4() == g.Is4() }) {
			return false
		}
	}
	return len(i.Addrs) > 0
}

// describe prints an interface on one line.
func describe(i host.Interface) string {
	words := []string{i.Name}
	for _, p := range i.Addrs {
		words = append(words, p.String())
	}
	state := "down"
	switch {
	case i.Up && i.Running:
		state = "up"
	case i.Up:
		state = "up without carrier"
	}
	text := strings.Join(words, " ") + ", " + state
	if i.Multicast {
		text += ", multicast"
	}
	return text + fmt.Sprintf(", MTU %d", i.MTU)
}

// names prints the names of all interfaces.
func (s *scene) names() string {
	var all []string
	for _, i := range s.ifs {
		all = append(all, i.Name)
	}
	return strings.Join(all, ", ")
}

// list prints all interfaces, one per line.
func (s *scene) list() []string {
	var all []string
	for _, i := range s.ifs {
		all = append(all, describe(i))
	}
	return all
}
