// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"encoding/binary"
	"errors"
	"fmt"

	"lateral/cache"
	"lateral/changelog"
)

// A resume says how far a node has read its peer's log.
type resume struct {
	met  bool
	read uint64
}

func (l *link) resume() []byte {
	var b [9]byte
	if l.peer.met.Load() {
		b[0] = 1
	}
	binary.BigEndian.PutUint64(b[1:], l.peer.received.Load())
	return b[:]
}

// position turns the peer's resume, once it is there, into a cursor. A peer
// that wants no changes has none, and so no gap either.
func (l *link) position(buf []byte) (*changelog.Cursor, []byte) {
	select {
	case r := <-l.resumeAt:
		if l.peerHello.Receive {
			return l.follow(r, buf)
		}
	default:
	}
	return nil, buf
}

// replayLimit is up to how many bytes a log that nothing has fallen off yet is
// sent whole to a peer that has never read it, which spares that peer a gap.
const replayLimit = 1 << 20

func (l *link) follow(r resume, buf []byte) (*changelog.Cursor, []byte) {
	log := l.m.c.Log
	st := log.Status()
	if !r.met {
		r.read = 0
		if l.peerHello.Version >= frontVersion && st.First == 1 && st.Bytes <= replayLimit {
			return l.replay(buf)
		}
	}
	if r.met || st.First == 1 && st.Bytes <= replayLimit {
		if cur, err := log.Cursor(r.read + 1); err == nil {
			l.m.counters.resumes.Add(1)
			l.peer.ack(r.read)
			// Changes without a record say where the peer stands: from now on
			// it has met us, and a break before our first change is no gap.
			return cur, binary.BigEndian.AppendUint64(appendHeader(buf, frameChanges, 8), r.read+1)
		}
	}
	return l.skip(r.read+1, buf)
}

// replay sends a peer that has never met us our whole log, for what it
// removes. Values it must not take from there: somebody else may have removed
// them since, and that removal may be forgotten. A sync brings what there is.
func (l *link) replay(buf []byte) (*changelog.Cursor, []byte) {
	next := l.m.c.Log.Next()
	cur, err := l.m.c.Log.Cursor(1)
	if err != nil {
		return l.skip(1, buf)
	}
	l.m.counters.resumes.Add(1)
	if next > 1 {
		l.peer.skipped(1, next)
	}
	return cur, binary.BigEndian.AppendUint64(appendHeader(buf, frameReplay, 8), next)
}

// takeReplay: the peer's whole log follows, up to a number for what it removes
// only.
func (l *link) takeReplay(s *scan) error {
	next := s.uint64()
	if err := s.err(frameReplay); err != nil {
		return err
	}
	if read := l.peer.received.Load(); next == 0 || l.replayed != 0 || read != 0 {
		return protocolErrorf("a replay up to change %d, of which %d were read", next, read)
	}
	l.replayed = next
	l.peer.replayed.Store(next)
	l.peer.met.Store(true)
	l.m.frontier.Gap(l.peer.id)
	l.syncShared()
	return nil
}

// skip gives up on what the peer has not read: it is told that there is a gap,
// and a sync brings back what it can.
func (l *link) skip(from uint64, buf []byte) (*changelog.Cursor, []byte) {
	next := l.m.c.Log.Next()
	cur, err := l.m.c.Log.Cursor(next)
	for err != nil { // the log moved on in between by more than it holds
		next = l.m.c.Log.Next()
		cur, err = l.m.c.Log.Cursor(next)
	}
	l.m.counters.gaps.Add(1)
	l.peer.skipped(from, next)
	return cur, binary.BigEndian.AppendUint64(appendHeader(buf, frameGap, 8), next)
}

// changes appends the header of the next records, and the names they need.
func (l *link) changes(cur *changelog.Cursor, names *int, buf []byte) ([]byte, *changelog.Cursor, []byte, error) {
	records, first, count, err := cur.Read()
	if errors.Is(err, changelog.ErrGap) {
		l.m.counters.fallen.Add(1)
		cur, buf = l.skip(cur.Seq(), buf)
		return nil, cur, buf, nil
	}
	if err != nil || count == 0 {
		return nil, cur, buf, err
	}
	for more := l.m.c.Log.Names(*names); len(more) > 0; {
		p := binary.AppendUvarint(nil, uint64(*names))
		for len(more) > 0 && len(p) < maxNamesFrame {
			p = appendText(p, more[0])
			more = more[1:]
			*names++
		}
		buf = appendFrame(buf, frameNames, p)
	}
	buf = appendHeader(buf, frameChanges, 8+len(records))
	return records, cur, binary.BigEndian.AppendUint64(buf, first), nil
}

func (l *link) takeResume(s *scan) error {
	met := s.take(1)
	r := resume{met: met == "\x01", read: s.uint64()}
	if err := s.err(frameResume); err != nil {
		return err
	}
	if l.resumed {
		return fmt.Errorf("%w: a second resume", ErrProtocol)
	}
	l.resumed = true
	l.resumeAt <- r // has room for the one
	l.wake()
	return nil
}

func (l *link) takeNames(s *scan) error {
	if from := s.uvarint(); from != uint64(len(l.regions)) {
		return fmt.Errorf("%w: names from number %d, expected %d", ErrProtocol, from, len(l.regions))
	}
	for len(s.s) > 0 && !s.bad {
		if len(l.regions) >= maxNames {
			return fmt.Errorf("%w: names of more than %d regions", ErrProtocol, maxNames)
		}
		l.regions = append(l.regions, boundRegion{name: s.text(cache.MaxRegion)})
	}
	return s.err(frameNames)
}

// region returns the region with a number of the peer's log, nil if it is not
// bound to this endpoint.
func (l *link) region(n uint64) (Region, error) {
	if n >= uint64(len(l.regions)) {
		return nil, fmt.Errorf("%w: a change in region number %d, %d have names", ErrProtocol, n, len(l.regions))
	}
	b := &l.regions[n]
	if !b.known {
		b.known = true
		if r, ok := l.m.c.Region(b.name); ok {
			b.Region = r
		}
	}
	return b.Region, nil
}

// A batch is a few changes of one frame that are applied together, so that
// their keys are fetched from memory together (region.Region.Warm): most of what
// a change costs is waiting for that.
type batch struct {
	n       int
	changes [batched]cache.Change
	regions [batched]Region
	keys    [batched]string
}

// batched is how many. Each is in flight for less than the processor's cache
// holds, and more than it fetches at a time.
const batched = 16

func (l *link) applyChanges(s *scan) error {
	seq := s.uint64()
	p := l.peer
	if s.bad || seq == 0 || seq > p.received.Load()+1 {
		return fmt.Errorf("%w: changes from number %d on, expected %d", ErrProtocol, seq, p.received.Load()+1)
	}
	for rest := s.s; rest != ""; {
		first, err := seq, error(nil)
		rest, seq, err = l.decode(rest, seq)
		if e := l.applyBatch(first); e != nil {
			return e
		}
		if err != nil {
			return err
		}
	}
	p.met.Store(true)
	l.ackDue.Store(true)
	l.wake()
	return nil
}

// decode takes the next changes, from number seq on, into the batch.
func (l *link) decode(rest string, seq uint64) (string, uint64, error) {
	owner := cache.NodeID(l.peerHello.Node)
	b := &l.batch
	for b.n = 0; b.n < batched && rest != ""; b.n, seq = b.n+1, seq+1 {
		c, number, more, err := changelog.Decode(rest, owner, l.lastAttr)
		if err != nil {
			return rest, seq, fmt.Errorf("%w: change %d: %w", ErrProtocol, seq, err)
		}
		r, err := l.region(number)
		if err != nil {
			return rest, seq, err
		}
		rest = more
		b.changes[b.n], b.regions[b.n], b.keys[b.n] = c, r, c.Element.Key
	}
	return rest, seq, nil
}

// applyBatch applies what was decoded, whose first has number seq.
func (l *link) applyBatch(seq uint64) error {
	p, b := l.peer, &l.batch
	now := l.m.c.Now().UnixMilli()
	b.warm()
	for i := range b.n {
		c, r := &b.changes[i], b.regions[i]
		if seq <= p.received.Load() {
			seq++
			continue // it came by the link before this one
		}
		// It is not counted as read: when its time has come it is sent again.
		if err := l.m.ahead("the stamp of a change", c.Element.Stamp.UnixMilli(), now); err != nil {
			return err
		}
		if r == nil || seq >= l.replayed || r.Digest() == nil {
			l.apply(now, r, c, cache.FromLateral)
		}
		p.received.Store(seq)
		seq++
	}
	clear(b.changes[:b.n]) // an idle link is not to keep a frame
	clear(b.keys[:b.n])
	return nil
}

// warm fetches the keys of what is for the same region as the first.
func (b *batch) warm() {
	n := 1
	for n < b.n && b.regions[n] == b.regions[0] {
		n++
	}
	if n <= b.n && b.regions[0] != nil {
		b.regions[0].Warm(b.keys[:n])
	}
}

// apply hands a change to a region. What a region refuses is counted: it must
// not end the link.
func (l *link) apply(now int64, r Region, c *cache.Change, o cache.Origin) {
	if r == nil || !l.m.c.Receive {
		l.m.counters.unapplied.Add(1)
		return
	}
	l.lastAttr = r.Attributes()
	e := &c.Element
	if e.Stamp.IsZero() { // the region would take it for a write of ours
		l.m.counters.unapplied.Add(1)
		return
	}
	_, err := r.Apply(now, cache.Command{Op: c.Op, Origin: o, Key: e.Key, Value: e.Value, Attr: e.Attr,
		Stamp: e.Stamp, Hash: c.Hash, Replaced: c.Replaced, Accessed: e.Accessed})
	if err != nil {
		l.m.counters.unapplied.Add(1)
		if l.m.often.Allow() {
			l.m.c.Logger.Warn("a peer's change was refused", "peer", l.name(), "region", r.Name(), "error", err)
		}
	}
}

// gap: the peer's log no longer has what we have not read. Values come back by
// a sync; where only removals travel, what is held may be stale, so it goes. A
// node that applies nothing of what peers send misses nothing.
func (l *link) gap(s *scan) error {
	next := s.uint64()
	if err := s.err(frameGap); err != nil {
		return err
	}
	if read := l.peer.received.Load(); next <= read || next == read+1 {
		return fmt.Errorf("%w: a gap up to change %d, of which %d were read", ErrProtocol, next, read)
	}
	l.peer.received.Store(next - 1)
	l.peer.met.Store(true)
	l.m.frontier.Gap(l.peer.id)
	l.ackDue.Store(true)
	l.wake()
	if !l.m.c.Receive {
		return nil
	}
	dropped := l.m.dropStale()
	l.m.c.Logger.Info("changes of a peer were missed: a sync brings back values, invalidated regions start empty",
		"peer", l.name(), "dropped", dropped)
	l.syncShared()
	return nil
}

// dropStale empties the regions in which a removal may have been missed.
func (m *Mesh) dropStale() (n int) {
	for _, r := range m.c.Regions() {
		if r.Digest() == nil {
			n += r.Gap()
		}
	}
	return n
}
