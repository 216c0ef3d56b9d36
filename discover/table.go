// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"lateral/cache"
)

// MaxMembers bounds the members known by id. The mesh is meant for some
// hundreds; beyond this somebody is inventing them.
const MaxMembers = 4096

// staleAfter is the silence, in announce intervals, after which a member
// should have been heard: three packets in a row are lost.
const staleAfter = 3.5

// A table holds the members: what is known of each, from where, since when.
// It is pure: it sends nothing, and the time is an argument.
type table struct {
	self     Self
	interval time.Duration
	timeout  time.Duration
	loopback bool // all our interfaces are: loopback addresses are the best

	members map[cache.NodeID]*entry
	links   map[cache.NodeID]bool      // those with a live link
	gone    map[cache.NodeID]departure // who must not be brought back by old news
	own     map[string]time.Time       // addresses that led to ourselves, and when
	seeds   []*seed                    // in the order of the configuration

	counts Counts
	notes  []note // to be logged once the lock is free
}

// An entry is what is known of one member.
type entry struct {
	m       Member // without Addrs, Static and Stale
	places  []place
	seen    time.Time // last sign of life: packet, hello, mention, end of a link
	packet  time.Time // last packet; zero if it was never heard by multicast
	seq     uint32    // largest heard
	leaving bool      // withdrew, but its link is still up
}

// A departure remembers a member that is gone.
type departure struct {
	at  time.Time
	seq uint32 // a packet with a larger one shows that it is there after all
}

// A note is a line for the log.
type note struct {
	level slog.Level
	text  string
	args  []any
}

func newTable(self Self, interval, timeout time.Duration) *table {
	return &table{
		self: self, interval: interval, timeout: timeout,
		members: map[cache.NodeID]*entry{},
		links:   map[cache.NodeID]bool{},
		gone:    map[cache.NodeID]departure{},
		own:     map[string]time.Time{},
	}
}

func (t *table) note(level slog.Level, text string, args ...any) {
	t.notes = append(t.notes, note{level, "discover: " + text, args})
}

// enter finds or makes the entry of an id; nil if there is no room.
func (t *table) enter(now time.Time, id cache.NodeID, source string) (e *entry, fresh bool) {
	if e := t.members[id]; e != nil {
		if rank(source) > rank(e.m.Source) {
			e.m.Source = source
		}
		return e, false
	}
	if len(t.members) >= MaxMembers {
		t.counts.Refused++
		return nil, false
	}
	e = &entry{m: Member{ID: id, Source: source}, seen: now}
	t.members[id] = e
	return e, true
}

// found says that there is a new member, and on which interface it was heard.
func (t *table) found(e *entry, addrs []string, on string) {
	t.note(slog.LevelInfo, "member found", "member", name(&e.m), "id", e.m.ID, "addr", strings.Join(addrs, " "), "by", e.m.Source, "interface", on)
}

// rank orders the sources: how a member was found says more than that a link
// has since told its names.
func rank(source string) int {
	return slices.Index([]string{Peer, Link, DNS, Static, Multicast}, source)
}

// claim records that id is to be dialled at addr, on its own word or ours.
// Whoever had the address before is gone: the port has a new owner. So an
// address is never in two entries.
func (t *table) claim(now time.Time, e *entry, addr string) (changed bool) {
	var added bool
	if e.places, added = putPlace(e.places, addr, now); added {
		for id, other := range t.members {
			if id != e.m.ID && other.has(addr) {
				t.note(slog.LevelInfo, "member superseded", "member", name(&other.m), "id", id, "by", e.m.ID, "addr", addr)
				t.remove(now, id)
			}
		}
	}
	for _, s := range t.seeds {
		if s.addr == addr && s.id != e.m.ID {
			s.id, s.own, changed = e.m.ID, false, true
		}
	}
	delete(t.own, addr)
	return changed || added
}

func (e *entry) has(addr string) bool {
	return slices.ContainsFunc(e.places, func(p place) bool { return p.addr == addr })
}

// remove forgets a member. The addresses that the configuration has of it stay.
func (t *table) remove(now time.Time, id cache.NodeID) {
	var seq uint32
	if e := t.members[id]; e != nil {
		seq = e.seq
	}
	delete(t.members, id)
	t.unbind(id)
	t.depart(now, id, seq)
}

// depart remembers that an id is gone.
func (t *table) depart(now time.Time, id cache.NodeID, seq uint32) {
	if d, known := t.gone[id]; known || len(t.gone) < MaxMembers {
		t.gone[id] = departure{at: now, seq: max(seq, d.seq)}
	}
}

// linked takes in that a link came up or went.
func (t *table) linked(now time.Time, id cache.NodeID, up bool) (changed bool) {
	if up {
		t.links[id] = true
	} else {
		delete(t.links, id)
	}
	e := t.members[id]
	if e == nil {
		return false
	}
	e.seen = now
	if !up && e.leaving {
		t.note(slog.LevelInfo, "member left", "member", name(&e.m), "id", id)
		t.remove(now, id)
		return true
	}
	return false
}

// left takes in a goodbye said on a link.
func (t *table) left(now time.Time, id cache.NodeID) (changed bool) {
	e := t.members[id]
	if e != nil {
		t.note(slog.LevelInfo, "member left", "member", name(&e.m), "id", id)
	}
	t.remove(now, id)
	return e != nil
}

// retract takes back hearsay.
func (t *table) retract(id cache.NodeID) (changed bool) {
	e := t.members[id]
	if e == nil || t.links[id] || e.m.Source != Peer {
		return false
	}
	t.note(slog.LevelInfo, "member forgotten: it was known by hearsay, and nobody speaks of it any more", "member", name(&e.m), "id", id)
	delete(t.members, id)
	t.unbind(id)
	return true
}

// expire forgets whatever has been silent for too long.
func (t *table) expire(now time.Time) (changed bool) {
	for id, e := range t.members {
		if !t.links[id] && now.Sub(e.seen) >= t.timeout {
			t.note(slog.LevelInfo, "member forgotten: no packet and no link", "member", name(&e.m), "id", id, "since", e.seen)
			delete(t.members, id)
			t.unbind(id)
			changed = true
			continue
		}
		var fewer bool
		if e.places, fewer = agePlaces(e.places, t.timeout); fewer {
			changed = true
		}
	}
	for id, d := range t.gone {
		if now.Sub(d.at) >= t.timeout {
			delete(t.gone, id)
		}
	}
	for addr, at := range t.own {
		if now.Sub(at) >= t.timeout {
			delete(t.own, addr)
		}
	}
	return changed
}

// lonely reports whether nobody is known from packets.
func (t *table) lonely() bool {
	for _, e := range t.members {
		if !e.packet.IsZero() {
			return false
		}
	}
	return true
}

// list returns everyone believed in.
func (t *table) list(now time.Time) []Member {
	list := make([]Member, 0, len(t.members)+len(t.seeds))
	for _, e := range t.members {
		list = append(list, t.member(now, e))
	}
	for _, s := range t.seeds {
		if s.id == 0 && !s.own {
			list = append(list, Member{Addrs: []string{s.addr}, Source: s.source, Receive: true, Static: true})
		}
	}
	slices.SortFunc(list, func(a, b Member) int {
		if c := strings.Compare(a.Host, b.Host); c != 0 {
			return c // of most pairs
		}
		return cmp.Or(strings.Compare(a.Service, b.Service),
			strings.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.ID, b.ID), slices.Compare(a.Addrs, b.Addrs))
	})
	return list
}

// member returns an entry as others see it.
func (t *table) member(now time.Time, e *entry) Member {
	m := e.m
	m.Addrs = order(e.places, t.loopback)
	for _, s := range t.seeds {
		if s.id != m.ID {
			continue
		}
		m.Static = true
		if rank(s.source) > rank(m.Source) {
			m.Source = s.source
		}
		if !slices.Contains(m.Addrs, s.addr) {
			m.Addrs = append(m.Addrs, s.addr)
		}
	}
	m.Stale = t.stale(now, e)
	return m
}

// stale judges whoever was heard by multicast by its packets, others by any
// sign of life unless there is a link.
func (t *table) stale(now time.Time, e *entry) bool {
	limit := time.Duration(staleAfter * float64(t.interval))
	if e.packet.IsZero() {
		return !t.links[e.m.ID] && now.Sub(e.seen) > limit
	}
	return now.Sub(e.packet) > limit
}

// name is a member as people know it.
func name(m *Member) string {
	return fmt.Sprintf("%s/%s.%s", m.Host, m.Service, m.Endpoint)
}
