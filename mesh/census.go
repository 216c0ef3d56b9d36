// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"maps"
	"net"
	"strconv"

	"lateral/cache"
	"lateral/converge"
)

// Who is a member as strict regions count them: see leases.

// census brings up to date who counts without ever having had a link: whom the
// directory believes in, and whom linked peers reckon with.
func (m *Mesh) census() {
	s := &m.leases
	if s.want.Load() == 0 {
		return
	}
	s.taking.Lock()
	defer s.taking.Unlock()
	believed, nameless := m.believed()
	s.mu.Lock()
	for id, who := range believed {
		if e := s.fellowLocked(id); !e.met {
			e.receive = who.receive
			if who.Host != "" {
				e.identity = who.identity
			}
		}
	}
	for id, e := range s.members {
		if e.link == nil && e.counts() && m.frontier.Ended(id) {
			continue // memory is emptied first: bury
		}
		if _, e.believed = believed[id]; !e.believed && (e.left || !e.met) && e.link == nil {
			delete(s.members, id)
		}
	}
	s.nameless = nameless
	m.recountLocked()
	s.mu.Unlock()
	m.ackers.wake()
}

// heardOf is a member as others or discovery tell of it: with no name if they
// only reckon with it.
type heardOf struct {
	identity
	receive bool
}

func (m *Mesh) believed() (by map[cache.NodeID]heardOf, nameless []string) {
	by = map[cache.NodeID]heardOf{}
	set, _, _, _ := m.frontier.Set()
	for _, o := range set {
		if o.Standing == converge.Counting {
			by[o.ID] = heardOf{receive: o.Receives}
		}
	}
	for _, p := range m.c.Directory.Peers() {
		switch {
		case p.ID != 0:
			who := identity{Host: p.Host, Service: p.Service, Endpoint: p.Endpoint, Port: portOf(p)}
			by[p.ID] = heardOf{who, who.Port != 0}
		case len(p.Addrs) > 0:
			nameless = append(nameless, p.Addrs[0])
		}
	}
	for _, p := range m.linked() {
		p.mu.Lock()
		for id := range p.row.up {
			if s, ok := m.names.get(id); ok {
				by[id] = heardOf{s.identity, s.Port != 0}
			} else if _, ok := by[id]; !ok {
				by[id] = heardOf{receive: true}
			}
		}
		p.mu.Unlock()
	}
	delete(by, m.c.ID)
	maps.DeleteFunc(by, func(id cache.NodeID, _ heardOf) bool { return m.frontier.Ended(id) })
	return by, nameless
}

// portOf is where a peer listens; one that was only heard of by its address
// listens there.
func portOf(p Peer) int {
	if !p.Receive || len(p.Addrs) == 0 {
		return 0
	}
	_, port, _ := net.SplitHostPort(p.Addrs[0])
	n, _ := strconv.Atoi(port)
	return n
}

// bury takes members for dead whose successor is linked: the same service on
// the same host and port; or that anybody knows to have ended. What they
// removed last is unknown.
func (m *Mesh) bury() (dropped int) {
	s := &m.leases
	if s.want.Load() == 0 {
		return 0
	}
	dead := m.ended()
	if len(dead) == 0 {
		return 0
	}
	dropped = m.dropStale() // before anything of it may be served
	s.mu.Lock()
	for _, id := range dead {
		if e := s.members[id]; e != nil && e.link == nil {
			e.left = true
		}
	}
	m.recountLocked()
	s.mu.Unlock()
	m.ackers.wake()
	m.c.Logger.Info("a service has ended without a goodbye to this one: what it removed before is unknown, invalidated regions start empty", "dropped", dropped)
	return dropped
}

func (m *Mesh) ended() (dead []cache.NodeID) {
	s := &m.leases
	s.mu.Lock()
	defer s.mu.Unlock()
	type place struct {
		host, service, endpoint string
		port                    int
	}
	at := func(e *fellow) place { return place{e.Host, e.Service, e.Endpoint, e.Port} }
	linked := map[place]bool{}
	for _, e := range s.members {
		if e.link != nil {
			linked[at(e)] = true
		}
	}
	for id, e := range s.members {
		if e.link == nil && e.counts() && (e.met && linked[at(e)] || m.frontier.Ended(id)) {
			dead = append(dead, id)
		}
	}
	return dead
}
