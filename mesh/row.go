// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"encoding/json"
	"net"
	"net/netip"
	"strconv"
	"time"

	"lateral/cache"
)

// up makes a new link known: to the directory, the log and all members.
func (m *Mesh) up(l *link) {
	p := m.seenPeer(l)
	m.c.Directory.Learn(p)
	m.c.Directory.Linked(p.ID, true)
	m.mu.Lock()
	delete(m.failures, p.ID.String())
	m.mu.Unlock()
	m.c.Logger.Info("link up", "peer", l.name(), "direction", l.direction(), "local", l.conn.LocalAddr().String())
	m.rowChanged()
}

// down does the same for one that has ended.
func (m *Mesh) down(l *link) {
	m.gets.lost(l)
	p := l.peer
	if !m.release(l) {
		m.c.Logger.Debug("link replaced", "peer", l.name())
		return
	}
	why := l.why()
	m.c.Logger.Info("link down", "peer", l.name(), "cause", why, "lasted", time.Since(l.since).Round(time.Millisecond))
	m.mu.Lock()
	if m.pursuits[p.id.String()] != nil && why != nil {
		m.failures[p.id.String()] = why.Error()
	}
	m.mu.Unlock()
	m.rowChanged()
}

// release takes a link from its peer, unless another has taken its place. The
// directory must hear of this before it hears of the next link, so none is
// adopted meanwhile.
func (m *Mesh) release(l *link) bool {
	p := l.peer
	p.adopting.Lock()
	defer p.adopting.Unlock()
	p.mu.Lock()
	current, left := p.active == l, p.left
	if current {
		p.active = nil
		p.announceLocked()
	}
	p.mu.Unlock()
	if current {
		m.c.Directory.Linked(p.id, false)
		if left {
			m.c.Directory.Left(p.id)
		}
	}
	return current
}

func (l *link) direction() string {
	if l.out {
		return "out"
	}
	return "in"
}

// seenPeer is a linked peer as the directory wants it.
func (m *Mesh) seenPeer(l *link) Peer {
	h := &l.peerHello
	p := Peer{ID: cache.NodeID(h.ID), Node: cache.NodeID(h.Node), Host: h.Host, Service: h.Service, Endpoint: h.Endpoint,
		PID: h.PID, Receive: h.Port != 0, Heard: time.Now(), Source: "link"}
	if a := l.dialable(); a != "" {
		p.Addrs = []string{a}
	}
	return p
}

// dialable is where others may dial the peer of a link: the host it advertises,
// else the one it is seen at, with the port it listens on.
func (l *link) dialable() string {
	h := &l.peerHello
	if h.Port <= 0 || h.Port > 65535 {
		return ""
	}
	host := h.Advertise
	if host == "" {
		host, _, _ = net.SplitHostPort(l.conn.RemoteAddr().String())
	}
	return net.JoinHostPort(host, strconv.Itoa(h.Port))
}

// rowChanged has every link send our row.
func (m *Mesh) rowChanged() {
	for _, p := range m.linked() {
		if l := p.link(); l != nil {
			l.rowDue.Store(true)
			l.wake()
		}
	}
}

// rowFor is our row as the peer of a link is told it: a loopback address means
// nothing on another host.
func (m *Mesh) rowFor(to *link) row {
	r := row{Down: map[string]string{}}
	room := maxRow - 1024
	off := !isLoopback(to.conn.RemoteAddr().String())
	for _, p := range m.linked() {
		l := p.link()
		if l == nil {
			continue
		}
		s := seen{identity: l.peerHello.identity, Addr: l.dialable()}
		if off && isLoopback(s.Addr) {
			s.Addr = ""
		}
		if b, err := json.Marshal(s); err == nil && len(b) < room {
			room -= len(b) + 1
			r.Up = append(r.Up, s)
		}
	}
	for k, why := range m.reasons() {
		// JSON writes a byte of text as six at most.
		if cost := 6*(len(k)+min(len(why), maxCause)) + 6; cost < room {
			room -= cost
			r.Down[k] = clean(why, maxCause)
		}
	}
	return r
}

const (
	maxMembers = 4096 // bounds what a row may tell of
	maxCause   = 200  // bytes of a reason in it
)

func isLoopback(addr string) bool {
	ap, err := netip.ParseAddrPort(addr)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

// takeRow notes what a peer says of its links, and learns of members from it.
func (l *link) takeRow(p []byte) error {
	var r row
	if err := decodeJSON(frameRow, p, &r); err != nil {
		return err
	}
	if len(r.Up) > maxMembers {
		r.Up = r.Up[:maxMembers]
	}
	down := make(map[string]string, min(len(r.Down), maxMembers))
	for k, why := range r.Down {
		if len(down) < maxMembers {
			down[clean(k, maxName)] = clean(why, maxCause)
		}
	}
	r.Down = down
	l.peer.mu.Lock()
	l.peer.row, l.peer.heard = r, time.Now()
	l.peer.mu.Unlock()
	for _, s := range r.Up {
		if s.ID == l.m.self.ID || s.ID == 0 || s.Addr == "" || s.check() != nil {
			continue
		}
		l.m.c.Directory.Learn(Peer{ID: cache.NodeID(s.ID), Node: cache.NodeID(s.Node), Host: s.Host, Service: s.Service,
			Endpoint: s.Endpoint, PID: s.PID, Addrs: []string{s.Addr}, Receive: s.Port != 0, Heard: time.Now(), Source: "peer"})
	}
	return nil
}

func party(i identity, addr string) cache.Party {
	return cache.Party{Host: i.Host, Service: i.Service, Endpoint: i.Endpoint, Addr: addr, PID: i.PID}
}
