// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"log/slog"
	"net"
	"strconv"
	"time"

	"lateral/beacon"
	"lateral/cache"
)

// An outcome is what follows from a packet.
type outcome struct {
	changed bool   // who is a member, or where
	answer  bool   // somebody wants to hear of us
	foreign bool   // of another cluster
	odd     string // why the packet was not believed
}

// heard takes in a packet.
func (t *table) heard(now time.Time, from beacon.Source, p Packet) (o outcome) {
	switch {
	case p.ID == t.self.ID:
		t.counts.Own++
		return o
	case p.Cluster != t.self.Cluster:
		t.counts.Foreign++
		o.foreign = true
		return o
	case p.Kind == Withdraw:
		o.changed = t.withdrawn(now, p)
		return o
	}
	o.answer = p.Kind == Solicit
	if !p.Receive {
		return o // asks, but is not there to be dialled
	}
	addr, odd := dialAddr(from, p)
	if odd != "" {
		t.counts.Disbelieved++
		o.odd = odd
		return o
	}
	if d, ok := t.gone[p.ID]; ok && p.Seq <= d.seq {
		return outcome{} // overtaken by its goodbye
	}
	e, fresh := t.enter(now, p.ID, Multicast)
	if e == nil {
		o.odd = "too many members: " + strconv.Itoa(MaxMembers) + " are known, new ones are refused"
		return o
	}
	delete(t.gone, p.ID)
	first := e.packet.IsZero()
	e.seen, e.packet, e.m.Heard = now, now, now
	if p.Seq > e.seq {
		e.seq, e.leaving = p.Seq, false
	}
	said := Member{Node: p.Node, Cluster: p.Cluster, Host: p.Host, Service: p.Service, Endpoint: p.Endpoint, PID: int(p.PID), Receive: true}
	renamed := e.m.rename(said)
	if fresh {
		t.found(e, []string{addr}, from.Interface)
	}
	moved := t.claim(now, e, addr)
	o.changed = fresh || renamed || moved
	o.answer = o.answer || first
	return o
}

// withdrawn takes in a goodbye by multicast. Anybody can send one, so a member
// whose link is up stays until that is gone too.
func (t *table) withdrawn(now time.Time, p Packet) (changed bool) {
	e := t.members[p.ID]
	if e == nil {
		t.depart(now, p.ID, p.Seq) // it may have overtaken an announcement
		return false
	}
	if p.Seq < e.seq {
		return false
	}
	e.seq = p.Seq
	if t.links[p.ID] {
		e.leaving = true
		return false
	}
	t.note(slog.LevelInfo, "member left", "member", name(&e.m), "id", p.ID)
	t.remove(now, p.ID)
	return true
}

// dialAddr is where the sender of a packet is to be dialled, or why nowhere.
func dialAddr(from beacon.Source, p Packet) (addr, odd string) {
	if p.Port == 0 {
		return "", "it announces no port"
	}
	host := p.Advertise
	if host == "" {
		host = from.Addr.Addr().Unmap().String()
		if !from.Addr.Addr().IsValid() || from.Addr.Addr().IsUnspecified() {
			return "", "it has no source address"
		}
	} else if !validHost(host) {
		return "", "it advertises " + strconv.Quote(host) + ", which can't be dialled"
	}
	addr = net.JoinHostPort(host, strconv.Itoa(int(p.Port)))
	if isLoopback(addr) && !from.Loopback {
		return "", "it announces the loopback address " + addr + " on " + from.Interface + ": look at the host name or AdvertiseHost there"
	}
	return addr, ""
}

// rename takes over names, reporting whether any was new.
func (m *Member) rename(said Member) bool {
	old := *m
	m.Node, m.Cluster, m.Host, m.Service, m.Endpoint = said.Node, said.Cluster, said.Host, said.Service, said.Endpoint
	m.PID, m.Receive = said.PID, said.Receive
	return old.Node != m.Node || old.Cluster != m.Cluster || old.Host != m.Host || old.Service != m.Service ||
		old.Endpoint != m.Endpoint || old.PID != m.PID || old.Receive != m.Receive
}

// learn takes in what a hello or another member said.
func (t *table) learn(now time.Time, m Member) (changed bool) {
	if m.ID == 0 || m.ID == t.self.ID || m.Cluster != "" && m.Cluster != t.self.Cluster {
		return false
	}
	at := now
	if !m.Heard.IsZero() && m.Heard.Before(now) {
		at = m.Heard
	}
	if m.Source == Peer {
		return t.hearsay(now, at, m)
	}
	delete(t.gone, m.ID)
	e, fresh := t.enter(at, m.ID, Link)
	if e == nil {
		return false
	}
	e.seen, e.leaving = now, false
	e.m.Heard = later(e.m.Heard, at)
	changed = e.m.rename(m) || fresh
	if fresh {
		t.found(e, m.Addrs, "")
	}
	if m.Receive {
		for _, a := range m.Addrs[:min(len(m.Addrs), maxPlaces)] {
			if validAddr(a) && t.claim(at, e, a) {
				changed = true
			}
		}
	}
	return changed
}

// hearsay is weaker than what we know ourselves: it only adds.
func (t *table) hearsay(now, at time.Time, m Member) (changed bool) {
	if _, ok := t.gone[m.ID]; ok || now.Sub(at) >= t.timeout {
		return false
	}
	var free []string
	known := t.members[m.ID]
	for _, a := range m.Addrs[:min(len(m.Addrs), maxPlaces)] {
		if _, own := t.own[a]; validAddr(a) && !own && (known != nil && known.has(a) || !t.taken(a, m.ID)) {
			free = append(free, a)
		}
	}
	if known == nil && len(free) == 0 && len(m.Addrs) > 0 {
		return false // all its addresses are somebody else's by now
	}
	e, fresh := t.enter(at, m.ID, Peer)
	if e == nil {
		return false
	}
	e.seen = later(e.seen, at)
	e.m.Heard = later(e.m.Heard, at)
	changed = fresh
	if rank(e.m.Source) <= rank(Peer) || e.m.Host == "" {
		changed = e.m.rename(m) || changed
	}
	if fresh {
		t.found(e, free, "")
	}
	for _, a := range free {
		var added bool
		if e.places, added = putPlace(e.places, a, at); added {
			changed = true
		}
		for _, s := range t.seeds {
			if s.addr == a && s.id == 0 {
				s.id, changed = m.ID, true
			}
		}
	}
	return changed
}

// taken reports whether an address is another member's, or was found to be ours.
func (t *table) taken(addr string, by cache.NodeID) bool {
	for _, s := range t.seeds {
		if s.addr == addr && (s.own || s.id != 0 && s.id != by) {
			return true
		}
	}
	for id, e := range t.members {
		if id != by && e.has(addr) {
			return true
		}
	}
	return false
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
