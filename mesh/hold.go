// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/binary"
	"fmt"

	"lateral/cache"
)

// A hold keeps a key out of every memory while its source changes. Without it
// one node could load the new value while another still serves the old one.
type hold struct {
	region, key string
	held        map[cache.NodeID]bool // members that said so
}

// maxHolds bounds how many keys one node may hold at a time.
const maxHolds = 4096

// A Holder is a Region whose keys can be held; see region.Region.
type Holder interface {
	Hold(now int64, key string)
	Release(now int64, key string)
}

// Hold returns when no other member has the key in memory, nor will have it
// until release is called: each has said so, or its lease is over. An error,
// which wraps cache.ErrUnsettled, means that nothing is held.
func (m *Mesh) Hold(ctx context.Context, region, key string) (release func(), err error) {
	s := &m.leases
	s.mu.Lock()
	if s.ending {
		s.mu.Unlock()
		return nil, cache.ErrClosed
	}
	if len(s.holds) >= maxHolds {
		s.mu.Unlock()
		return nil, fmt.Errorf("%w: %d keys are being updated already", cache.ErrUnsettled, maxHolds)
	}
	s.lastHold++
	n, h := s.lastHold, &hold{region: region, key: key, held: map[cache.NodeID]bool{}}
	s.holds[n] = h
	granted := s.grantedLocked()
	s.mu.Unlock()
	release = func() {
		s.mu.Lock()
		delete(s.holds, n)
		s.mu.Unlock()
		m.ackers.wake()
		m.tellHolds()
	}
	m.tellHolds()
	// done is asked with mu held.
	if err = m.settle(ctx, granted, func(id cache.NodeID, _ *peer) bool { return h.held[id] }); err != nil {
		release()
		return nil, fmt.Errorf("%w: nothing was changed, since %w", cache.ErrUnsettled, err)
	}
	return release, nil
}

func (m *Mesh) holding() bool {
	m.leases.mu.Lock()
	defer m.leases.mu.Unlock()
	return len(m.leases.holds) > 0
}

// endHolds lets no key be held any more and waits until none is, or ctx ends.
func (m *Mesh) endHolds(ctx context.Context) {
	m.leases.mu.Lock()
	m.leases.ending = true
	m.leases.mu.Unlock()
	m.ackers.waiting.Add(1)
	defer m.ackers.waiting.Add(-1)
	for {
		news := m.ackers.wait()
		if !m.holding() {
			return
		}
		select {
		case <-news:
		case <-ctx.Done():
			return
		}
	}
}

func (m *Mesh) tellHolds() {
	for _, p := range m.linked() {
		if l := p.link(); l != nil {
			l.holdDue.Store(true)
			l.wake()
		}
	}
}

// holds appends what the peer has not been told of the keys that are held.
func (l *link) holds(buf []byte) []byte {
	if l.peerHello.Version < leaseVersion || !l.peerHello.Receive {
		return buf
	}
	s := &l.m.leases
	s.mu.Lock()
	defer s.mu.Unlock()
	for n, h := range s.holds {
		if !l.toldHolds[n] {
			p := binary.BigEndian.AppendUint64(nil, n)
			buf = appendFrame(buf, frameHold, appendText(appendText(p, h.region), h.key))
			l.toldHolds[n] = true
		}
	}
	for n := range l.toldHolds {
		if s.holds[n] == nil {
			buf = binary.BigEndian.AppendUint64(appendHeader(buf, frameRelease, 8), n)
			delete(l.toldHolds, n)
		}
	}
	return buf
}

func (l *link) takeHold(s *scan) error {
	n, region, key := s.uint64(), s.text(cache.MaxRegion), s.text(cache.MaxKey)
	if err := s.err(frameHold); err != nil {
		return err
	}
	if _, twice := l.held[n]; twice || len(l.held) >= maxHolds {
		return protocolErrorf("hold %d, of %d", n, len(l.held))
	}
	release := func() {}
	if r, ok := l.m.c.Region(region); ok && l.m.c.Receive {
		if h, ok := r.(Holder); ok {
			h.Hold(l.m.c.Now().UnixMilli(), key)
			release = func() { h.Release(l.m.c.Now().UnixMilli(), key) }
		}
	}
	l.held[n] = release
	l.queueFrame(binary.BigEndian.AppendUint64(appendHeader(nil, frameHeld, 8), n))
	return nil
}

func (l *link) takeHeld(s *scan) error {
	n := s.uint64()
	if err := s.err(frameHeld); err != nil {
		return err
	}
	m := &l.m.leases
	m.mu.Lock()
	if h := m.holds[n]; h != nil {
		h.held[l.peer.id] = true
	}
	m.mu.Unlock()
	l.m.ackers.wake()
	return nil
}

func (l *link) takeRelease(s *scan) error {
	n := s.uint64()
	if err := s.err(frameRelease); err != nil {
		return err
	}
	if release := l.held[n]; release != nil {
		release()
		delete(l.held, n)
	}
	return nil
}

// releaseAll is called when the link is the peer's no more, and no lease of
// the peer either: what it held may be changing.
func (l *link) releaseAll() {
	for n, release := range l.held {
		release()
		delete(l.held, n)
	}
}
