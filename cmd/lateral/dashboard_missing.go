// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"net"
	"slices"

	"lateral/cache"
	"lateral/mesh"
	"lateral/web"
)

// missing tells of each link that a group lacks why, and what to do about it;
// up is how many links each of its members has.
func (d directions) missing(g meshGroup, up []int, nodes []cache.Status) []web.MissingView {
	var part []cache.Status
	for _, n := range nodes {
		n.Endpoints = slices.DeleteFunc(slices.Clone(n.Endpoints), func(e cache.EndpointStatus) bool { return e.Cluster != g.Cluster || e.Group != g.Group })
		part = append(part, n)
	}
	links := map[string]int{}
	for i, m := range g.Members {
		links[memberKey(m)] = up[i]
	}
	var out []web.MissingView
	for _, m := range mesh.Verdict(part...).Missing {
		end := func(p cache.Party) end {
			i := slices.IndexFunc(g.Members, func(o cache.Member) bool { return memberKey(o) == partyKey(p) })
			if i < 0 {
				return end{Party: p, sibling: true}
			}
			return end{Party: p, known: g.Members[i].ID != "", alive: d.asked[g.Members[i].ID], links: links[partyKey(p)]}
		}
		out = append(out, web.MissingView{From: partyName(m.From), To: partyName(m.To), Reason: m.Reason, Remedy: remedy(end(m.From), end(m.To), strangers(part))})
	}
	return out
}

// An end of a link that is missing.
type end struct {
	cache.Party
	known   bool // it was reached once
	alive   bool // it was asked and answered
	sibling bool // its process is linked, but it was not heard itself
	links   int  // that it has with others
}

func (e end) host() string { return cmp.Or(e.Host, e.Addr) }

// strangers are those that the services of this host refused.
func strangers(nodes []cache.Status) (all []cache.Stranger) {
	for _, n := range nodes {
		for _, e := range n.Endpoints {
			all = append(all, e.Security.Strangers...)
		}
	}
	return all
}

// remedy says what to do about a link that is missing, by what is known of its
// ends: never by the words of a cause.
func remedy(a, b end, refused []cache.Stranger) string {
	for _, e := range []end{a, b} {
		ip, _, _ := net.SplitHostPort(e.Addr)
		for _, s := range refused {
			if at, _, err := net.SplitHostPort(s.Addr); ip != "" && (s.Addr == ip || err == nil && at == ip) {
				return fmt.Sprintf("%s was refused here: %s. Give both hosts the same file with ClusterSecretFile; lateral doctor compares fingerprints", e.host(), s.Why)
			}
		}
	}
	for _, e := range []end{a, b} {
		if e.sibling {
			return fmt.Sprintf("%s runs, but does not hear this group's multicast, or is not heard: lateral doctor on %s and here", partyName(e.Party), e.host())
		}
		if !e.known && !e.alive {
			return fmt.Sprintf("see whether a service listens at %s (there: lateral mesh, lateral ports); if that address is of the past, take it out of TcpServers", cmp.Or(e.Addr, partyName(e.Party)))
		}
	}
	lonely := func(e end) bool { return e.links == 0 && !e.alive }
	switch {
	case lonely(a) && lonely(b):
		return fmt.Sprintf("nobody is linked with either: see first whether %s and %s run and have a network (on each: lateral mesh, lateral doctor)", partyName(a.Party), partyName(b.Party))
	case lonely(a):
		return restart(a)
	case lonely(b):
		return restart(b)
	}
	to := b
	if b.alive && !a.alive {
		to = a
	}
	return fmt.Sprintf("both run, so look at the way between %s and %s: is TCP %s let through? On each: lateral doctor", a.host(), b.host(), cmp.Or(to.Addr, "of the listener"))
}

func restart(e end) string {
	return fmt.Sprintf("nobody is linked with %s/%s: see on %s whether it runs (lateral mesh); if not, start it with lateral run --service %s, if so, lateral doctor. It links by itself",
		e.host(), e.Service, e.host(), e.Service)
}
