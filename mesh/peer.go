// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"lateral/cache"
)

// A peer is what this node remembers of another endpoint, beyond any one link.
type peer struct {
	m       *Mesh
	id      cache.NodeID
	touched time.Time // last looked up; guarded by Mesh.mu

	// adopting is held while one link takes the place of another: a channel,
	// since its holder waits for that to end, and who waits on a mutex is not
	// idle to synctest.
	adopting chan struct{}

	mu     sync.Mutex // guards what follows
	active *link
	known  hello             // its last hello
	row    row               // what it last said of its links
	heard  time.Time         // when it said so
	news   chan struct{}     // closed and replaced when active or acked changes
	left   bool              // its last link ended with a goodbye
	shares map[string]string // regions that it holds → mode
	lost   span              // changes of our log that it was told are a gap
	healed uint64            // up to where a complete round of syncs has made good for lost
	rounds rounds            // of syncs

	canary canary // how long changes take to get there

	met      atomic.Bool   // this node has followed its log
	received atomic.Uint64 // last change of its log that was applied here
	replayed atomic.Uint64 // up to where its log was replayed without values
	acked    atomic.Uint64 // last change of our log that it acknowledged
	skew     atomic.Int64  // its clock minus ours, ns, give or take half a round trip
}

func (p *peer) link() *link {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.active
}

// set makes l (or nothing) the peer's link and wakes who waits for that.
func (p *peer) set(l *link) {
	p.mu.Lock()
	p.active = l
	if l != nil {
		p.known, p.left = l.peerHello, false
		p.shares = map[string]string{}
		p.learnSharesLocked(l.peerHello.Regions)
	}
	p.announceLocked()
	p.mu.Unlock()
	p.m.ackers.wake()
}

// A span is the changes numbered from one up to but not including another.
type span struct{ from, to uint64 }

// skipped notes a gap in what the peer is sent. It acknowledges what comes
// after, and so, cumulatively, changes that it never had.
func (p *peer) skipped(from, to uint64) {
	p.mu.Lock()
	if p.lost.to == 0 {
		p.lost.from = from
	}
	p.lost.to = to
	p.mu.Unlock()
}

// hasLocked reports whether the peer has applied a change. Of what lies
// between two gaps it says no, which is safe.
func (p *peer) hasLocked(change uint64) bool {
	return p.acked.Load() >= change && (change < p.lost.from || change >= p.lost.to)
}

func (p *peer) announceLocked() {
	close(p.news)
	p.news = make(chan struct{})
}

// ack notes how far the peer has come.
func (p *peer) ack(seq uint64) {
	for {
		old := p.acked.Load()
		if seq <= old {
			return
		}
		if p.acked.CompareAndSwap(old, seq) {
			p.timed(old, seq)
			break
		}
	}
	p.mu.Lock()
	p.announceLocked()
	p.mu.Unlock()
	p.m.ackers.wake()
}

// waitAcked waits until the peer has acknowledged a change, its link is gone or
// ctx ends.
func (p *peer) waitAcked(ctx context.Context, seq uint64) bool {
	for {
		p.mu.Lock()
		news, active := p.news, p.active
		p.mu.Unlock()
		switch {
		case p.acked.Load() >= seq:
			return true
		case active == nil || !active.peerHello.Receive:
			return false
		}
		select {
		case <-news:
		case <-ctx.Done():
			return false
		}
	}
}

// waitGone waits until the peer has no link.
func (p *peer) waitGone(ctx context.Context) {
	for l := p.link(); l != nil && ctx.Err() == nil; l = p.link() {
		p.waitNext(ctx, l)
	}
}

// waitNext waits until the peer has another link than l, or none.
func (p *peer) waitNext(ctx context.Context, l *link) {
	for {
		p.mu.Lock()
		news, active := p.news, p.active
		p.mu.Unlock()
		if active != l {
			return
		}
		select {
		case <-news:
		case <-ctx.Done():
			return
		}
	}
}

// after waits for the link that comes after l, and returns nil if ctx ends first.
func (p *peer) after(ctx context.Context, l *link) *link {
	for {
		p.mu.Lock()
		news, active := p.news, p.active
		p.mu.Unlock()
		if active != nil && active != l {
			return active
		}
		select {
		case <-news:
		case <-ctx.Done():
			return nil
		}
	}
}

// adopt makes a link that has said hello the one link of its peer, or returns
// errDuplicate. Both sides decide alike without talking (prefer), so that of
// two links dialled at once the same one survives on both.
func (m *Mesh) adopt(l *link) error {
	p := m.peer(cache.NodeID(l.peerHello.ID))
	p.adopting <- struct{}{}
	defer func() { <-p.adopting }()
	old := p.link()
	if old != nil {
		m.counters.duplicates.Add(1)
		if !old.ended() && !prefer(l, old) {
			return errDuplicate
		}
		old.goaway(goaway{Reason: errDuplicate.Error(), Duplicate: true})
		<-old.done // its last change is applied before the new link says how far we are
	}
	if err := m.counts(l); err != nil {
		return err
	}
	if m.c.Linking != nil {
		m.c.Linking(l.peerHello.forgot(), p.meeting(old))
	}
	m.mu.Lock()
	defer m.mu.Unlock() // farewell misses none that is adopted before closing is set
	if m.closing {
		return cache.ErrClosed
	}
	m.peers[p.id], p.touched = p, time.Now()
	l.peer = p
	m.linkLease(p, l, false)
	p.set(l)
	return nil
}

// A Meeting says what was before a link with a peer.
type Meeting uint8

const (
	First    Meeting = iota // there never was one
	Instead                 // another one, whose place it takes
	AfterGap                // none for a while
)

// meeting is that of a link which is about to take the place of another, if that is not nil.
func (p *peer) meeting(old *link) Meeting {
	switch {
	case old != nil:
		return Instead
	case p.wasLinked():
		return AfterGap
	}
	return First
}

// prefer reports whether a new link is kept rather than the old one: the one
// dialled by the smaller id; of two dialled by the same side the later.
func prefer(l, old *link) bool {
	if l.bySmaller() != old.bySmaller() {
		return l.bySmaller()
	}
	return l.dialNumber() > old.dialNumber()
}
