// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"encoding/binary"
	"fmt"
	"time"

	"lateral/converge"
)

// A round is one comparison of all replicated regions with a peer, one after
// the other. It is complete when every region of this node that is replicated
// when the round begins has been compared, what differed has been merged here,
// and the peer has said that it has merged what it lacked. Then
//
//   - this node holds, of all of these regions, whatever the peer held when the
//     round began here, or something newer in its place; and
//   - the peer holds likewise what this node held then.
//
// Anything else does not complete it: a link that ends, or a peer that does
// not answer for syncPatience, ends the round, and another is begun as soon as
// there is a link again. Nobody begins a round while one of the other side is
// getting on, since most of what it would find is being brought together
// already; of two that cross on their way the one of the smaller id goes on,
// and the other is begun again after it.
//
// A region that is made during a round, or later, is not covered by it:
// RegionsChanged asks for another. With a peer where one side does not receive
// nothing is shared, so a round is complete as soon as it has begun, without a
// frame.
//
// rounds counts the rounds with a peer over all its links.
type rounds struct {
	begun, done uint64            // numbers of the last round that this node began, and of the last that is complete
	asked       uint64            // a round of at least this number is wanted
	regions     map[string]uint64 // compared by the last complete round, and its number

	// through is, of the peer's own rounds, up to where in its log the last
	// complete one reached: this node holds all that the peer held when the
	// next number of its log was that.
	through uint64
}

// ask has a round begin after now and returns its number at least.
func (r *rounds) ask() uint64 {
	r.asked = r.begun + 1
	return r.asked
}

// again asks for a round at the begin of a link: if one that was asked for is
// not complete, or, unless what is read of the peer's log is about to ask for
// it, if none has ever been.
func (r *rounds) again(announced bool) {
	if r.asked > r.done || r.done == 0 && !announced {
		r.ask()
	}
}

// syncBegun returns the number of the last round that began. A caller that
// has noted it waits for one that begins later by syncedSince.
func (p *peer) syncBegun() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rounds.begun
}

// syncedSince reports whether a round that began after syncBegun returned n is
// complete. Who waits for it listens to news.
func (p *peer) syncedSince(n uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rounds.done > n
}

// syncedRegion returns the number of the last complete round if it compared
// this region, else 0.
func (p *peer) syncedRegion(name string) uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rounds.regions[name]
}

// heldThrough returns up to which number of the peer's log, not included, this
// node holds everything as of the peer's own rounds.
func (p *peer) heldThrough() uint64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rounds.through
}

// wants reports whether a round is to begin, and which.
func (r *rounds) wants() (uint64, bool) { return r.begun + 1, r.asked > r.begun }

// complete notes that a round is complete and wakes who waits for that.
func (p *peer) complete(n, lost uint64, regions []Region) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.healed = max(p.healed, lost)
	p.rounds.done = n
	p.rounds.regions = make(map[string]uint64, len(regions))
	for _, r := range regions {
		p.rounds.regions[r.Name()] = n
	}
	p.announceLocked()
}

// a round that this side began.
type round struct {
	n       uint64
	all     []Region
	wanted  []part          // of them, not yet begun
	fills   Region          // of which so much differs that it is filled
	refused map[string]bool // regions that the peer does not fill
	front   uint64          // see converge.Frontier.Round
	lost    uint64          // up to where the peer had missed changes of our log when it began
	ended   bool            // all are compared; what remains is that the peer says so
	heard   time.Time       // when it began, or when a frame of it came last
}

// a round that the peer began.
type theirRound struct {
	n, next uint64
	front   uint64
	lost    uint64 // as of a round
	heard   time.Time
	late    bool // it has made no progress for syncPatience: ours need not wait for it
}

// syncShared asks for a round that begins after now, soon, even if another is
// under way, and returns its number at least.
func (l *link) syncShared() uint64 {
	l.peer.mu.Lock()
	n := l.peer.rounds.ask()
	l.peer.mu.Unlock()
	l.pokeSync()
	return n
}

func (l *link) pokeSync() {
	select {
	case l.syncPoke <- struct{}{}:
	default:
	}
}

// beginRound begins a round if one is wanted and nothing stands in its way.
func (s *syncer) beginRound() error {
	p := s.l.peer
	if s.yields() {
		return nil
	}
	p.mu.Lock()
	n, due := p.rounds.wants()
	if due {
		p.rounds.begun = n
	}
	lost := p.lost.to
	p.mu.Unlock()
	if !due {
		return nil
	}
	front := s.l.m.frontier.Round()
	if !s.l.m.c.Receive || !s.l.peerHello.Receive {
		s.l.m.frontier.Synced(p.id, front)
		p.complete(n, lost, nil)
		return nil
	}
	s.deferred = false
	s.round = &round{n: n, front: front, lost: lost, heard: time.Now(), refused: map[string]bool{}}
	for _, r := range s.l.m.c.Regions() {
		if r.Digest() != nil {
			s.round.all = append(s.round.all, r)
			s.round.wanted = append(s.round.wanted, part{r, converge.All})
		}
	}
	return s.send(frameRound, binary.BigEndian.AppendUint64(binary.AppendUvarint(nil, n), s.l.m.c.Log.Next()))
}

// yields reports whether a round of the peer goes first.
func (s *syncer) yields() bool {
	return s.deferred || s.their != nil && !s.their.late
}

// progress goes on with our round as far as it goes without the peer.
func (s *syncer) progress() error {
	if s.round != nil && s.ours == nil && len(s.round.wanted) > 0 {
		p := s.round.wanted[0]
		if p.g == converge.All {
			if t, err := s.fill(p.r); t != compares || err != nil {
				return err
			}
		}
		s.round.wanted = s.round.wanted[1:]
		return s.compare(p)
	}
	if o := s.round; o != nil && s.ours == nil && !o.ended {
		o.ended = true
		return s.send(frameEnd, binary.AppendUvarint(nil, o.n))
	}
	if s.round == nil {
		if err := s.beginRound(); err != nil || s.round == nil {
			return err
		}
		return s.progress()
	}
	return nil
}

// patience returns how long the peer may still be silent before outOfPatience
// has something to do; ok is false while nothing is waited for.
func (s *syncer) patience() (d time.Duration, ok bool) {
	switch {
	case s.round != nil && (s.ours != nil || s.round.ended):
		// One want may be answered with gigabytes of elements.
		heard := max(s.round.heard.UnixNano(), s.l.syncHeard.Load())
		return syncPatience - time.Since(time.Unix(0, heard)), true
	case s.their != nil && !s.their.late:
		return syncPatience - time.Since(s.their.heard), true
	case s.deferred:
		return syncPatience, true
	}
	return 0, false
}

// outOfPatience gives up a round of ours that the peer does not answer and has
// it begun again, or no longer waits for one of the peer.
func (s *syncer) outOfPatience() {
	switch d, ok := s.patience(); {
	case s.deferred && s.round == nil && s.their == nil:
		s.deferred = false
	case !ok || d > 0:
	case s.round == nil || s.ours == nil && !s.round.ended:
		s.their.late = true
	default:
		s.l.m.c.Logger.Warn("a peer does not answer in a sync: it is begun again", "peer", s.l.name(), "silent", syncPatience)
		s.dropRound()
	}
}

// dropRound gives up a round of ours, if one is under way, and has it begun
// again.
func (s *syncer) dropRound() {
	if s.round == nil {
		return
	}
	s.round, s.ours = nil, nil
	s.l.m.fills.lost(s.l)
	s.l.m.pokeSyncs()
	s.l.syncShared()
}

// active notes that the rounds are getting on: ours, the peer's, or both.
func (s *syncer) active(ours, theirs bool) {
	now := time.Now()
	if ours && s.round != nil {
		s.round.heard = now
	}
	if theirs && s.their != nil {
		s.their.heard, s.their.late = now, false
	}
}

// handleRound takes the frames that frame a round.
func (s *syncer) handleRound(t frameType, sc *scan) error {
	n := sc.uvarint()
	switch t {
	case frameRound:
		next := sc.uint64()
		if err := sc.err(t); err != nil {
			return err
		}
		s.crossed = s.round != nil && s.l.own.ID < s.l.peerHello.ID
		if s.their, s.theirs = nil, nil; s.crossed {
			return nil // the peer is about to see that ours goes first
		}
		s.dropRound()
		s.l.peer.mu.Lock()
		lost := s.l.peer.lost.to
		s.l.peer.mu.Unlock()
		s.their = &theirRound{n: n, next: next, lost: lost, front: s.l.m.frontier.Round(), heard: time.Now()}
	case frameEnd:
		if err := sc.err(t); err != nil || s.crossed {
			return err
		}
		if s.their == nil || s.their.n != n {
			return fmt.Errorf("%w: the end of round %d, which has not begun", ErrProtocol, n)
		}
		p := s.l.peer
		if s.their.next >= p.replayed.Load() { // else it began before the peer fixed what it replays
			s.l.m.frontier.Synced(p.id, s.their.front)
		}
		p.mu.Lock()
		p.rounds.through = s.their.next
		p.healed = max(p.healed, s.their.lost)
		p.announceLocked()
		p.mu.Unlock()
		s.their, s.theirs, s.deferred = nil, nil, false
		return s.send(frameEnded, binary.AppendUvarint(nil, n))
	case frameEnded:
		if err := sc.err(t); err != nil {
			return err
		}
		if o := s.round; o != nil && o.ended && o.n == n {
			s.round = nil
			s.l.m.fills.compared(o.all)
			s.l.m.frontier.Synced(s.l.peer.id, o.front)
			s.l.peer.complete(n, o.lost, o.all)
		}
	}
	return nil
}
