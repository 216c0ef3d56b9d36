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

// syncShared asks for a sync of every replicated region, soon.
func (l *link) syncShared() {
	l.syncDue.Store(true)
	select {
	case l.syncPoke <- struct{}{}:
	default:
	}
}

// serveSync is the loop of a link that answers the peer's syncs and starts our
// own: when asked to (syncShared) and every SyncEvery, by the smaller id.
func (l *link) serveSync(ctx context.Context) {
	every := l.m.c.SyncEvery
	next := time.NewTimer(every/2 + rand.N(every))
	defer next.Stop()
	s := &syncer{l: l, ctx: ctx, theirs: map[string]*answering{}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-l.syncPoke:
		case <-next.C:
			if l.own.ID < l.peerHello.ID {
				l.syncDue.Store(true)
			}
			next.Reset(every/2 + rand.N(every))
		case f := <-l.syncIn:
			if err := s.handle(f); err != nil {
				l.end(err)
				return
			}
		}
		if l.syncDue.Swap(false) {
			s.wanted = s.wanted[:0]
			for _, r := range l.m.c.Regions() {
				if r.Digest() != nil && l.m.c.Receive && l.peerHello.Receive {
					s.wanted = append(s.wanted, r)
				}
			}
		}
		if err := s.startNext(); err != nil {
			l.end(err)
			return
		}
	}
}

// A syncer is the state of a link's syncs: one that we asked for at a time, and
// those that the peer asked for. It belongs to the serveSync loop.
type syncer struct {
	l      *link
	ctx    context.Context
	wanted []Region
	ours   *asking
	theirs map[string]*answering
}

// asking is a sync that this side started.
type asking struct {
	r       Region
	since   time.Time
	listing converge.Listing
	buckets []int // still to be listed to the peer
	open    int   // frames of keys not answered yet
}

// answering is a sync that the peer started.
type answering struct {
	r       Region
	listing converge.Listing
}

func (s *syncer) startNext() error {
	if o := s.ours; o != nil {
		// One frame of keys may be answered with gigabytes of elements.
		heard := time.Unix(0, max(o.since.UnixNano(), s.l.syncHeard.Load()))
		if time.Since(heard) < syncPatience {
			return nil
		}
	}
	if len(s.wanted) == 0 {
		return nil
	}
	r := s.wanted[0]
	s.wanted = s.wanted[1:]
	s.ours = &asking{r: r, since: time.Now()}
	s.l.m.counters.syncs.Add(1)
	root := r.Digest().Root()
	p := appendText(nil, r.Name())
	return s.send(frameRoot, appendSum(p, root))
}

func appendSum(b []byte, s converge.Sum) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, s[0]), s[1])
}

// send hands one frame to the write loop and waits until it took the last one.
func (s *syncer) send(t frameType, p []byte) error {
	s.l.m.counters.syncBytesOut.Add(int64(len(p)))
	select {
	case s.l.bulk <- appendFrame(nil, t, p):
		s.l.wake()
		return nil
	case <-s.ctx.Done():
		return s.ctx.Err()
	}
}

func (s *syncer) handle(f syncFrame) error {
	sc := &scan{s: f.s}
	name := sc.text(cache.MaxRegion)
	if err := sc.err(f.t); err != nil {
		return err
	}
	s.l.m.counters.syncBytesIn.Add(int64(len(f.s)))
	switch f.t {
	case frameRoot:
		return s.compareRoots(name, sc)
	case frameKeys:
		return s.compareKeys(name, sc)
	case frameWant:
		return s.give(name, sc)
	case frameMine:
		return s.takeMine(name, sc)
	case frameDone:
		delete(s.theirs, name)
		return nil
	}
	o := s.ours
	if o == nil || o.r.Name() != name {
		return nil // an answer to a sync that was given up
	}
	o.since = time.Now()
	switch f.t {
	case frameSums:
		return s.compareSums(o, sc)
	case frameNext:
		return s.listKeys(o)
	}
	s.ours = nil // frameSame
	return nil
}

// compareRoots answers the first step: done, or our bucket sums.
func (s *syncer) compareRoots(name string, sc *scan) error {
	root := converge.Sum{sc.uint64(), sc.uint64()}
	if err := sc.err(frameRoot); err != nil {
		return err
	}
	r, ok := s.l.m.c.Region(name)
	if !ok || r.Digest() == nil || !s.l.m.c.Receive || r.Digest().Root() == root {
		return s.send(frameSame, appendText(nil, name))
	}
	if len(s.theirs) >= maxNames {
		return fmt.Errorf("%w: syncs of more than %d regions at once", ErrProtocol, maxNames)
	}
	s.theirs[name] = &answering{r: r}
	return s.send(frameSums, appendSums(appendText(nil, name), r.Digest().Sums()))
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
	if err := s.send(frameMine, appendSums(appendText(nil, o.r.Name()), own)); err != nil {
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
func (s *syncer) takeMine(name string, sc *scan) error {
	sums, err := readSums(sc)
	if a := s.theirs[name]; a != nil && err == nil {
		a.listing = converge.List(a.r.Digest(), a.r, converge.Differ(a.r.Digest().Sums(), sums))
	}
	return err
}
