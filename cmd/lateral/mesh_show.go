// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"net"
	"slices"
	"strings"
	"unicode/utf8"

	"lateral/cache"
	"lateral/mesh"
)

// A meshGroup is one discovery group of one cluster, expected against present.
type meshGroup struct {
	Cluster  string         `json:"cluster"`
	Group    string         `json:"group"` // "" if members are listed, not discovered
	Expected int            `json:"expected"`
	Present  int            `json:"present"`
	Members  []cache.Member `json:"members"`
	missing  map[[2]string]bool
}

// groups judges each group alone.
func groups(nodes []cache.Status) []meshGroup {
	type name struct{ cluster, group, observer string } // an observer is no member of the group that it listens to
	of := func(e *cache.EndpointStatus) name {
		if e.ListenOnly {
			return name{e.Cluster, e.Group, e.ID}
		}
		return name{e.Cluster, e.Group, ""}
	}
	var names []name
	for _, n := range nodes {
		for _, e := range n.Endpoints {
			if g := of(&e); !slices.Contains(names, g) {
				names = append(names, g)
			}
		}
	}
	out := []meshGroup{}
	for _, g := range names {
		var part []cache.Status
		mg := meshGroup{Cluster: g.cluster, Group: g.group, Members: []cache.Member{}, missing: map[[2]string]bool{}}
		for _, n := range nodes {
			n.Endpoints = slices.DeleteFunc(slices.Clone(n.Endpoints), func(e cache.EndpointStatus) bool {
				return of(&e) != g
			})
			part = append(part, n)
			for _, e := range n.Endpoints {
				mg.take(e.Members)
			}
		}
		v := mesh.Verdict(part...)
		mg.Expected, mg.Present = v.Expected, v.Present
		for _, m := range v.Missing {
			a, b := partyKey(m.From), partyKey(m.To)
			mg.missing[[2]string{a, b}], mg.missing[[2]string{b, a}] = true, true
		}
		out = append(out, mg)
	}
	return out
}

func (g *meshGroup) take(ms []cache.Member) {
	for _, m := range ms {
		same := func(o cache.Member) bool { return cmp.Or(o.ID, o.Addr) == cmp.Or(m.ID, m.Addr) }
		if i := slices.IndexFunc(g.Members, same); i < 0 {
			g.Members = append(g.Members, m)
		} else if m.Source == "self" {
			g.Members[i] = m
		}
	}
	slices.SortFunc(g.Members, func(a, b cache.Member) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Service, b.Service), cmp.Compare(a.ID, b.ID))
	})
}

func partyKey(p cache.Party) string {
	return fmt.Sprintf("%s|%s|%s|%d|%s", p.Host, p.Service, p.Endpoint, p.PID, p.Addr)
}

func memberKey(m cache.Member) string {
	return partyKey(cache.Party{Host: m.Host, Service: m.Service, Endpoint: m.Endpoint, Addr: m.Addr, PID: m.PID})
}

// mesh prints the report for people: the links, what is missing and why, and
// for each group what is expected against what is there.
func (s *screen) mesh(r *meshReport) {
	if len(r.Links) > 0 {
		s.links(r.Links)
	}
	for i, g := range r.Groups {
		if i > 0 || len(r.Links) > 0 {
			s.printf("\n")
		}
		s.group(g)
	}
	if len(r.Missing) > 0 {
		s.printf("\n%s\n", s.paint(red, "missing"))
		t := &table{head: []string{"from", "to", "reason"}}
		for _, m := range r.Missing {
			t.add(partyName(m.From), partyName(m.To), m.Reason)
		}
		s.table("  ", t)
	}
	s.printf("\n")
	s.seen(r.Seen)
	for _, n := range r.Notes {
		s.printf("%s\n", n)
	}
	c := red
	if r.Complete {
		c = green
	}
	if h := r.hint(); h != "" {
		s.printf("%s\n", h)
	}
	s.printf("%s\n", s.paint(c, r.summary()))
}

func (s *screen) links(links []cache.LinkStatus) {
	t := &table{head: []string{"from", "to", "dir", "local", "remote", "pid", "protocol", "lag", "takes (p50, p99, max)"}}
	for _, l := range links {
		t.add(partyName(l.From), partyName(l.To), l.Direction, l.Local, l.Remote, pidText(l.To.PID), l.Protocol, lagText(l.Lag), travelText(l.Travel.Minute))
	}
	s.table("", t)
}

func partyName(p cache.Party) string {
	if p.Service == "" {
		return p.Addr
	}
	return p.Host + "/" + p.Service + " " + p.Endpoint
}

func pidText(pid int) string {
	if pid == 0 {
		return ""
	}
	return fmt.Sprint(pid)
}

func lagText(l cache.Lag) string {
	if l.Changes == 0 {
		return "0"
	}
	return fmt.Sprintf("%d changes, %s, %d ms", l.Changes, bytesText(int64(l.Bytes)), l.Millis)
}

// widest matrix that is drawn; larger ones are told by their sums and what is
// missing.
const widest = 16

// group prints one group as a matrix of its members.
func (s *screen) group(g meshGroup) {
	c := green
	if g.Present < g.Expected {
		c = red
	}
	s.printf("%s in cluster %s: %s\n", groupName(g.Group), g.Cluster, s.paint(c, fmt.Sprintf("%d of %d links", g.Present, g.Expected)))
	if len(g.Members) > widest {
		s.printf("  %d members\n", len(g.Members))
		return
	}
	names := make([]string, len(g.Members))
	width := 0
	for i, m := range g.Members {
		names[i] = memberName(m)
		width = max(width, utf8.RuneCountInString(names[i]))
	}
	var head strings.Builder
	for i := range g.Members {
		fmt.Fprintf(&head, " %2d", i+1)
	}
	s.printf("  %s%s\n", strings.Repeat(" ", width+4), s.paint(faint, head.String()))
	for i, m := range g.Members {
		s.printf("  %2d  %s%s", i+1, names[i], strings.Repeat(" ", width-utf8.RuneCountInString(names[i])))
		for j, o := range g.Members {
			mark := cell{"✓", green}
			switch {
			case i == j:
				mark = cell{"·", faint}
			case g.missing[[2]string{memberKey(m), memberKey(o)}]:
				mark = cell{"✗", red}
			case !m.Receive && !o.Receive && m.ID != "" && o.ID != "":
				mark = cell{"–", faint} // two that only send
			}
			s.printf("  %s", s.paint(mark.color, mark.text))
		}
		s.printf("\n")
	}
}

func groupName(g string) string {
	if g == "" {
		return "listed peers"
	}
	return "group " + g
}

func memberName(m cache.Member) string {
	if m.Service == "" {
		return m.Addr
	}
	name := m.Host + "/" + m.Service + " " + m.Endpoint
	if m.Role != "" {
		name += " (" + m.Role + ")"
	}
	if _, port, err := net.SplitHostPort(m.Addr); err == nil {
		name += " :" + port
	}
	if m.PID != 0 {
		name += fmt.Sprintf(" pid %d", m.PID)
	}
	return name
}
