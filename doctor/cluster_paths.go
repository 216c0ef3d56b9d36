// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"lateral/cache"
)

// maxPairs bounds the findings about single pairs: a broken network has many.
const maxPairs = 12

// A way is from one member to another, on different hosts.
type way struct {
	from, to *cache.Surveyed
	on       []string // interfaces on which it is heard
	lost     bool
}

// multicast judges who hears whom. What is lost from all, or to one, has its
// cause there; what is lost between two has it on the way.
func (g *groupView) multicast() []Finding {
	if g.Group == "" {
		return nil
	}
	var far []way
	var all []Finding
	lost := 0
	for i := range g.Members {
		for j := range g.Members {
			a, b := &g.Members[i], &g.Members[j]
			on, known := g.hears(b, a)
			switch {
			case i == j || !known:
			case a.Host == b.Host && len(on) == 0:
				all = append(all, Finding{Check: checkMulticast, Severity: Warning, Saw: fmt.Sprintf("%s does not hear %s on the same host", label(b), label(a)),
					Why: "services of one host find each other by the same packets as others do; one drops them, or they use different interfaces",
					Do:  "on " + b.Host + ": lateral doctor; see that both have the same Interface"})
			case a.Host != b.Host:
				far = append(far, way{a, b, on, len(on) == 0})
				if len(on) == 0 {
					lost++
				}
			}
		}
	}
	if lost > 0 && lost == len(far) && len(far) > 1 {
		return append(all, Finding{Check: checkMulticast, Severity: Failure, Saw: "no host hears another by multicast in " + g.where,
			Why: "members find each other only where they are listed, or were known before",
			Do:  "on each host: lateral doctor. If all is well there, the switch or virtual network between them does not pass multicast (IGMP snooping without a querier, a cloud network):\nlist members in TcpServers or DnsPeers in its place"})
	}
	said := map[*cache.Surveyed]bool{}
	if len(far) > 2 {
		all = append(all, g.mute(far, said)...)
		all = append(all, g.deaf(far, said)...)
	}
	n := 0
	for _, p := range far {
		if p.lost && !said[p.from] && !said[p.to] {
			if n++; n <= maxPairs {
				all = append(all, g.unheard(p, far))
			}
		}
	}
	if n > maxPairs {
		all = append(all, Finding{Check: checkMulticast, Severity: Warning, Saw: fmt.Sprintf("%d more pairs do not hear each other, see the table", n-maxPairs), Why: "as above", Do: "as above"})
	}
	if lost == 0 && len(far) > 0 {
		all = append(all, Finding{Check: checkMulticast, Saw: fmt.Sprintf("every member hears every other in %s", g.where)})
	}
	return all
}

// mute are members that nobody on another host hears.
func (g *groupView) mute(far []way, said map[*cache.Surveyed]bool) (all []Finding) {
	for i := range g.Members {
		a := &g.Members[i]
		heard := slices.ContainsFunc(far, func(p way) bool { return p.from == a && !p.lost })
		if heard || !slices.ContainsFunc(far, func(p way) bool { return p.from == a }) {
			continue
		}
		said[a] = true
		all = append(all, g.follows(Finding{Check: checkMulticast, Severity: Failure, Saw: fmt.Sprintf("nobody on another host hears %s", label(a)),
			Why: "its packets do not leave " + a.Host + ": no route, another interface, or its own packet filter; else its switch port drops them",
			Do:  "on " + a.Host + ": lateral doctor"}, a))
	}
	return all
}

// deaf are members that hear nobody on another host.
func (g *groupView) deaf(far []way, said map[*cache.Surveyed]bool) (all []Finding) {
	for i := range g.Members {
		b := &g.Members[i]
		hears := slices.ContainsFunc(far, func(p way) bool { return p.to == b && !p.lost })
		others := slices.ContainsFunc(far, func(p way) bool { return p.to == b && !said[p.from] })
		if hears || !others {
			continue
		}
		if said[b] {
			all = append(all, Finding{Check: checkMulticast, Severity: Failure, Saw: label(b) + " hears nobody on another host either",
				Why: "it uses another interface or network than the others, or its link is broken", Do: "on " + b.Host + ": lateral doctor"})
			continue
		}
		said[b] = true
		all = append(all, Finding{Check: checkMulticast, Severity: Failure, Saw: fmt.Sprintf("%s hears nobody on another host", label(b)),
			Why: "packets come to " + b.Host + " and are dropped there (packet filter, rp_filter), or its switch port does not get them (IGMP snooping)",
			Do:  "on " + b.Host + ": lateral doctor"})
	}
	return all
}

// unheard is the finding about one direction of one pair.
func (g *groupView) unheard(p way, far []way) Finding {
	back := "the other direction is not known"
	for _, q := range far {
		if q.from == p.to && q.to == p.from {
			back = "the other direction is well"
			if q.lost {
				back = "nor the other way round"
			}
		}
	}
	why := "both hear and are heard by others, so something between these two drops"
	if len(far) < 3 { // there are no others
		why = "something between the two drops"
	}
	f := Finding{Check: checkMulticast, Severity: Warning, Saw: fmt.Sprintf("%s does not hear %s by multicast; %s", label(p.to), label(p.from), back),
		Why: why + " what goes in that direction: most often a packet filter on " + p.to.Host,
		Do:  fmt.Sprintf("on %s: lateral doctor; see what drops UDP from there: nft list ruleset; iptables -S", p.to.Host)}
	if addr, err := netip.ParseAddr(g.addrOf(p.from)); err == nil {
		group := netip.MustParseAddrPort(g.Group)
		f.Do += fmt.Sprintf("\nor let it in:\n    %s -I INPUT -s %s -p udp --dport %d -j ACCEPT", tables(addr), addr.WithZone(""), group.Port())
	}
	return g.follows(f, p.from)
}

// tcp judges who can connect to whom. One direction is enough for a link.
func (g *groupView) tcp() []Finding {
	var all []Finding
	dialled, failed := 0, 0
	for i := range g.Members {
		for j := range g.Members {
			a, b := &g.Members[i], &g.Members[j]
			if i == j || a.Asked == "" {
				continue
			}
			up, down := reaches(a, b)
			if up != nil || down != nil {
				dialled++
			}
			if down == nil {
				continue
			}
			failed++
			if failed > maxPairs {
				continue
			}
			all = append(all, g.undialled(a, b, up, down))
		}
	}
	switch {
	case failed > maxPairs:
		all = append(all, Finding{Check: checkTCP, Severity: Warning, Saw: fmt.Sprintf("%d more connections failed, see the table", failed-maxPairs), Why: "as above", Do: "as above"})
	case failed == 0 && dialled > 0:
		all = append(all, Finding{Check: checkTCP, Saw: fmt.Sprintf("every member can connect to every other (%s)", plural(dialled, "direction"))})
	}
	return all
}

// undialled is the finding about one direction between two members.
func (g *groupView) undialled(a, b *cache.Surveyed, other, d *cache.SurveyedDial) Finding {
	f := Finding{Check: checkTCP, Severity: Warning, Saw: fmt.Sprintf("%s can't connect to %s at %s: %s", label(a), label(b), d.Addr, d.Why)}
	if other != nil {
		f.Why = fmt.Sprintf("it can at %s, so there is a link; but that address is announced for nothing", other.Addr)
		f.Do = "on " + b.Host + ": name the interface that members are to use (attribute Interface), or AdvertiseHost"
		return f
	}
	back, backDown := reaches(b, a)
	switch {
	case linked(a, b) && back != nil:
		f.Saw += "; the other direction is well"
		f.Why = "one direction is enough for a link; but when it breaks, only one side can bring it back"
	case linked(a, b):
		f.Why = "there is a link now; when it breaks it may not come back"
	default:
		f.Severity = Failure
		f.Why = "there is no link between them: what one writes the other does not learn"
	}
	if backDown != nil {
		f.Saw += "; nor the other way round"
	}
	f.Do = g.letIn(a, b, d)
	_, knowAB := g.hears(b, a)
	_, knowBA := g.hears(a, b)
	if ab, ba := g.hearsAtAll(b, a), g.hearsAtAll(a, b); backDown != nil && knowAB && knowBA && ab != ba {
		lost := label(a)
		if ab {
			lost = label(b)
		}
		f.Why += fmt.Sprintf(". Of multicast only what %s sends is lost between them: a connection needs both ways, so look for what drops its packets", lost)
	}
	return g.follows(f, b)
}

// hearsAtAll reports whether b heard a.
func (g *groupView) hearsAtAll(b, a *cache.Surveyed) bool {
	on, _ := g.hears(b, a)
	return len(on) > 0
}

// letIn says what to do about a connection from a to b that failed.
func (g *groupView) letIn(a, b *cache.Surveyed, d *cache.SurveyedDial) string {
	switch d.How {
	case cache.DialRefused:
		return fmt.Sprintf("nothing listens at %s, or a packet filter on %s refuses: there, lateral doctor, and see that the service runs", d.Addr, b.Host)
	case cache.DialUnreachable:
		return fmt.Sprintf("on %s, see the route: ip route get %s", a.Host, hostOf(d.Addr))
	}
	text := fmt.Sprintf("on %s: lateral doctor; see what drops TCP from there: nft list ruleset; iptables -S", b.Host)
	from, err := netip.ParseAddr(strings.Trim(g.addrOf(a), "[]"))
	if port := g.portOf(b); err == nil && port != "" {
		text += fmt.Sprintf("\nor let it in:\n    %s -I INPUT -s %s -p tcp --dport %s -j ACCEPT", tables(from), from.WithZone(""), port)
	}
	return text
}
