// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lateral/cache"
)

// Verdict answers "is the mesh complete?" from what one or more nodes say of
// themselves. Every pair of members of a group must have a link, and both ends
// must say so; a pair of which neither end has been heard is missing, not
// assumed. Links between two nodes that were both asked stand once, as the one
// that dialled sees it.
func Verdict(nodes ...cache.Status) cache.MeshStatus {
	v := &verdict{members: map[string]cache.Member{}, rows: map[string]cache.Row{}, groups: map[string][]string{},
		links: map[pair]cache.LinkStatus{}, processes: map[string]bool{}, judged: map[pair]bool{},
		siblings: map[string][]cache.Sibling{}, asked: map[string]bool{}}
	for _, static := range []bool{false, true} { // who has no group joins those of its members
		for _, n := range nodes {
			for _, e := range n.Endpoints {
				if (e.Group == "") == static {
					v.take(e)
				}
			}
		}
	}
	v.expectSiblings()
	return v.judge()
}

// A pair of endpoint ids, the smaller first.
type pair struct{ a, b string }

func pairOf(a, b string) pair {
	if a > b {
		a, b = b, a
	}
	return pair{a, b}
}

type verdict struct {
	members   map[string]cache.Member    // by id, or address while no id is known
	groups    map[string][]string        // cluster and group → members, in order of id
	rows      map[string]cache.Row       // the latest of each
	ups       map[string]map[string]bool // of these, who is up
	links     map[pair]cache.LinkStatus
	processes map[string]bool
	judged    map[pair]bool
	siblings  map[string][]cache.Sibling // of linked members
	java      []cache.LinkStatus         // with Java nodes
	asked     map[string]bool            // whose own word is in rows
	open      bool                       // it is said what comes of having no secret
	st        cache.MeshStatus
}

func memberKey(m cache.Member) string { return cmp.Or(m.ID, m.Addr, m.Node+"/"+m.Endpoint) }

// expectSiblings adds the endpoints that linked processes are known to have in
// the groups of the nodes asked, and that have not been heard there: a mesh in
// which they are missing only looks complete.
func (v *verdict) expectSiblings() {
	for id, siblings := range v.siblings {
		of := v.members[id]
		for _, s := range siblings {
			group := s.Cluster + "|" + s.Group
			ids, ours := v.groups[group]
			if !ours || s.Group == "" || slices.ContainsFunc(ids, func(k string) bool {
				return v.members[k].Node == of.Node && v.members[k].Endpoint == s.Endpoint
			}) {
				continue
			}
			m := cache.Member{Node: of.Node, Host: of.Host, Service: of.Service, PID: of.PID, Endpoint: s.Endpoint, Source: "sibling", Receive: s.Receive}
			v.members[memberKey(m)] = m
			v.groups[group] = append(ids, memberKey(m))
		}
	}
}

func (v *verdict) take(e cache.EndpointStatus) {
	group := e.Cluster + "|" + e.Group
	if e.Group == "" {
		group = v.staticGroup(e)
	}
	if e.ListenOnly {
		group = "observer|" + e.ID // it is no member of the group that it listens to
	}
	for _, m := range e.Members {
		k := memberKey(m)
		if old, ok := v.members[k]; !ok || m.Source == "self" || old.Source != "self" && old.Heard.Before(m.Heard) {
			v.members[k] = m
		}
		if !slices.Contains(v.groups[group], k) {
			v.groups[group] = append(v.groups[group], k)
		}
		if m.Node != "" {
			v.processes[m.Node] = true
		}
	}
	for _, r := range e.Matrix {
		// A node's own word counts, not what another heard of it a moment
		// later: its links, and what they tell of siblings, are of that word.
		own := r.ID == e.ID
		if old, ok := v.rows[r.ID]; own || !v.asked[r.ID] && (!ok || old.Heard.Before(r.Heard)) {
			v.rows[r.ID] = r
		}
		v.asked[r.ID] = v.asked[r.ID] || own
	}
	switch {
	case e.Security.Open == "":
	case v.open:
		v.st.Notes = append(v.st.Notes, "endpoint "+e.Endpoint+": no cluster secret either, so the same holds of TCP "+e.Listen)
	default:
		v.open = true
		v.st.Notes = append(v.st.Notes, "endpoint "+e.Endpoint+": "+e.Security.Open)
	}
	if e.Security.Ends != "" {
		v.st.Notes = append(v.st.Notes, "endpoint "+e.Endpoint+": "+e.Security.Ends)
	}
	for _, s := range e.Security.Strangers {
		v.st.Notes = append(v.st.Notes, fmt.Sprintf("refused: %s (%d times)", s, s.Count))
	}
	for _, addr := range slices.Sorted(maps.Keys(e.JavaDown)) {
		v.st.Notes = append(v.st.Notes, "Java node at "+addr+": "+e.JavaDown[addr])
	}
	for _, l := range e.Links {
		if l.Protocol != "mesh" {
			v.java = append(v.java, l)
			continue
		}
		v.siblings[l.PeerID] = l.Siblings
		p := pairOf(e.ID, l.PeerID)
		if _, ok := v.links[p]; !ok || l.Direction == "out" {
			v.links[p] = l
		}
	}
}

// staticGroup returns the group of an endpoint with static lists only: what it
// knows is its group, together with whatever group knows one of these.
func (v *verdict) staticGroup(e cache.EndpointStatus) string {
	const static = "static|"
	var met []string
	for g, ids := range v.groups {
		if slices.ContainsFunc(e.Members, func(m cache.Member) bool { return slices.Contains(ids, memberKey(m)) }) {
			met = append(met, g)
		}
	}
	if len(met) == 0 {
		return static + e.ID
	}
	// Those with a discovery group first, so that one of them is it.
	slices.SortFunc(met, func(a, b string) int {
		x, y := strings.HasPrefix(a, static), strings.HasPrefix(b, static)
		if x != y && y {
			return -1
		} else if x != y {
			return 1
		}
		return cmp.Compare(a, b)
	})
	for _, g := range met[1:] {
		if !strings.HasPrefix(g, static) {
			continue
		}
		for _, id := range v.groups[g] {
			if !slices.Contains(v.groups[met[0]], id) {
				v.groups[met[0]] = append(v.groups[met[0]], id)
			}
		}
		delete(v.groups, g)
	}
	return met[0]
}

func (v *verdict) judge() cache.MeshStatus {
	v.st.Links, v.st.Missing, v.st.Nodes = []cache.LinkStatus{}, []cache.MissingLink{}, len(v.processes)
	groups := make([]string, 0, len(v.groups))
	for g := range v.groups {
		groups = append(groups, g)
	}
	slices.Sort(groups)
	v.ups = make(map[string]map[string]bool, len(v.rows))
	for k, r := range v.rows {
		v.ups[k] = make(map[string]bool, len(r.Up))
		for _, id := range r.Up {
			v.ups[k][id] = true
		}
	}
	for _, g := range groups {
		ids := v.groups[g]
		slices.SortFunc(ids, func(a, b string) int {
			x, y := v.members[a], v.members[b]
			return cmp.Or(cmp.Compare(x.Host, y.Host), cmp.Compare(x.Service, y.Service), cmp.Compare(a, b))
		})
		for i, a := range ids {
			for _, b := range ids[i+1:] {
				if p := pairOf(a, b); !v.judged[p] {
					v.judged[p] = true
					v.judgePair(v.members[a], v.members[b])
				}
			}
		}
	}
	v.st.Complete = v.st.Present == v.st.Expected
	v.st.Links = append(v.st.Links, v.java...) // what JCS nodes should be linked with nobody knows
	return v.st
}

func (v *verdict) judgePair(a, b cache.Member) {
	if !a.Receive && !b.Receive && a.ID != "" && b.ID != "" {
		return // two nodes that only send have nothing to say to each other
	}
	v.st.Expected++
	ra, aKnown := v.rows[a.ID]
	rb, bKnown := v.rows[b.ID]
	aSays := aKnown && v.ups[a.ID][b.ID]
	bSays := bKnown && v.ups[b.ID][a.ID]
	if (aSays || !aKnown) && (bSays || !bKnown) && (aSays || bSays) {
		v.st.Present++
		l, ok := v.links[pairOf(a.ID, b.ID)]
		if !ok { // between two other hosts: known by word only
			l = cache.LinkStatus{From: memberParty(a), To: memberParty(b), PeerID: b.ID, Protocol: "mesh", Regions: []string{}}
		}
		v.st.Links = append(v.st.Links, l)
		return
	}
	v.st.Missing = append(v.st.Missing, cache.MissingLink{From: memberParty(a), To: memberParty(b),
		Reason: v.reason(a, b, ra, rb, aSays, bSays, aKnown, bKnown)})
}

func (v *verdict) reason(a, b cache.Member, ra, rb cache.Row, aSays, bSays, aKnown, bKnown bool) string {
	why := cmp.Or(ra.Down[memberKey(b)], rb.Down[memberKey(a)])
	switch {
	case why != "":
	case a.Source == "sibling" || b.Source == "sibling":
		why = "its process is linked, but this endpoint of it has not been heard in its own discovery group"
	case a.ID == "" || b.ID == "":
		why = "configured, but never reached"
	case aSays != bSays && aKnown && bKnown:
		why = "only one end says that it is up: it is forming, or one direction is cut"
	case !aKnown && !bKnown:
		why = "neither end has been heard: both are cut off from the hosts asked"
	default:
		why = "not linked yet"
	}
	for _, m := range []cache.Member{a, b} {
		if m.Stale {
			why += fmt.Sprintf("; %s was last heard %s", cmp.Or(m.Service, m.Addr), m.Heard.Format("15:04:05"))
		}
	}
	return why
}

func memberParty(m cache.Member) cache.Party {
	return cache.Party{Host: m.Host, Service: m.Service, Endpoint: m.Endpoint, Addr: m.Addr, PID: m.PID}
}
