// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"lateral/cache"
	"lateral/changelog"
)

// gets are the questions to peers that wait for an answer.
type gets struct {
	mu      sync.Mutex // guards what follows
	next    uint64
	waiting map[uint64]chan<- got
	asked   map[*link]map[uint64]bool // so that a lost link answers for its peer
}

// got is one peer's answer: a live element; else perhaps, as a tombstone, the
// removal that it knows of.
type got struct {
	found   bool
	element cache.Element
	vote    Vote  // for a ballot
	saw     *saw  // for a look
	lost    *link // there is none: this link, on which it was asked, has ended
}

// Fetch asks all linked peers at once whether they hold an element and returns
// the first that one has. It waits at most GetTimeout; a peer's miss is an
// answer, so that a miss everywhere costs one round trip.
func (m *Mesh) Fetch(ctx context.Context, region, key string) (cache.Element, bool, error) {
	var found got
	m.inquire(ctx, region, key, false, func(a got) bool {
		if a.found {
			found = a
		}
		return a.found
	})
	return found.element, found.found, nil
}

// inquire asks all linked peers at once and hands over each answer about the
// key, until one is enough, all have answered or GetTimeout is over. It returns
// how many were silent. With again, who was asked on a link that ended without
// a goodbye is asked once more on the next, if that comes in time: of two that were
// dialled at once one ends, and what was asked on it had no answer.
func (m *Mesh) inquire(ctx context.Context, region, key string, again bool, enough func(got) bool) (silent int) {
	ctx, cancel := context.WithTimeout(ctx, m.c.GetTimeout)
	defer cancel()
	peers := m.linked()
	answers := make(chan got, len(peers))
	number := m.gets.ask(answers)
	defer m.gets.forget(number)
	open := 0
	frame := binary.BigEndian.AppendUint64(nil, number)
	frame = appendFrame(nil, frameGet, appendText(appendText(frame, region), key))
	for _, p := range peers {
		// One that applies no changes would answer with what may be stale.
		switch l := p.link(); {
		case l == nil || !l.peerHello.Receive:
			continue
		case m.gets.on(l, number):
			l.queueFrame(frame)
		default:
			answers <- got{lost: l} // it has just ended, and the next is about to take its place
		}
		open++
	}
	for ; open > 0; open-- {
		select {
		case a := <-answers:
			if again && a.lost != nil && m.askNext(ctx, a.lost, number, frame) {
				open++
				continue
			}
			if a.element.Key != key {
				a = got{} // a miss, or a lie
			}
			if enough(a) {
				return 0
			}
		case <-ctx.Done():
			return open // misses, as in JCS
		}
	}
	return 0
}

// askNext asks on the link that comes after one that has ended; false if none
// comes, or the peer said why it left.
func (m *Mesh) askNext(ctx context.Context, l *link, number uint64, frame []byte) bool {
	if bye := (errGoodbye{}); errors.As(l.why(), &bye) && !bye.Duplicate {
		return false
	}
	next := l.peer.after(ctx, l)
	if next == nil || !next.peerHello.Receive || !m.gets.on(next, number) {
		return false
	}
	next.queueFrame(frame)
	return true
}

func (g *gets) ask(answers chan<- got) uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.next++
	g.waiting[g.next] = answers
	return g.next
}

func (g *gets) on(l *link, number uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	select {
	case <-l.done:
		return false
	default:
	}
	if g.asked == nil {
		g.asked = map[*link]map[uint64]bool{}
	}
	if g.asked[l] == nil {
		g.asked[l] = map[uint64]bool{}
	}
	g.asked[l][number] = true
	return true
}

func (g *gets) forget(number uint64) {
	g.mu.Lock()
	defer g.mu.Unlock()
	delete(g.waiting, number)
	for l, numbers := range g.asked {
		delete(numbers, number)
		if len(numbers) == 0 {
			delete(g.asked, l)
		}
	}
}

// deliver hands an answer over; the channel has room for one of each peer.
func (g *gets) deliver(l *link, number uint64, a got) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.asked[l][number] {
		return // too late, or never asked
	}
	delete(g.asked[l], number)
	if c := g.waiting[number]; c != nil {
		c <- a
	}
}

// lost answers "no" for the peer of a link that has ended.
func (g *gets) lost(l *link) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for number := range g.asked[l] {
		if c := g.waiting[number]; c != nil {
			c <- got{lost: l}
		}
	}
	delete(g.asked, l)
}

// answer looks a peer's key up in memory only (JCS: a get by a peer is local).
func (l *link) answer(s *scan) error {
	number, name, key := s.uint64(), s.text(cache.MaxRegion), s.text(cache.MaxKey)
	if err := s.err(frameGet); err != nil {
		return err
	}
	l.lent.Add(1)
	defer l.lent.Add(-1)
	reply := binary.BigEndian.AppendUint64(nil, number)
	if r := l.m.held(name); r != nil && l.m.mayAnswer(r) { // a question makes no region
		if c, ok := replyOf(r, l.m.c.Now().UnixMilli(), key); ok {
			reply = changelog.Append(reply, &c, 0, 0)
		}
	}
	l.queueFrame(appendFrame(nil, frameReply, reply))
	return nil
}

// mayAnswer reports whether peers may keep what is held here. Where values do not
// travel, not while a member was never linked with: what that has removed peers have
// heard of, and it is not to come back to them from here.
func (m *Mesh) mayAnswer(r Region) bool { return r.Digest() != nil || !m.apart.Load() }

// held returns a region that is there already, nil if none.
func (m *Mesh) held(name string) Region {
	for _, r := range m.c.Regions() {
		if r.Name() == name {
			return r
		}
	}
	return nil
}

func (g *gets) answered(l *link, s *scan) error {
	number := s.uint64()
	if err := s.err(frameReply); err != nil {
		return err
	}
	var a got
	if s.s != "" {
		c, _, _, err := changelog.Decode(s.s, 0, nil)
		if err != nil {
			return fmt.Errorf("%w: a reply: %w", ErrProtocol, err)
		}
		a = got{found: c.Op == cache.Put, element: c.Element}
	}
	g.deliver(l, number, a)
	return nil
}
