// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"lateral/cache"
	"lateral/discover"
	"lateral/mesh"
)

// directory lets the mesh ask discovery in its own words.
type directory struct {
	*discover.Discoverer
	e *endpoint
}

func (d directory) Peers() []mesh.Peer {
	members := d.Members()
	out := make([]mesh.Peer, 0, len(members))
	for _, m := range members {
		if m.ID == 0 && d.e.javaNode(m.Addrs) {
			continue
		}
		out = append(out, peerOf(m))
	}
	return out
}

func (d directory) Peer(id cache.NodeID) (mesh.Peer, bool) {
	m, ok := d.Member(id)
	return peerOf(m), ok
}

func peerOf(m discover.Member) mesh.Peer {
	return mesh.Peer{ID: m.ID, Node: m.Node, Host: m.Host, Service: m.Service, Endpoint: m.Endpoint, PID: m.PID,
		Addrs: m.Addrs, Receive: m.Receive, Heard: m.Heard, Source: m.Source, Stale: m.Stale}
}

func (d directory) Learn(p mesh.Peer) {
	d.Discoverer.Learn(discover.Member{ID: p.ID, Node: p.Node, Host: p.Host, Service: p.Service, Endpoint: p.Endpoint,
		PID: p.PID, Addrs: p.Addrs, Source: p.Source, Heard: p.Heard, Receive: p.Receive})
}

func (d directory) Bind(addr string, id cache.NodeID)     { d.Discoverer.Bind(addr, id) }
func (d directory) Unreachable(addr string, reason error) { d.Refresh() }
