// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"encoding/binary"
	"fmt"
	"sync"
	"time"

	"lateral/cache"
	"lateral/converge"
)

// A region that is empty here, or of which nearly all differs and that has
// never been brought up to date, is not compared but filled: its buckets are
// cut into shares, and each linked peer that has the region is asked for one
// at a time, so that faster ones give more. The elements of a share come in
// bulk; nothing is listed. If a link ends its share is asked of another. Only
// then rounds compare, and prove that nothing is missing.
const (
	// shares is how many a region is cut into. Each costs the peer a pass over
	// its region, each lost one that part of the work.
	shares = 8
	// maxDonors is how many peers give at once: more would not be faster than
	// this node can take, and would be disturbed for nothing.
	maxDonors = 4
)

// fills are the regions that are being filled.
type fills struct {
	mu     sync.Mutex           // guards what follows
	active map[string]*fill     // by region
	filled map[string]bool      // regions that were filled or compared
	ready  map[string]bool      // see Unready
	since  map[string]time.Time // when a region began to wait for that
}

type fill struct {
	todo  []converge.Range  // shares that nobody gives
	given map[*link]*giving // shares that are being given
	done  int
}

// giving is a share that a peer gives.
type giving struct {
	g        converge.Range
	of, came uint64 // elements it has, elements that have come
}

// answers of share.
type turn int

const (
	compares turn = iota // there is nothing to fill, or not from this peer
	asks                 // for the share that was returned
	waits                // until others have given theirs
)

// share says whether a link is to fill a region, and with what. begin has a
// fill begin if none is under way.
func (f *fills) share(l *link, region string, begin bool) (converge.Range, turn) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.active[region]
	if a == nil && begin {
		a = &fill{todo: converge.All.Split(shares), given: map[*link]*giving{}}
		f.active[region] = a
	}
	switch {
	case a == nil:
		return converge.Range{}, compares
	case len(a.todo) == 0:
		delete(a.given, l) // another was faster
		if len(a.given) > 0 {
			return converge.Range{}, waits
		}
		f.filled[region] = true
		delete(f.active, region)
		return converge.Range{}, compares
	case len(a.given) >= maxDonors && a.given[l] == nil:
		return converge.Range{}, waits
	}
	g := a.todo[0]
	a.todo = a.todo[1:]
	a.given[l] = &giving{g: g}
	return g, asks
}

// gave notes that a link's share has come, or, if not whole, that it will not.
func (f *fills) gave(l *link, region string, whole bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.active[region]
	if a == nil || a.given[l] == nil {
		return
	}
	switch g := a.given[l].g; {
	case whole:
		a.done++
	case g.From < g.To:
		a.todo = append(a.todo, g)
	}
	if whole && len(a.todo) > 0 {
		a.given[l] = &giving{} // it is about to take another
	} else {
		delete(a.given, l)
	}
	switch {
	case len(a.given) > 0:
	case len(a.todo) == 0:
		f.filled[region] = true
		delete(f.active, region)
	case !whole: // nobody else is giving: who can begins anew
		delete(f.active, region)
	}
}

// progress notes of a share how large it is, or how much of it has come.
func (f *fills) progress(l *link, region string, of, came uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if a := f.active[region]; a != nil && a.given[l] != nil {
		a.given[l].of += of
		a.given[l].came += came
	}
}

// percent is how far the fill of a region is, and how many peers give; ok is
// false if there is none.
func (f *fills) percent(region string) (percent, donors int, ok bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	a := f.active[region]
	if a == nil {
		return 0, 0, false
	}
	part := 0.0
	for _, g := range a.given {
		part += float64(min(g.came, g.of)) / float64(max(g.of, 1))
	}
	return int(100 * (float64(a.done) + part) / shares), len(a.given), true
}

// fresh reports whether a region has never been filled or compared.
func (f *fills) fresh(region string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return !f.filled[region]
}

func (f *fills) compared(regions []Region) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, r := range regions {
		f.filled[r.Name()] = true
	}
}

// lost gives back the shares of a link that has ended.
func (f *fills) lost(l *link) {
	f.mu.Lock()
	var regions []string
	for name, a := range f.active {
		if a.given[l] != nil {
			regions = append(regions, name)
		}
	}
	f.mu.Unlock()
	for _, name := range regions {
		f.gave(l, name, false)
	}
}

// fill has this link's peer give a share of a region if there is one to give;
// else it says whether the region is to be compared by now, or later.
func (s *syncer) fill(r Region) (turn, error) {
	if s.round.refused[r.Name()] {
		if _, _, ok := s.l.m.fills.percent(r.Name()); ok {
			return waits, nil
		}
		return compares, nil
	}
	_, _, before := s.l.m.fills.percent(r.Name())
	// One that has become empty is compared: two that have nothing would each
	// wait for the other's fill.
	begin := s.l.m.fills.fresh(r.Name()) && (r.Digest().Root().IsZero() || s.round.fills == r)
	g, t := s.l.m.fills.share(s.l, r.Name(), begin)
	if t != asks {
		if before && t == compares {
			s.l.m.pokeSyncs() // it is over: others may wait for that
		}
		return t, nil
	}
	s.syncs++
	s.round.heard = time.Now()
	s.ours = &asking{part: part{r, g}, n: s.syncs, filling: true, before: s.l.m.Synced(r.Name())}
	p := appendText(ofSync(s.syncs), r.Name())
	return asks, s.send(frameFill, binary.AppendUvarint(binary.AppendUvarint(p, uint64(g.From)), uint64(g.To)))
}

// filled ends the share that was asked for.
func (s *syncer) filled(whole bool) {
	name := s.ours.r.Name()
	s.ours = nil
	if !whole {
		s.round.refused[name] = true
	}
	s.round.fills = nil
	s.l.m.fills.gave(s.l, name, whole)
	s.l.m.pokeSyncs()
}

// pokeSyncs has every link see whether it can go on.
func (m *Mesh) pokeSyncs() {
	for _, p := range m.linked() {
		if l := p.link(); l != nil {
			l.pokeSync()
		}
	}
}

// takeShare notes how large a share is.
func (s *syncer) takeShare(o *asking, sc *scan) error {
	of := sc.uvarint()
	s.l.m.fills.progress(s.l, o.r.Name(), of, 0)
	return sc.err(frameShare)
}

// takeLater: the peer is being filled itself. If it is the region that was to
// be compared, the round has to wait until it has had one of its own.
func (s *syncer) takeLater(o *asking) error {
	if o.filling {
		s.filled(false)
		return nil
	}
	s.dropRound()
	s.deferred = true
	return nil
}

// giveShare streams a share to a peer that has nothing.
func (s *syncer) giveShare(n uint64, sc *scan) error {
	name := sc.text(cache.MaxRegion)
	from, to := sc.uvarint(), sc.uvarint()
	if err := sc.err(frameFill); err != nil {
		return err
	}
	if from > to || to > converge.Buckets {
		return fmt.Errorf("%w: a fill of buckets %d to %d, of %d", ErrProtocol, from, to, converge.Buckets)
	}
	s.theirs = nil
	r, ok := s.l.m.c.Region(name)
	if !ok || r.Digest() == nil || s.l.m.empty(r) {
		return s.send(frameLater, ofSync(n))
	}
	g := converge.Range{From: int(from), To: int(to)}
	s.theirs = &answering{part: part{r, g}, n: n}
	keys := converge.Keys(r.Digest(), r, g)
	if err := s.send(frameShare, binary.AppendUvarint(ofSync(n), uint64(len(keys)))); err != nil {
		return err
	}
	if err := s.sendElements(r, keys); err != nil {
		return err
	}
	return s.send(frameNext, ofSync(n))
}

// empty reports whether a region has nothing to give yet.
func (m *Mesh) empty(r Region) bool {
	_, _, filling := m.fills.percent(r.Name())
	return filling || r.Digest().Root().IsZero()
}
