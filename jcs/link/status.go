// SPDX-License-Identifier: Apache-2.0

package link

import (
	"maps"
	"net"
	"slices"

	"lateral/cache"
)

// Status returns the connections with Java nodes, those we dialled first, and
// for each address without one why.
func (l *Links) Status() (links []cache.LinkStatus, down map[string]string) {
	down = map[string]string{}
	for _, p := range l.list() {
		if st, why := p.status(); why != "" {
			down[p.addr] = why
		} else {
			links = append(links, st)
		}
	}
	l.mu.Lock()
	in := slices.Collect(maps.Keys(l.inbound))
	l.mu.Unlock()
	var came []cache.LinkStatus
	for _, c := range in {
		if st, ok := c.status(); ok {
			came = append(came, st)
		}
	}
	slices.SortFunc(came, func(a, b cache.LinkStatus) int { return a.Since.Compare(b.Since) })
	return append(links, came...), down
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
	st = cache.LinkStatus{To: cache.Party{Host: host(p.addr), Service: "Java", Addr: p.addr}, Local: p.conn.LocalAddr().String(),
		Remote: p.conn.RemoteAddr().String(), Direction: "out", Protocol: p.gen.Family, Since: p.since, Regions: []string{}}
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
	return cache.LinkStatus{To: cache.Party{Host: host(from), Service: "Java", Addr: from}, Local: in.conn.LocalAddr().String(), Remote: from,
		Direction: "in", Protocol: in.gen.Family, Since: in.since, Skew: -in.behind, Regions: slices.Sorted(maps.Keys(in.regions))}, true
}

func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}
