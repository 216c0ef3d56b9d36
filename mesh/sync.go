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
	// window is how many frames of keys or wants may be unanswered: enough to
	// keep the link busy.
	window = 4
	// maxSyncWaiting and maxSyncBytes are more than an honest peer can have
	// waiting here: as asker a root or hashes and the window of wants, as
	// answerer a sketch and the window of keys with their ends.
	maxSyncWaiting = 4 * window
	maxSyncBytes   = 2 * maxSketch
	// syncFrameSize is what a frame of keys, wants or elements is filled to.
	syncFrameSize = 64 << 10
	// syncPatience is how long a peer may take to answer a step.
	syncPatience = 30 * time.Second
)

type syncFrame struct {
	t frameType
	s string
}

func (l *link) queueSync(t frameType, s string) error {
	if n := l.syncWaiting.Add(int64(len(s))); n > maxSyncBytes {
		return fmt.Errorf("%w: %d bytes of unanswered frames of a sync", ErrProtocol, n)
	}
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
	// What a link before this one left undone. With a peer that was never met
	// a round has to begin behind its replay or gap, so these ask for it.
	l.peer.rounds.again(!l.peer.met.Load() && l.peerHello.Version >= frontVersion && l.m.c.Receive && l.peerHello.Receive)
	l.peer.mu.Unlock()
	defer l.m.pokeSyncs()
	defer l.m.fills.lost(l)
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
			l.syncWaiting.Add(-int64(len(f.s)))
			l.lent.Add(1)
			err := s.handle(f)
			l.lent.Add(-1)
			if err != nil {
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

	crossed  bool // the peer's last round crossed one of ours, which goes first
	deferred bool // the peer has to have a round of its own first
}

// send hands one frame to the write loop and waits until it took the last one.
func (s *syncer) send(t frameType, p []byte) error {
	s.sent(t, len(p))
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
	s.received(f.t, len(f.s))
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
	case frameRoot, frameWhich, frameOn, frameWant, frameFill:
		return s.answer(f.t, n, sc)
	}
	o := s.ours
	if o == nil || o.n != n {
		return nil // an answer to a sync that was given up
	}
	s.active(true, false)
	switch f.t {
	case frameCells:
		return s.takeCells(o, sc)
	case frameKeys:
		return s.takeKeys(o, sc)
	case frameNext:
		return s.takeNext(o)
	case frameShare:
		return s.takeShare(o, sc)
	case frameLater:
		return s.takeLater(o)
	}
	s.over() // frameSame
	return nil
}

// ofSync begins a frame of a sync.
func ofSync(n uint64) []byte { return binary.AppendUvarint(nil, n) }

func appendSum(b []byte, s converge.Sum) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, s[0]), s[1])
}

func appendWords(b []byte, words []uint64) []byte {
	for _, w := range words {
		b = binary.BigEndian.AppendUint64(b, w)
	}
	return b
}

// readWords takes the rest of a frame as words, at most so many.
func readWords(sc *scan, most int) []uint64 {
	if len(sc.s)%8 != 0 || len(sc.s)/8 > most {
		sc.bad = true
		return nil
	}
	out := make([]uint64, len(sc.s)/8)
	for i := range out {
		out[i] = sc.uint64()
	}
	return out
}

func appendEntry(b []byte, e converge.Entry) []byte {
	b = appendText(b, e.Key)
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, e.Stamp.Time), uint64(e.Stamp.Node))
}

func readEntry(sc *scan) converge.Entry {
	return converge.Entry{Key: sc.text(cache.MaxKey), Stamp: cache.Stamp{Time: sc.uint64(), Node: cache.NodeID(sc.uint64())}}
}
