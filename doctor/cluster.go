// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"strings"

	"lateral/cache"
)

// Checks of a cluster, by what its members said in a survey.
const (
	checkMembers   = "members"
	checkMulticast = "multicast"
	checkTCP       = "tcp"
	checkMTU       = "mtu"
	checkClocks    = "clocks"
	checkRegions   = "regions"
)

// Cluster judges what the members of groups could hear and reach, and says
// which side of what does not arrive is to be looked at. Surveys of one group,
// by several services of a host, are taken together.
func Cluster(surveys []cache.Survey) Report {
	var all []Finding
	for _, s := range merged(surveys) {
		g := newGroupView(s)
		all = append(all, slices.Concat(g.members(), g.multicast(), g.tcp(), g.mtus(), g.clocks(), g.regions())...)
	}
	r := newReport([]Check{{Name: checkMembers}, {Name: checkMulticast}, {Name: checkTCP}, {Name: checkMTU}, {Name: checkClocks}, {Name: checkRegions}}, all)
	r.Surveys = merged(surveys)
	return r
}

// merged brings surveys of one group together: the word of a member itself is
// taken before that it could not be asked.
func merged(surveys []cache.Survey) (out []cache.Survey) {
	for _, s := range surveys {
		i := slices.IndexFunc(out, func(o cache.Survey) bool { return o.Cluster == s.Cluster && o.Group == s.Group })
		if i < 0 {
			s.Members = slices.Clone(s.Members)
			out = append(out, s)
			continue
		}
		for _, m := range s.Members {
			j := slices.IndexFunc(out[i].Members, func(o cache.Surveyed) bool { return cmp.Or(o.ID, o.Addr) == cmp.Or(m.ID, m.Addr) })
			switch {
			case j < 0:
				out[i].Members = append(out[i].Members, m)
			case out[i].Members[j].Asked == "" || m.Asked == "self":
				out[i].Members[j] = m
			}
		}
	}
	for i := range out {
		slices.SortFunc(out[i].Members, func(a, b cache.Surveyed) int {
			return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.ID, b.ID))
		})
	}
	return out
}

// A groupView answers questions about one survey.
type groupView struct {
	cache.Survey
	where string // for the ends of texts
}

func newGroupView(s cache.Survey) *groupView {
	g := &groupView{Survey: s, where: s.Group}
	if s.Group == "" {
		g.where = "listed members"
	}
	if s.Cluster != "" && s.Cluster != "default" {
		g.where += " of cluster " + s.Cluster
	}
	return g
}

// label is how people know a member.
func label(m *cache.Surveyed) string {
	if m.Service == "" {
		return m.Addr
	}
	return m.Host + "/" + m.Service
}

// hears tells on which interfaces b heard a; ok is false where it is not known.
// Who was not asked answers what he hears: if nobody heard him, he may have heard
// nobody.
func (g *groupView) hears(b, a *cache.Surveyed) (on []string, ok bool) {
	for _, h := range b.Heard {
		if h.ID == a.ID && !slices.Contains(on, h.Interface) {
			on = append(on, h.Interface)
		}
	}
	return on, b.Asked != "" && len(b.Interfaces) > 0 && a.ID != "" && (a.Asked != "" || g.heard(a))
}

// heard reports whether anybody on another host heard a member.
func (g *groupView) heard(m *cache.Surveyed) bool {
	return slices.ContainsFunc(g.Members, func(o cache.Surveyed) bool {
		return o.Host != m.Host && slices.ContainsFunc(o.Heard, func(h cache.SurveyedPacket) bool { return h.ID == m.ID })
	})
}

// reaches tells how the dials from a to b went: nil is that none was made.
func reaches(a, b *cache.Surveyed) (up, down *cache.SurveyedDial) {
	for i := range a.Reached {
		d := &a.Reached[i]
		if b.ID != "" && d.ID != b.ID || b.ID == "" && d.Addr != b.Addr {
			continue
		}
		if d.How == "" {
			up = d
		} else {
			down = d
		}
	}
	return up, down
}

// linked reports whether one of the two says that they have a link.
func linked(a, b *cache.Surveyed) bool {
	return slices.Contains(a.Linked, b.ID) || slices.Contains(b.Linked, a.ID)
}

// addrOf is the address that packets of a member come from; "" if not known.
func (g *groupView) addrOf(m *cache.Surveyed) string {
	for _, i := range m.Interfaces {
		if i.Addr != "" {
			return i.Addr
		}
	}
	for _, o := range g.Members {
		for _, h := range o.Heard {
			if h.ID == m.ID {
				return h.From
			}
		}
	}
	host, _, err := net.SplitHostPort(m.Addr)
	if a, bad := netip.ParseAddr(host); err == nil && bad == nil && !a.IsUnspecified() {
		return host
	}
	return ""
}

// portOf is where a member listens, by how others dial it.
func (g *groupView) portOf(m *cache.Surveyed) string {
	for _, o := range g.Members {
		for _, d := range o.Reached {
			if d.ID == m.ID && m.ID != "" {
				_, port, _ := net.SplitHostPort(d.Addr)
				return port
			}
		}
	}
	_, port, _ := net.SplitHostPort(m.Addr)
	return port
}

// ended reports whether a member's service does not run, though its host does:
// somebody was refused. What else is lost to and from it follows from that.
func (g *groupView) ended(m *cache.Surveyed) bool {
	return m.Asked == "" && slices.ContainsFunc(g.Members, func(o cache.Surveyed) bool {
		_, down := reaches(&o, m)
		return down != nil && down.How == cache.DialRefused
	})
}

// follows has a finding that is about a member whose service has ended follow from that.
func (g *groupView) follows(f Finding, about ...*cache.Surveyed) Finding {
	for _, m := range about {
		if g.ended(m) {
			f.Because = checkMembers
		}
	}
	return f
}

// members tells who was asked, and who could not be.
func (g *groupView) members() (all []Finding) {
	asked := 0
	for i := range g.Members {
		m := &g.Members[i]
		if m.Asked != "" {
			asked++
			for _, x := range m.Interfaces {
				if x.Reason != "" {
					all = append(all, Finding{Check: checkMembers, Severity: Warning, Saw: fmt.Sprintf("%s on %s: %s", label(m), x.Name, x.Reason),
						Why: "it does not send or hear there as it should", Do: "on " + m.Host + ": lateral doctor"})
				}
			}
			continue
		}
		all = append(all, Finding{Check: checkMembers, Severity: Failure, Saw: fmt.Sprintf("%s could not be asked: %s", label(m), m.Why),
			Why: "what it hears and reaches is not known; the table has what others say of it",
			Do:  "on " + cmp.Or(m.Host, m.Addr) + ": lateral doctor, and see that the service runs"})
	}
	first := Finding{Check: checkMembers, Saw: fmt.Sprintf("%s: %d of %s asked", g.where, asked, plural(len(g.Members), "member"))}
	if len(g.Members) == 1 {
		first.Severity, first.Why = Warning, "if there are others, none of them was found"
		first.Do = "run lateral doctor here and on the other hosts"
	}
	return append([]Finding{first}, all...)
}

// regions compares what members think of their common regions.
func (g *groupView) regions() (all []Finding) {
	modes := map[string]map[string][]string{} // region → mode → members
	asked := 0
	for i := range g.Members {
		m := &g.Members[i]
		if m.Asked != "" {
			asked++
		}
		for name, mode := range m.Regions {
			if modes[name] == nil {
				modes[name] = map[string][]string{}
			}
			modes[name][mode] = append(modes[name][mode], label(m))
		}
	}
	var names []string
	for name := range modes {
		names = append(names, name)
	}
	slices.Sort(names)
	everywhere, some := 0, []string(nil)
	for _, name := range names {
		holders := 0
		var words []string
		for mode, who := range modes[name] {
			holders += len(who)
			words = append(words, fmt.Sprintf("%s on %s", mode, strings.Join(who, ", ")))
		}
		if len(words) > 1 {
			slices.Sort(words)
			all = append(all, Finding{Check: checkRegions, Severity: Warning, Saw: fmt.Sprintf("region %s is %s", name, strings.Join(words, ", and ")),
				Why: "they do not keep each other's copies as either of them promises",
				Do:  "give it the same settings in all files (IsLateral, IssueRemoveOnPut and the auxiliary): lateral config show prints those of a host,\nand lateral doctor, where it is not as most have it, a command: " + fewest(modes[name])})
		}
		if holders == asked {
			everywhere++
		} else {
			some = append(some, fmt.Sprintf("%s is on %d of %d members only", name, holders, asked))
		}
	}
	if len(names) > 0 {
		all = append(all, Finding{Check: checkRegions, Saw: fmt.Sprintf("%s on all members", plural(everywhere, "region")), Details: some})
	}
	return all
}

// fewest are the members that have made of a region what the fewest have.
func fewest(modes map[string][]string) string {
	var few []string
	for _, mode := range slices.Sorted(maps.Keys(modes)) {
		if who := modes[mode]; few == nil || len(who) < len(few) {
			few = who
		}
	}
	return strings.Join(few, ", ")
}
