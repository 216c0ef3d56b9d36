// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"errors"
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
	m.row.linked(l.seen())
	l.rowDue.Store(true) // the first on it does not wait
	l.holdDue.Store(true)
	l.ask()
	m.census()
	m.bury()
	l.wake()
	m.rowChanged()
}

// down does the same for one that has ended.
func (m *Mesh) down(l *link) {
	m.gets.lost(l)
	m.awaitSwap(l)
	current := m.release(l)
	l.releaseAll()
	m.bury()
	if !current {
		m.c.Logger.Debug("link replaced", "peer", l.name())
		return
	}
	why := l.why()
	m.c.Logger.Info("link down", "peer", l.name(), "cause", why, "lasted", time.Since(l.since).Round(time.Millisecond))
	m.rowChanged()
	if bye := (errGoodbye{}); !errors.As(why, &bye) || bye.Unread {
		m.syncSurvivors(l)
	}
}

// awaitSwap gives the link that a peer keeps instead of l, which it has adopted
// already, the time of a hello to be adopted here, too: one link taking the
// place of another is no outage.
func (m *Mesh) awaitSwap(l *link) {
	var g errGoodbye
	if !errors.As(l.why(), &g) || !g.Duplicate {
		return
	}
	ctx, cancel := context.WithTimeout(m.work, m.c.OpenTimeout)
	defer cancel()
	l.peer.waitNext(ctx, l)
	m.gets.lost(l)
}

// release takes a link from its peer, unless another has taken its place. The
// directory must hear of this, and the reason be noted, before the next link
// is up, so none is adopted meanwhile.
func (m *Mesh) release(l *link) bool {
	p := l.peer
	p.adopting <- struct{}{}
	defer func() { <-p.adopting }()
	p.mu.Lock()
	current, left := p.active == l, p.left
	if current {
		p.active = nil
		p.announceLocked()
	}
	p.mu.Unlock()
	m.ackers.wake()
	if current {
		m.row.unlinked(p.id)
		m.mu.Lock()
		if why := l.why(); m.pursuits[p.id.String()] != nil && why != nil {
			m.failures[p.id.String()] = why.Error()
		}
		m.mu.Unlock()
		m.linkLease(p, nil, left)
		m.frontier.Unlinked(p.id)
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
	if ip, err := netip.ParseAddr(host); err == nil && ip.Unmap().IsLoopback() && !isLoopback(l.conn.RemoteAddr().String()) {
		host = "" // it means nothing here
	}
	if host == "" {
		host, _, _ = net.SplitHostPort(l.conn.RemoteAddr().String())
	}
	return net.JoinHostPort(host, strconv.Itoa(h.Port))
}

const (
	maxMembers = 4096 // bounds what a row may tell of
	maxCause   = 200  // bytes of a reason in it
)

func isLoopback(addr string) bool {
	ap, err := netip.ParseAddrPort(addr)
	return err == nil && ap.Addr().Unmap().IsLoopback()
}

func party(i identity, addr string) cache.Party {
	return cache.Party{Host: i.Host, Service: i.Service, Endpoint: i.Endpoint, Addr: addr, PID: i.PID}
}
