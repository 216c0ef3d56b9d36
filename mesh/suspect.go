// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"sync"
	"sync/atomic"
	"time"

	"lateral/cache"
)

// A Suspicion is a Directory that knows since when its endpoint may have
// missed what peers changed: while a peer that it was linked with, and that
// did not say goodbye, has no link, and then until the new one has brought all
// that the peer had changed (caughtUp). A peer that discovery has forgotten is
// missed no longer after Settle: the mesh then empties what may be stale.
//
// The fields are set before it is handed to New. Asking takes no lock, but for
// once each time that a peer has settled.
type Suspicion struct {
	Directory
	// Settle is how long the mesh may take to learn whom discovery has forgotten.
	Settle time.Duration

	state  atomic.Pointer[suspect] // of all that are missed; nil: none is. Its until is when the first of them settles
	losses atomic.Uint64

	mu     sync.Mutex // guards what follows, and the writing of state
	missed map[cache.NodeID]suspect
}

// suspect says since when something may have been missed, and until when that
// is so; the zero time is: until further notice.
type suspect struct{ since, until time.Time }

func (s *suspect) over(now time.Time) bool { return !s.until.IsZero() && !now.Before(s.until) }

// Since returns when the first of the links went that are missed now; ok is
// false if none is.
func (s *Suspicion) Since() (since time.Time, ok bool) {
	p := s.state.Load()
	if p != nil && p.over(time.Now()) {
		s.mu.Lock()
		s.sum()
		p = s.state.Load()
		s.mu.Unlock()
	}
	if p == nil {
		return time.Time{}, false
	}
	return p.since, true
}

// Losses counts links that went without a goodbye. It may be one too large for
// a moment, while a goodbye is being taken.
func (s *Suspicion) Losses() uint64 { return s.losses.Load() }

// Linked hears of a link that came or went.
func (s *Suspicion) Linked(id cache.NodeID, up bool) {
	s.mu.Lock()
	d, missed := s.missed[id]
	switch {
	case !up:
		if !missed || d.over(time.Now()) {
			d.since = time.Now()
		}
		d.until = time.Time{}
		s.losses.Add(1)
		s.note(id, d)
	case missed && !d.until.IsZero(): // discovery believes in it again
		d.until = time.Time{}
		s.note(id, d)
	}
	s.mu.Unlock()
	s.Directory.Linked(id, up)
}

// caughtUp hears, on a link, that the peer has sent all that it has changed:
// a link is up before it has brought anything, and may fall silent then.
func (s *Suspicion) caughtUp(id cache.NodeID) {
	if s.state.Load() == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, missed := s.missed[id]; missed {
		delete(s.missed, id)
		s.sum()
	}
}

// Left hears of a goodbye, right after the link of who said it has gone.
// Discovery may have forgotten it in between, by its datagram.
func (s *Suspicion) Left(id cache.NodeID) {
	s.mu.Lock()
	if _, missed := s.missed[id]; missed {
		delete(s.missed, id)
		s.losses.Add(^uint64(0))
		s.sum()
	}
	s.mu.Unlock()
	s.Directory.Left(id)
}

// Peers returns whom discovery believes in. A peer that is missed and not
// among them is so for Settle longer, in which the mesh learns of it too.
func (s *Suspicion) Peers() []Peer {
	peers := s.Directory.Peers()
	if s.state.Load() == nil {
		return peers
	}
	believed := make(map[cache.NodeID]bool, len(peers))
	for _, p := range peers {
		believed[p.ID] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, d := range s.missed {
		if d.until.IsZero() && !believed[id] {
			d.until = time.Now().Add(s.Settle)
			s.note(id, d)
		}
	}
	return peers
}

// note and sum are called with mu held.
func (s *Suspicion) note(id cache.NodeID, d suspect) {
	if s.missed == nil {
		s.missed = map[cache.NodeID]suspect{}
	}
	s.missed[id] = d
	s.sum()
}

// sum forgets what is over and publishes the rest in one.
func (s *Suspicion) sum() {
	now := time.Now()
	var all *suspect
	for id, d := range s.missed {
		if d.over(now) {
			delete(s.missed, id)
			continue
		}
		if all == nil {
			all = &suspect{since: d.since, until: d.until}
		}
		if d.since.Before(all.since) {
			all.since = d.since
		}
		if all.until.IsZero() || !d.until.IsZero() && d.until.Before(all.until) {
			all.until = d.until
		}
	}
	s.state.Store(all)
}
