// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"lateral/cache"
	"lateral/converge"
)

const (
	// window is how many frames of keys may be unanswered: enough to keep the
	// link busy, and the bound of what a peer can have us queue.
	window = 4
	// maxSyncWaiting is more than an honest peer can have waiting here: per
	// region a root or sums, the window of keys and as many wants.
	maxSyncWaiting = 4 * window
	// syncFrameSize is what a frame of keys or elements is filled to.
	syncFrameSize = 64 << 10
	// syncPatience is how long a peer may take to answer a step.
	syncPatience = 30 * time.Second
)

type syncFrame struct {
	t frameType
	s string
}

func (l *link) queueSync(t frameType, s string) error {
	select {
	case l.syncIn <- syncFrame{t, s}:
		return nil
	default:
		return fmt.Errorf("%w: more than %d unanswered frames of a sync", ErrProtocol, maxSyncWaiting)
	}
}

// serveSync is the loop of a link that answers the peer's syncs and begins our
// own rounds: when asked to (syncShared) and every SyncEvery, by the smaller id.
func (l *link) serveSync(ctx context.Context) {
	every := l.m.c.SyncEvery
	next := time.NewTimer(every/2 + rand.N(every))
	defer next.Stop()
	patience := time.NewTimer(syncPatience)
	defer patience.Stop()
	l.peer.mu.Lock()
	l.peer.rounds.again() // what a link before this one left undone
	l.peer.mu.Unlock()
	l.pokeSync()
	s := &syncer{l: l, ctx: ctx}
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.syncPoke:
		case <-patience.C:
			s.outOfPatience()
		case <-next.C:
			if l.own.ID < l.peerHello.ID {
				l.syncShared()
			}
			next.Reset(every/2 + rand.N(every))
		case f := <-l.syncIn:
			if err := s.handle(f); err != nil {
				l.end(err)
				return
			}
		}
		if err := s.progress(); err != nil {
			l.end(err)
			return
		}
		if d, ok := s.patience(); ok {
			patience.Reset(d)
		} else {
			patience.Stop()
		}
	}
}

// A syncer is the state of a link's syncs: one that we asked for at a time, and
// one that the peer asked for. It belongs to the serveSync loop.
type syncer struct {
	l      *link
	ctx    context.Context
	round  *round      // ours
	their  *theirRound // the peer's
	syncs  uint64      // number of our last sync on this link
	ours   *asking
	theirs *answering
}

// asking is a sync of one region that this side started.
type asking struct {
	r       Region
	n       uint64
	listing converge.Listing
	buckets []int // still to be listed to the peer
	open    int   // frames of keys not answered yet
}

// answering is a sync of one region that the peer started.
type answering struct {
	r       Region
	n       uint64
	listing converge.Listing
}

// compare begins the sync of a region.
func (s *syncer) compare(r Region) error {
	s.syncs++
	s.ours = &asking{r: r, n: s.syncs}
	s.l.m.counters.syncs.Add(1)
	root := r.Digest().Root()
	return s.send(frameRoot, appendSum(appendText(binary.AppendUvarint(nil, s.syncs), r.Name()), root))
}

// answerTo begins a frame of a sync.
func answerTo(n uint64) []byte { return binary.AppendUvarint(nil, n) }

func appendSum(b []byte, s converge.Sum) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, s[0]), s[1])
}

// send hands one frame to the write loop and waits until it took the last one.
func (s *syncer) send(t frameType, p []byte) error {
	s.l.m.counters.syncBytesOut.Add(int64(len(p)))
	select {
	case s.l.bulk <- appendFrame(nil, t, p):
		s.active(t == frameElements, true)
		s.l.wake()
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func (s *syncer) handle(f syncFrame) error {
	s.l.m.counters.syncBytesIn.Add(int64(len(f.s)))
	sc := &scan{s: f.s}
	switch f.t {
	case frameRound, frameEnd, frameEnded:
		return s.handleRound(f.t, sc)
	}
	n := sc.uvarint()
	if err := sc.err(f.t); err != nil {
		return err
	}
	switch f.t {
	case frameRoot, frameKeys, frameMine, frameDone:
		return s.handleAsker(f.t, n, sc)
	}
	if s.ours == nil || s.ours.n != n {
		return nil // an answer to a sync that was given up
	}
	s.active(true, false)
	switch o := s.ours; f.t {
	case frameWant:
		return s.give(o.r, sc)
	case frameSums:
		return s.compareSums(o, sc)
	case frameNext:
		return s.listKeys(o)
	}
	s.ours = nil // frameSame
	return nil
}

// handleAsker takes a frame of a sync that the peer started.
func (s *syncer) handleAsker(t frameType, n uint64, sc *scan) error {
	if s.their == nil {
		return fmt.Errorf("%w: a %s outside of a round", ErrProtocol, t)
	}
	s.active(false, true)
	if t == frameRoot {
		return s.compareRoots(n, sc)
	}
	a := s.theirs
	if a == nil || a.n != n {
		return fmt.Errorf("%w: a %s of sync %d, which was not agreed on", ErrProtocol, t, n)
	}
	switch t {
	case frameMine:
		return s.takeMine(a, sc)
	case frameKeys:
		return s.compareKeys(a, sc)
	}
	s.theirs = nil // frameDone
	return nil
}

// compareRoots answers the first step: done, or our bucket sums.
func (s *syncer) compareRoots(n uint64, sc *scan) error {
	name := sc.text(cache.MaxRegion)
	root := converge.Sum{sc.uint64(), sc.uint64()}
	if err := sc.err(frameRoot); err != nil {
		return err
	}
	r, ok := s.l.m.c.Region(name)
	if !ok || r.Digest() == nil || r.Digest().Root() == root {
		return s.send(frameSame, answerTo(n))
	}
	s.theirs = &answering{r: r, n: n}
	return s.send(frameSums, appendSums(answerTo(n), r.Digest().Sums()))
}

// appendSums writes the sums of the buckets that hold something.
func appendSums(b []byte, sums []converge.Sum) []byte {
	for i, s := range sums {
		if !s.IsZero() {
			b = appendSum(binary.AppendUvarint(b, uint64(i)), s)
		}
	}
	return b
}

func readSums(sc *scan) ([]converge.Sum, error) {
	sums := make([]converge.Sum, converge.Buckets)
	for sc.s != "" && !sc.bad {
		i := sc.uvarint()
		if i >= converge.Buckets {
			return nil, fmt.Errorf("%w: bucket %d of %d", ErrProtocol, i, converge.Buckets)
		}
		sums[i] = converge.Sum{sc.uint64(), sc.uint64()}
	}
	return sums, sc.err(frameSums)
}

// compareSums is the asker's second step: it answers with its own sums and
// starts to list the keys of the buckets that differ.
func (s *syncer) compareSums(o *asking, sc *scan) error {
	sums, err := readSums(sc)
	if err != nil || o.listing != nil {
		return err
	}
	own := o.r.Digest().Sums()
	o.buckets = converge.Differ(own, sums)
	o.listing = converge.List(o.r.Digest(), o.r, o.buckets)
	if err := s.send(frameMine, appendSums(answerTo(o.n), own)); err != nil {
		return err
	}
	for o.open < window && s.ours == o {
		more := len(o.buckets) > 0
		o.open++
		if err := s.listKeys(o); err != nil || !more {
			return err
		}
	}
	return nil
}

// takeMine is the answerer's: it lists the buckets that differ for itself. The
// sums may have moved since ours were sent; a few buckets too many or too few
// do no harm, the next sync sees what is left.
func (s *syncer) takeMine(a *answering, sc *scan) error {
	sums, err := readSums(sc)
	if err == nil {
		a.listing = converge.List(a.r.Digest(), a.r, converge.Differ(a.r.Digest().Sums(), sums))
	}
	return err
}
