// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/binary"
	"fmt"
	"maps"
	"time"

	"lateral/cache"
	"lateral/changelog"
)

// asked is a peer's wish for a lease.
type asked struct{ sent, lease uint64 }

func (l *link) takeAsk(s *scan) error {
	a := &asked{sent: s.uint64(), lease: s.uint64()}
	if err := s.err(frameAsk); err != nil {
		return err
	}
	if a.lease > uint64(MaxLease) || a.lease == 0 {
		return protocolErrorf("a lease of %d ns is asked for, at most %d are granted", a.lease, MaxLease)
	}
	if l.peerHello.Receive {
		l.wanted.Store(a)
		l.wake()
	}
	return nil
}

// asks appends the frame that asks for a lease. The time in it is when ours
// begins to count.
func (l *link) asks(buf []byte) []byte {
	buf = appendHeader(buf, frameAsk, 16)
	buf = binary.BigEndian.AppendUint64(buf, uint64(l.m.Age()))
	return binary.BigEndian.AppendUint64(buf, uint64(l.m.leases.want.Load()))
}

// grant appends the lease that the peer has asked for, once it has been sent
// every change and every hold that somebody here waits for.
func (l *link) grant(buf []byte, cur *changelog.Cursor) []byte {
	a := l.wanted.Load()
	if a == nil || cur == nil {
		return buf
	}
	s := &l.m.leases
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.members[l.peer.id]
	switch {
	case e == nil || e.link != l:
		return buf
	case cur.Seq() <= s.floor:
		return buf // more is to be read: we are back at once
	case !l.toldReckon():
		return buf // it is to count whom we count first
	}
	for n := range s.holds {
		if !l.toldHolds[n] {
			l.holdDue.Store(true)
			l.wake()
			return buf
		}
	}
	e.granted = max(e.granted, int64(l.m.Age())+int64(a.lease+a.lease/rateMargin))
	l.wanted.CompareAndSwap(a, nil)
	buf = appendHeader(buf, frameLease, 16)
	buf = binary.BigEndian.AppendUint64(buf, a.sent)
	return binary.BigEndian.AppendUint64(buf, a.lease)
}

// Fence makes every lease that is granted from now on one of a member that has
// been sent what was changed here until now.
func (m *Mesh) Fence() {
	m.leases.mu.Lock()
	m.fenceLocked()
	m.leases.mu.Unlock()
}

func (m *Mesh) fenceLocked() { m.leases.floor = max(m.leases.floor, m.Logged()) }

// Settle returns when nobody serves from memory what was removed here before
// the call: every member has acknowledged it, or the lease that it held from
// this node is over. Its error wraps cache.ErrUnsettled: a member is known
// that could not be linked yet, or ctx ended.
func (m *Mesh) Settle(ctx context.Context) error {
	s := &m.leases
	s.mu.Lock()
	m.fenceLocked()
	last, granted := s.floor, s.grantedLocked()
	s.mu.Unlock()
	if err := m.settle(ctx, granted, func(_ cache.NodeID, p *peer) bool { return p.acked.Load() >= last }); err != nil {
		return fmt.Errorf("%w: done here and on its way, but %w", cache.ErrUnsettled, err)
	}
	return nil
}

// grantedLocked says when the leases that members hold by now are over. What
// is granted later is granted to who has been sent what is waited for.
func (s *leases) grantedLocked() map[cache.NodeID]int64 {
	g := make(map[cache.NodeID]int64, len(s.members))
	for id, e := range s.members {
		g[id] = e.granted
	}
	return g
}

// patience is how long a member that is known and was never linked is waited
// for, besides its lease: as long as it takes to notice that a link is silent.
func (m *Mesh) patience() time.Duration {
	return time.Duration(m.leases.want.Load()) + m.c.LinkTimeout
}

func (m *Mesh) settle(ctx context.Context, granted map[cache.NodeID]int64, done func(id cache.NodeID, p *peer) bool) error {
	m.ackers.waiting.Add(1)
	defer m.ackers.waiting.Add(-1)
	giveUp := m.Age() + m.patience()
	for _, over := range granted {
		giveUp = max(giveUp, time.Duration(over)+1)
	}
	for {
		news := m.ackers.wait() // before looking, so that nothing is missed between
		next, who := m.unsettled(granted, done)
		now := m.Age()
		switch {
		case who == "":
			return nil
		case now >= giveUp:
			return fmt.Errorf("%s; see lateral mesh", who)
		}
		t := time.NewTimer(min(next, giveUp) - now)
		select {
		case <-news:
		case <-t.C:
		case <-ctx.Done():
			t.Stop()
			return fmt.Errorf("%s: %w", who, ctx.Err())
		}
		t.Stop()
	}
}

// unsettled names one of those who are waited for, "" if there is none, and
// says when waiting for time alone may have an end.
func (m *Mesh) unsettled(granted map[cache.NodeID]int64, done func(cache.NodeID, *peer) bool) (next time.Duration, who string) {
	m.mu.Lock()
	peers := maps.Clone(m.peers)
	m.mu.Unlock()
	s := &m.leases
	s.mu.Lock()
	defer s.mu.Unlock()
	now := m.Age()
	next = now + m.patience()
	if young := time.Duration(s.want.Load()); now < young {
		next, who = young, "this node has just started and may not have found all others"
	}
	if len(s.nameless) > 0 {
		who = "nothing has been reached at " + s.nameless[0] + ", which is configured"
	}
	for id, e := range s.members {
		over := time.Duration(granted[id])
		switch {
		case !e.counts() || !e.receive:
		case !e.met:
			who = fmt.Sprintf("%s/%s.%s is known and not linked yet", e.Host, e.Service, e.Endpoint)
		case over <= now || peers[id] != nil && done(id, peers[id]):
		default:
			next, who = min(next, over), fmt.Sprintf("%s/%s.%s has not acknowledged it", e.Host, e.Service, e.Endpoint)
		}
	}
	return next, who
}
