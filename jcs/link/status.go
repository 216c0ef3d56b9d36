// SPDX-License-Identifier: Apache-2.0

package link

import (
	"maps"
	"net"
	"slices"

	"lateral/cache"
	"lateral/jcs"
)

// Status returns the connections with Java nodes, those we dialled first, and
// for each address without one why.
func (l *Links) Status() (links []cache.LinkStatus, down map[string]string) {
	down = map[string]string{}
	for _, p := range l.list() {
		if l.c.ListenOnly {
			continue // who was heard dials us, see unheard
		}
		if st, why := p.status(); why != "" {
			down[p.addr] = why
		} else {
			links = append(links, st)
		}
	}
	l.mu.Lock()
	in := slices.Collect(maps.Keys(l.inbound))
	l.mu.Unlock()
	if l.c.ListenOnly {
		l.unheard(in, down)
	}
	var came []cache.LinkStatus
	for _, c := range in {
		if st, ok := c.status(); ok {
			came = append(came, st)
		}
	}
	slices.SortFunc(came, func(a, b cache.LinkStatus) int { return a.Since.Compare(b.Since) })
	return append(links, came...), down
}

// unheard says of whom an observer has heard, and who has not dialled it. Java
// nodes of JCS 1.3 have another id in their datagrams: of them it is known only
// how many connections come from their host.
func (l *Links) unheard(in []*inbound, down map[string]string) {
	from, ids := map[string]int{}, map[int64]bool{}
	for _, c := range in {
		from[host(c.conn.RemoteAddr().String())]++
		ids[c.asker()] = true
	}
	wanting := map[string]int{}
	for _, p := range l.list() {
		if !jcs.IsObserver(p.id()) {
			wanting[host(p.addr)]++
		}
	}
	for _, p := range l.list() {
		if h := host(p.addr); !jcs.IsObserver(p.id()) && !ids[p.id()] && from[h] < wanting[h] {
			down[p.addr] = "it was heard and has not connected: it tells this node nothing (JCS 2 finds nobody by discovery: list this node in its TcpServers)"
		}
	}
}

func (p *peer) status() (st cache.LinkStatus, why string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conn == nil {
		if p.why == "" {
			return st, "not dialled yet"
		}
		return st, p.why
	}
	st = cache.LinkStatus{To: cache.Party{Host: host(p.addr), Service: serviceOf(p.requester), Addr: p.addr}, Local: p.conn.LocalAddr().String(),
		PeerID: peerID(p.requester), Remote: p.conn.RemoteAddr().String(), Direction: "out", Protocol: p.gen.Family, Since: p.since, Regions: []string{}}
	st.Lag = p.l.c.Log.Lag(p.acked.Load(), p.l.c.Now().UnixMilli())
	for _, r := range p.l.c.Regions() {
		if p.regions == nil || p.regions[r.Name()] {
			st.Regions = append(st.Regions, r.Name())
		}
	}
	slices.Sort(st.Regions)
	return st, ""
}

func (in *inbound) status() (st cache.LinkStatus, ok bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.gen == nil {
		return st, false // it has not said anything yet
	}
	from := in.conn.RemoteAddr().String()
	return cache.LinkStatus{To: cache.Party{Host: host(from), Service: serviceOf(in.requester), Addr: from}, PeerID: peerID(in.requester), Local: in.conn.LocalAddr().String(), Remote: from,
		Direction: "in", Protocol: in.gen.Family, Since: in.since, Skew: -in.behind, Regions: slices.Sorted(maps.Keys(in.regions))}, true
}

// peerID is how a requester id is written; "" while it is not known.
func peerID(requester int64) string {
	if requester == 0 {
		return ""
	}
	return requesterText(requester)
}

// serviceOf names what a peer is: who only listens is a Lateral node.
func serviceOf(requester int64) string {
	if jcs.IsObserver(requester) {
		return "observer"
	}
	return "Java"
}

func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}
