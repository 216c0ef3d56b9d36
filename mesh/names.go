// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"maps"
	"slices"
	"sync"
	"time"

	"lateral/cache"
)

// names are what peers said of those that they are linked with, once for all
// rows: N rows of N members each hold their ids only.
type names struct {
	mu sync.Mutex // guards what follows
	of map[cache.NodeID]seen
}

func (n *names) get(id cache.NodeID) (seen, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, ok := n.of[id]
	return s, ok
}

// learn remembers what a peer said of those it is linked with, and hands it to
// the directory.
func (m *Mesh) learn(up []seen) {
	for _, s := range up {
		if s.ID == m.self.ID || s.ID == 0 || s.check() != nil {
			continue
		}
		m.names.mu.Lock()
		if m.names.of == nil {
			m.names.of = map[cache.NodeID]seen{}
		}
		if old, ok := m.names.of[cache.NodeID(s.ID)]; ok && s.Addr == "" {
			s.Addr = old.Addr // whoever is told no address is on another host
			m.names.of[cache.NodeID(s.ID)] = s
			s.Addr = ""
		} else if ok || len(m.names.of) < maxMembers {
			m.names.of[cache.NodeID(s.ID)] = s
		}
		m.names.mu.Unlock()
		m.recommend(&s)
	}
}

func (m *Mesh) recommend(s *seen) {
	if s.Addr == "" {
		return
	}
	m.c.Directory.Learn(Peer{ID: cache.NodeID(s.ID), Node: cache.NodeID(s.Node), Host: s.Host, Service: s.Service,
		Endpoint: s.Endpoint, PID: s.PID, Addrs: []string{s.Addr}, Receive: s.Port != 0, Heard: time.Now(), Source: "peer"})
}

// unknown returns those of whom neither a link nor discovery nor a peer has told
// enough to dial them.
func (m *Mesh) unknown(ids []cache.NodeID) (out []cache.NodeID) {
	for _, n := range ids {
		if n == m.c.ID || m.hasLink(n) {
			continue
		}
		if p, ok := m.c.Directory.Peer(n); ok && (len(p.Addrs) > 0 || !p.Receive) {
			continue
		}
		if s, ok := m.names.get(n); !ok || s.Addr == "" && s.Port != 0 {
			out = append(out, n)
		}
	}
	return out
}

func (m *Mesh) hasLink(id cache.NodeID) bool {
	m.mu.Lock()
	p := m.peers[id]
	m.mu.Unlock()
	return p != nil && p.link() != nil
}

// relearn tells the directory again of whom a peer is linked with and we are not,
// asks one of these peers where they are to be dialled by now, and forgets the
// names of whom nobody is linked with. Of whom nobody speaks at all any more was told
// by a row that was older than its goodbye.
func (m *Mesh) relearn() {
	linked, rows := map[cache.NodeID]bool{m.c.ID: true}, m.linked()
	for _, p := range rows {
		linked[p.id] = true
	}
	missed := map[cache.NodeID]*peer{}
	for _, p := range rows {
		p.mu.Lock()
		for n := range p.row.up {
			if !linked[n] {
				missed[n] = p
			}
		}
		p.mu.Unlock()
	}
	m.names.mu.Lock()
	for n := range m.names.of {
		if missed[n] == nil {
			delete(m.names.of, n)
		}
	}
	m.names.mu.Unlock()
	m.retract()
	for n, p := range missed {
		if s, ok := m.names.get(n); ok {
			m.recommend(&s)
		}
		if l := p.link(); l != nil && l.peerHello.Version >= rowVersion && l.wantsToKnow([]cache.NodeID{n}, nil) {
			l.rowDue.Store(true)
			l.wake()
		}
	}
}

// retract takes back what rows told of members without a link here that are in none of
// them any more, neither as linked nor as missed.
func (m *Mesh) retract() {
	var doubted []cache.NodeID
	for _, p := range m.c.Directory.Peers() {
		if p.ID != 0 && !m.hasLink(p.ID) {
			doubted = append(doubted, p.ID)
		}
	}
	if len(doubted) == 0 {
		return
	}
	m.mu.Lock()
	peers := slices.Collect(maps.Values(m.peers))
	m.mu.Unlock()
	for _, n := range doubted {
		if !slices.ContainsFunc(peers, func(p *peer) bool { return p.speaksOf(n) }) {
			m.c.Directory.Retract(n)
		}
	}
}

// speaksOf reports whether a peer that has not said goodbye has a member in its row.
func (p *peer) speaksOf(n cache.NodeID) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	_, up := p.row.up[n]
	_, down := p.row.down[n.String()]
	return !p.left && (up || down)
}
