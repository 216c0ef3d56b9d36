// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"

	"lateral/cache"
	"lateral/converge"
)

// answering is a sync that the peer started. Next to nothing is remembered of
// it: the peer drives.
type answering struct {
	part
	n     uint64
	salt  uint64
	found []converge.Entry // still to be listed
	ended bool             // all are listed
}

// answer takes a frame of a sync that the peer started.
func (s *syncer) answer(t frameType, n uint64, sc *scan) error {
	if s.crossed {
		return nil // of a round that the peer has given up by now
	}
	if s.their == nil {
		return fmt.Errorf("%w: a %s outside of a round", ErrProtocol, t)
	}
	s.active(false, true)
	switch t {
	case frameRoot:
		return s.compareSums(n, sc)
	case frameFill:
		return s.giveShare(n, sc)
	}
	a := s.theirs
	if a == nil || a.n != n {
		return fmt.Errorf("%w: a %s of sync %d, which was not agreed on", ErrProtocol, t, n)
	}
	switch t {
	case frameWhich:
		return s.find(a, sc)
	case frameOn:
		return s.list(a)
	}
	return s.give(a, sc)
}

// compareSums answers the first step: ours is the same, or our sketch.
func (s *syncer) compareSums(n uint64, sc *scan) error {
	name := sc.text(cache.MaxRegion)
	from, to := sc.uvarint(), sc.uvarint()
	level, salt := int(sc.byte()), sc.uint64()
	sum := converge.Sum{sc.uint64(), sc.uint64()}
	if err := sc.err(frameRoot); err != nil {
		return err
	}
	if from > to || to > converge.Buckets || level > converge.MaxLevel {
		return fmt.Errorf("%w: a sync of buckets %d to %d, of %d, by a sketch of level %d", ErrProtocol, from, to, converge.Buckets, level)
	}
	s.theirs = nil
	p := part{g: converge.Range{From: int(from), To: int(to)}}
	var ok bool
	if p.r, ok = s.l.m.c.Region(name); !ok || p.r.Digest() == nil || p.r.Digest().Sum(p.g) == sum {
		return s.send(frameSame, ofSync(n))
	}
	if s.l.m.fills.fresh(name) && s.l.m.empty(p.r) {
		// Our own round comes first, even if the peer has said the same of its:
		// by this both would wait.
		s.their, s.deferred = nil, false
		return s.send(frameLater, ofSync(n))
	}
	s.theirs = &answering{part: p, n: n, salt: salt}
	return s.send(frameCells, appendWords(append(ofSync(n), byte(level)), p.sketch(level, salt)))
}

// find looks for the elements that only we have, by their words.
func (s *syncer) find(a *answering, sc *scan) error {
	words := readWords(sc, converge.CellsOf(converge.MaxLevel))
	if err := sc.err(frameWhich); err != nil {
		return err
	}
	a.found, a.ended = converge.Find(a.r.Digest(), a.r, a.g, a.salt, words, offered(s.l.m.c.Now())), false
	for range window {
		if err := s.list(a); err != nil {
			return err
		}
	}
	return nil
}

// list sends one more frame of keys, or says that there are no more.
func (s *syncer) list(a *answering) error {
	if len(a.found) == 0 {
		if a.ended {
			return nil
		}
		a.ended, a.found = true, nil
		return s.send(frameNext, ofSync(a.n))
	}
	p := ofSync(a.n)
	for len(a.found) > 0 && len(p) < syncFrameSize {
		p = appendEntry(p, a.found[0])
		a.found = a.found[1:]
	}
	return s.send(frameKeys, p)
}

// give sends the elements that the peer lacks.
func (s *syncer) give(a *answering, sc *scan) error {
	var keys []string
	for sc.s != "" && !sc.bad {
		keys = append(keys, sc.text(cache.MaxKey))
	}
	if err := sc.err(frameWant); err != nil {
		return err
	}
	if err := s.sendElements(a.r, keys); err != nil {
		return err
	}
	return s.send(frameNext, ofSync(a.n))
}
