// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"lateral/cache"
	"lateral/converge"
)

// A Clock gives the stamps of a node's changes. *cache.Clock is one.
type Clock interface {
	// Settled returns a time up to which everything that has a stamp is in
	// the logs.
	Settled(nowMs int64) uint64
	Observe(nowMs int64, s cache.Stamp) bool
}

// frontVersion is the first version that tells of frontiers. With an older
// peer S stands still, and removals are remembered for their whole retention.
const frontVersion = 3

// ClockGuard is how far the clocks of members may differ. Stable lags by that
// much, so that what a joiner wrote just before it was counted is not older.
const ClockGuard = 500 * time.Millisecond

// errDead refuses an id that others were told is dead.
var errDead = errors.New("that incarnation was said to have ended, and removals are no longer kept for it: restart the service")

// fronts is what a write loop has told a peer of the frontier.
type fronts struct {
	version    uint64 // of the set
	f          uint64
	everywhere uint64
	t, at      uint64 // everything up to t is in our log before number at; told once the peer is sent that
	asked      uint64 // the last round of the frontier that a sync was asked for
}

// Stable returns up to which time of stamps every member has every change, 0
// if that is not known of any.
func (m *Mesh) Stable() uint64 {
	return guarded(m.frontier.Stable())
}

// Present returns what Stable does, for the members of now: it falls when there is a
// new one.
func (m *Mesh) Present() uint64 { return guarded(m.frontier.Present()) }

func guarded(t uint64) uint64 {
	if lag := cache.StampAt(ClockGuard.Milliseconds(), 0).Time; t > lag {
		return t - lag
	}
	return 0
}

// Owns reports whether this node sees to what a writer wrote: because it is
// the writer, or because that is not linked and no linked peer comes first.
func (m *Mesh) Owns(writer cache.NodeID) bool {
	if writer == m.c.Node {
		return true
	}
	for _, p := range m.linked() {
		if l := p.link(); l != nil {
			if n := cache.NodeID(l.peerHello.Node); n == writer || n < m.c.Node {
				return false
			}
		}
	}
	return true
}

// counts makes a link's peer a member before anything is sent to it, and looks
// whether it has taken the address of another, which then has ended.
func (m *Mesh) counts(l *link) error {
	id := cache.NodeID(l.peerHello.ID)
	if a := l.dialable(); a != "" {
		m.mu.Lock()
		old := m.seats[a]
		if m.seats[a] = id; len(m.seats) > maxMembers {
			clear(m.seats)
		}
		m.mu.Unlock()
		if old != 0 && old != id {
			m.frontier.Died(old)
		}
	}
	if !m.frontier.Linked(id, l.peerHello.Receive) {
		return errDead
	}
	return nil
}

// front appends what the peer is to know of our frontier. It comes behind the
// changes and whatever else was looked up before: a peer that hears of F has
// been sent nothing that F has overtaken.
func (l *link) front(buf []byte, nextRead uint64) []byte {
	if !l.frontDue.Swap(false) || l.peerHello.Version < frontVersion {
		return buf
	}
	t, f := &l.told.fronts, l.m.frontier
	set, frontier, everywhere, version := f.Set()
	if l.lending() {
		frontier, everywhere = t.f, t.everywhere
	}
	if t.version != version {
		t.version = version
		buf = appendReckon(buf, set)
	}
	t.f, t.everywhere = frontier, everywhere
	buf = appendHeader(buf, frameFront, 24)
	buf = binary.BigEndian.AppendUint64(buf, l.settled(nextRead))
	buf = binary.BigEndian.AppendUint64(buf, frontier)
	return binary.BigEndian.AppendUint64(buf, everywhere)
}

// toldReckon reports whether the peer has been told whom this node reckons
// with, and sees to it that it is.
func (l *link) toldReckon() bool {
	if _, version := l.m.frontier.F(); l.peerHello.Version < frontVersion || l.told.fronts.version == version {
		return true
	}
	l.frontDue.Store(true)
	l.wake()
	return false
}

// settled returns the time up to which the peer has been sent all that this
// node wrote, 0 if that has not moved.
func (l *link) settled(nextRead uint64) (t uint64) {
	s := &l.told.fronts
	if l.m.c.Clock == nil || nextRead == 0 {
		return 0
	}
	if s.at != 0 && nextRead < s.at {
		return 0
	}
	if s.at != 0 {
		t = s.t
	}
	s.t = l.m.c.Clock.Settled(l.m.c.Now().UnixMilli())
	s.at = l.m.c.Log.Next()
	if nextRead >= s.at {
		t = s.t
	}
	return t
}

// lending reports whether something that was looked up in a region has not
// been written to the connection yet.
func (l *link) lending() bool {
	if l.lent.Load() != 0 || len(l.bulk) > 0 {
		return true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.queue) > 0
}

func appendReckon(buf []byte, set []converge.Member) []byte {
	p := make([]byte, 0, 10*len(set))
	for _, m := range set {
		p = binary.BigEndian.AppendUint64(p, uint64(m.ID))
		p = append(p, byte(m.Standing), 0)
		if m.Receives {
			p[len(p)-1] = 1
		}
	}
	return appendFrame(buf, frameReckon, p)
}

// takeReckon: whom the peer reckons with.
func (l *link) takeReckon(s *scan) error {
	if len(s.s)%10 != 0 || len(s.s)/10 > converge.MaxMembers {
		s.bad = true
		return s.err(frameReckon)
	}
	set := make([]converge.Member, 0, len(s.s)/10)
	for s.s != "" {
		m := converge.Member{ID: cache.NodeID(s.uint64())}
		flags := s.take(2)
		m.Standing, m.Receives = converge.Standing(flags[0]), flags[1] == 1
		if m.Standing > converge.Gone {
			return protocolErrorf("a member of standing %d", m.Standing)
		}
		set = append(set, m)
	}
	l.m.frontier.Reckons(l.peer.id, set)
	l.m.census() // before a lease that comes after it
	l.m.bury()
	return nil
}

// takeFront: how far the peer has come.
func (l *link) takeFront(s *scan) error {
	t, f, everywhere := s.uint64(), s.uint64(), s.uint64()
	if err := s.err(frameFront); err != nil {
		return err
	}
	l.m.frontier.Told(l.peer.id, f, everywhere)
	if t != 0 && l.m.c.Clock != nil {
		l.m.c.Clock.Observe(l.m.c.Now().UnixMilli(), cache.Stamp{Time: t})
		l.m.frontier.Heard(l.peer.id, t)
	}
	if s, ok := l.m.c.Directory.(*Suspicion); ok && t != 0 { // the first on a link comes behind all that the log had for us
		s.caughtUp(l.peer.id)
	}
	return nil
}

// neverLinked reports whether there is a member, by what others say, that this node
// never had a link with.
func (m *Mesh) neverLinked() bool {
	set, _, _, _ := m.frontier.Set()
	for _, o := range set {
		if o.ID == m.c.ID || o.Standing != converge.Counting {
			continue
		}
		m.mu.Lock()
		p := m.peers[o.ID]
		m.mu.Unlock()
		if p == nil || !p.wasLinked() {
			return true
		}
	}
	return false
}

// unmet returns somebody who is expected, because a configured address names it or
// discovery believes in it, and who never had a link; nil if there is none.
func (m *Mesh) unmet() *Peer {
	for _, p := range m.c.Directory.Peers() {
		if p.ID == 0 || !m.frontier.Counts(p.ID) {
			return &p
		}
	}
	return nil
}

// awaitUnmet has the frontier wait for who is expected. Every link asks for it
// with each of its beats; twice in the time of one is enough for all.
func (m *Mesh) awaitUnmet() {
	last, now := m.looked.Load(), int64(m.Age())
	if last != 0 && now-last < int64(m.c.Heartbeat/2) || !m.looked.CompareAndSwap(last, max(now, 1)) {
		return
	}
	m.frontier.Await(m.unmet() != nil)
	m.apart.Store(m.neverLinked())
}

// wantRound asks for a round of syncs if the frontier waits for one.
func (l *link) wantRound() {
	l.m.awaitUnmet()
	t := &l.told.fronts
	if l.m.frontier.Wants(l.peer.id, t.asked) {
		t.asked = l.m.frontier.Round()
		l.syncShared()
	}
}

// forgetSilent takes members out of the frontier that had no link for the
// whole retention: nothing that they hold is valid any more. With strict
// regions none is taken out, since it may go on removing; see Forget.
func (m *Mesh) forgetSilent(ctx context.Context) error {
	tick := time.NewTicker(m.c.Retention / 100)
	defer tick.Stop()
	silent := map[cache.NodeID]time.Time{}
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if m.leases.want.Load() != 0 {
			continue
		}
		set, _, _, _ := m.frontier.Set()
		linked := map[cache.NodeID]bool{m.c.ID: true}
		for _, p := range m.linked() {
			linked[p.id] = true
		}
		for _, s := range set {
			since, known := silent[s.ID]
			switch {
			case linked[s.ID]:
				delete(silent, s.ID)
			case !known:
				silent[s.ID] = time.Now()
			case time.Since(since) > m.c.Retention:
				m.frontier.Forget(s.ID)
				delete(silent, s.ID)
			}
		}
	}
}
