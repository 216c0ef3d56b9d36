// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"lateral/cache"
)

// Status returns the endpoint as it sees itself and its peers.
func (m *Mesh) Status() cache.EndpointStatus {
	st := cache.EndpointStatus{Endpoint: m.c.Endpoint, ID: m.c.ID.String(), Cluster: m.c.Cluster, Group: m.c.Group,
		Log: m.c.Log.Status(), Counters: m.counters.export(), Links: []cache.LinkStatus{}}
	if m.c.Listener != nil {
		st.Listen = m.c.Listener.Addr().String()
	}
	st.Members = append(st.Members, cache.Member{ID: st.ID, Node: m.c.Node.String(), Host: m.c.Host, Service: m.c.Service,
		Endpoint: m.c.Endpoint, Addr: st.Listen, PID: m.c.PID, Source: "self", Heard: time.Now(), Receive: m.c.Receive})
	for _, p := range m.c.Directory.Peers() {
		if p.ID == m.c.ID {
			continue
		}
		st.Members = append(st.Members, member(p))
	}
	own := cache.Row{ID: st.ID, Heard: time.Now(), Up: []string{}, Down: m.reasons()}
	for _, p := range m.linked() {
		if l := p.link(); l != nil {
			st.Links = append(st.Links, m.linkStatus(l))
			own.Up = append(own.Up, p.id.String())
			st.Matrix = append(st.Matrix, p.matrixRow())
		}
	}
	st.Matrix = append(st.Matrix, own)
	st.Leases, st.Stable = m.leaseStatus(), m.stableStatus()
	slices.SortFunc(st.Links, func(a, b cache.LinkStatus) int {
		return cmp.Or(cmp.Compare(a.To.Host, b.To.Host), cmp.Compare(a.To.Service, b.To.Service), cmp.Compare(a.To.Endpoint, b.To.Endpoint))
	})
	slices.SortFunc(st.Matrix, func(a, b cache.Row) int { return cmp.Compare(a.ID, b.ID) })
	return st
}

func member(p Peer) cache.Member {
	c := cache.Member{Host: p.Host, Service: p.Service, Endpoint: p.Endpoint, PID: p.PID, Source: p.Source, Heard: p.Heard,
		Stale: p.Stale, Receive: p.Receive}
	if p.ID != 0 {
		c.ID, c.Node = p.ID.String(), p.Node.String()
	}
	if len(p.Addrs) > 0 {
		c.Addr, c.Also = p.Addrs[0], p.Addrs[1:]
	}
	return c
}

// reasons says for each peer without a link why.
func (m *Mesh) reasons() map[string]string {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := map[string]string{}
	for k, why := range m.failures {
		if why != "" {
			out[k] = why
		}
	}
	return out
}

// matrixRow is what the peer last said of its links.
func (p *peer) matrixRow() cache.Row {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := cache.Row{ID: p.id.String(), Heard: p.heard, Up: []string{}, Down: maps.Clone(p.row.down)}
	for id := range p.row.up {
		r.Up = append(r.Up, id.String())
	}
	slices.Sort(r.Up)
	return r
}

func (m *Mesh) linkStatus(l *link) cache.LinkStatus {
	st := cache.LinkStatus{From: party(m.self, l.conn.LocalAddr().String()), To: l.party(), PeerID: l.peer.id.String(),
		Local: l.conn.LocalAddr().String(), Remote: l.conn.RemoteAddr().String(), Direction: l.direction(),
		Protocol: "mesh", Since: l.since, Skew: time.Duration(l.peer.skew.Load()), Regions: []string{}}
	if l.peerHello.Receive {
		st.Lag = m.c.Log.Lag(l.peer.acked.Load(), m.c.Now().UnixMilli())
	}
	st.Behind, st.Travel = m.behind(l.peer.id), l.peer.canary.status()
	if n := l.peerHello.Siblings; len(n) <= maxSiblings {
		st.Siblings = n
	}
	theirs := l.peer.sharedRegions()
	for _, r := range m.c.Regions() {
		if theirs[r.Name()] != "" {
			st.Regions = append(st.Regions, r.Name())
			if theirs[r.Name()] != r.Mode().String() {
				if st.Differ == nil {
					st.Differ = map[string]string{}
				}
				st.Differ[r.Name()] = theirs[r.Name()]
			}
		}
	}
	slices.Sort(st.Regions)
	return st
}

func (c *counters) export() map[string]int64 {
	return map[string]int64{
		"dialled": c.dialled.Load(), "accepted": c.accepted.Load(), "refused": c.refused.Load(), "protocol_errors": c.bad.Load(),
		"duplicate_links": c.duplicates.Load(), "gaps": c.gaps.Load(), "resumes": c.resumes.Load(), "fallen_cursors": c.fallen.Load(),
		"syncs": c.syncs.Load(), "sync_bytes_in": c.syncBytesIn.Load(), "sync_bytes_out": c.syncBytesOut.Load(),
		"frames_in": c.framesIn.Load(), "bytes_in": c.bytesIn.Load(), "bytes_out": c.bytesOut.Load(), "unapplied": c.unapplied.Load(), "refused_clock": c.skewed.Load(),
		"touches_in": c.touchesIn.Load(), "touches_out": c.touchesOut.Load(), "touches_dropped": c.touchesDropped.Load(),
		"messages_in": c.messagesIn.Load(), "messages_out": c.messagesOut.Load(), "messages_dropped": c.messagesDropped.Load(),
	}
}
