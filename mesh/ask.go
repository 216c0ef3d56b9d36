// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"lateral/cache"
	"lateral/converge"
)

// A part of a region is what one sync compares: all of it, unless so much
// differs that it has to be taken in pieces.
type part struct {
	r Region
	g converge.Range
}

// asking is a sync that this side started.
type asking struct {
	part
	n       uint64
	filling bool   // it is no sync, but a share of a fill
	level   int    // of the sketch that was asked for
	salt    uint64 // of it
	vain    int    // sketches that were equal though the sums were not

	mine   map[string]cache.Stamp // what only we have
	room   int                    // entries that the peer may still list
	listed bool                   // it has listed all
	wants  []string               // not asked for yet
	open   int                    // frames of wants not answered yet

	before Traffic // of the region, when it began
}

// firstLevel is of the sketch that is tried first, 1.5 KiB; each next one, if
// what differs is too much to decode, is 4 to 8 times as large.
const firstLevel = 6

var nextLevel = map[int]int{6: 8, 8: 11, 11: 14, 14: 17}

// maxVain is how many sketches may be equal, though the sums are not, until
// salted ones are compared: it is mostly that a change was under way.
const maxVain = 3

// compare begins the sync of a part.
func (s *syncer) compare(p part) error {
	s.syncs++
	o := &asking{part: p, n: s.syncs, level: firstLevel, before: s.l.m.Synced(p.r.Name())}
	s.l.m.moved(p.r.Name(), Traffic{Syncs: 1})
	if p.g != converge.All {
		o.deepen(converge.MaxLevel)
	}
	s.ours, s.round.heard = o, time.Now()
	s.l.m.counters.syncs.Add(1)
	return s.sendRoot(o)
}

// deepen has the next sketch be of that level. Beyond what a digest keeps it
// is made by a pass over the region, and salted: two words that are equal by
// chance then are so once.
func (o *asking) deepen(level int) {
	o.level = level
	if o.level > converge.KeptLevel || o.g != converge.All {
		o.salt = rand.Uint64() | 1
	}
}

func (s *syncer) sendRoot(o *asking) error {
	p := appendText(ofSync(o.n), o.r.Name())
	p = binary.AppendUvarint(binary.AppendUvarint(p, uint64(o.g.From)), uint64(o.g.To))
	p = binary.BigEndian.AppendUint64(append(p, byte(o.level)), o.salt)
	return s.send(frameRoot, appendSum(p, o.r.Digest().Sum(o.g)))
}

// sketch returns a part's sketch of a level.
func (p *part) sketch(level int, salt uint64) converge.Sketch {
	if salt == 0 && level <= converge.KeptLevel && p.g == converge.All {
		return p.r.Digest().Sketch(level)
	}
	return converge.SketchOf(p.r.Digest(), p.r, p.g, level, salt)
}

// takeCells compares the peer's sketch with ours.
func (s *syncer) takeCells(o *asking, sc *scan) error {
	level := int(sc.byte())
	cells := converge.Sketch(readWords(sc, converge.CellsOf(converge.MaxLevel)))
	if err := sc.err(frameCells); err != nil {
		return err
	}
	if level != o.level || len(cells) != converge.CellsOf(level) || o.mine != nil || o.filling {
		return fmt.Errorf("%w: a sketch of level %d with %d cells, asked for was level %d", ErrProtocol, level, len(cells), o.level)
	}
	cells.Minus(o.sketch(level, o.salt))
	theirs, mine, ok := cells.Decode()
	switch {
	case !ok:
		return s.tooMuch(o)
	case len(theirs)+len(mine) == 0:
		return s.inVain(o)
	}
	o.mine = make(map[string]cache.Stamp, len(mine))
	for _, e := range converge.Find(o.r.Digest(), o.r, o.g, o.salt, mine, offered(s.l.m.c.Now())) {
		o.mine[e.Key] = e.Stamp
	}
	if o.room = 2*len(theirs) + window; len(theirs) == 0 {
		return s.takeNext(o)
	}
	return s.send(frameWhich, appendWords(ofSync(o.n), theirs))
}

// offered says what a replica may offer its peers: not what it has only
// forgotten or is over its lifetime, which it could not send.
func offered(at time.Time) func(e *cache.Element) bool {
	now := at.UnixMilli()
	return func(e *cache.Element) bool {
		return e.State != cache.Forgotten && (e.State != cache.Live || !e.Attr.Expired(e.Stamp.UnixMilli(), e.Accessed, now))
	}
}

// tooMuch goes on with a larger sketch, or with pieces of the region.
func (s *syncer) tooMuch(o *asking) error {
	if next := nextLevel[o.level]; next != 0 {
		o.deepen(next)
		return s.sendRoot(o)
	}
	if o.g == converge.All && s.l.m.fills.fresh(o.r.Name()) && !s.round.refused[o.r.Name()] {
		s.round.fills, s.ours = o.r, nil
		s.round.wanted = append([]part{o.part}, s.round.wanted...)
		return nil
	}
	s.ours = nil
	if o.g.To-o.g.From < 2 {
		return fmt.Errorf("%w: more than %d elements differ in one of %d buckets", ErrProtocol, converge.CellsOf(o.level), converge.Buckets)
	}
	var parts []part
	for _, g := range o.g.Split(4) {
		if g.From < g.To {
			parts = append(parts, part{o.r, g})
		}
	}
	s.round.wanted = append(parts, s.round.wanted...)
	return nil
}

// inVain looks again where the sums differ and the sketches do not.
func (s *syncer) inVain(o *asking) error {
	if o.vain++; o.vain > maxVain {
		s.over()
		return nil
	}
	if o.vain == maxVain {
		o.salt = rand.Uint64() | 1
	}
	return s.sendRoot(o)
}

// takeKeys notes what is to be asked for of what the peer has.
func (s *syncer) takeKeys(o *asking, sc *scan) error {
	if o.mine == nil || o.listed {
		return fmt.Errorf("%w: keys that were not asked for", ErrProtocol)
	}
	for sc.s != "" && !sc.bad {
		e := readEntry(sc)
		if o.room--; o.room < 0 {
			return fmt.Errorf("%w: more keys than were asked for", ErrProtocol)
		}
		if !sc.bad && converge.Settle(o.r, o.mine, e) {
			o.wants = append(o.wants, e.Key)
		}
	}
	if err := sc.err(frameKeys); err != nil {
		return err
	}
	return s.send(frameOn, ofSync(o.n))
}

// takeNext goes on when a step is answered: all keys are listed, or one frame
// of wants is served.
func (s *syncer) takeNext(o *asking) error {
	if o.filling {
		s.filled(true)
		return nil
	}
	if o.mine == nil {
		return fmt.Errorf("%w: the end of what was not asked for", ErrProtocol)
	}
	first := !o.listed
	if o.listed = true; !first {
		o.open--
	}
	for o.open < window && len(o.wants) > 0 {
		if err := s.want(o); err != nil {
			return err
		}
	}
	if first {
		keys := make([]string, 0, len(o.mine))
		for k := range o.mine {
			keys = append(keys, k)
		}
		if err := s.sendElements(o.r, keys); err != nil {
			return err
		}
	}
	if o.open <= 0 && len(o.wants) == 0 {
		s.over()
	}
	return nil
}

// want asks for one frame of elements.
func (s *syncer) want(o *asking) error {
	p := ofSync(o.n)
	for len(o.wants) > 0 && len(p) < syncFrameSize {
		p = appendText(p, o.wants[0])
		o.wants = o.wants[1:]
	}
	o.open++
	return s.send(frameWant, p)
}
