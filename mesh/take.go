// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"time"

	"lateral/cache"
)

// A Ballot asks for the right to take a key out of a replicated region, alone.
type Ballot struct {
	Region, Key string
	Version     cache.Stamp   // of what is to be taken
	ID          cache.Stamp   // of this attempt
	Keep        time.Duration // how long a vote for it binds, MaxKeep at most
}

// MaxKeep is the longest that a vote may bind, so that a taker that dies does
// not keep others from the key for long.
const MaxKeep = 20 * time.Second

// A Vote is a node's answer to a ballot. Wire numbers: only append.
type Vote byte

// The votes.
const (
	NoVote  Vote = iota // it cannot say, or could not be asked
	Granted             // nobody else gets this vote until Keep is over
	Gone                // it knows of a removal
	Newer               // it holds a newer version
	Taken               // it has voted for another
)

// An Elector is a Region that votes.
type Elector interface {
	Vote(b Ballot) Vote
	Unvote(b Ballot) // see GiveBack
}

// A Tally is how the members that hold a region voted.
type Tally struct {
	Of      int // those that hold it, this node and those that cannot be reached included
	Granted int
	Gone    bool
	Newer   bool
	Taken   bool // some have voted for another
}

// Need is the number of votes that two takers cannot both have.
func (t *Tally) Need() int { return t.Of/2 + 1 }

func (t *Tally) add(v Vote) {
	switch v {
	case Granted:
		t.Granted++
	case Gone:
		t.Gone = true
	case Newer:
		t.Newer = true
	case Taken:
		t.Taken = true
	}
}

// Elect asks the members that hold the region, this one by own, for their
// votes. The one with the smallest id is asked first and alone, so that of
// several takers at once all but one end there. It returns when enough have
// voted for b, when not enough can any more, or when ctx ends.
func (m *Mesh) Elect(ctx context.Context, b Ballot, own func() Vote) (t Tally) {
	links, of := m.holders(b.Region)
	t.Of = of
	if len(links)+1 < t.Need() {
		return t
	}
	if len(links) > 0 && links[0].peer.id < m.c.ID {
		if m.poll(ctx, b, links[:1], &t); t.Granted == 0 {
			return t
		}
		t.add(own())
		links = links[1:]
	} else if t.add(own()); t.Granted == 0 {
		return t
	}
	m.poll(ctx, b, links, &t)
	return t
}

// poll asks some for their votes, all at once.
func (m *Mesh) poll(ctx context.Context, b Ballot, links []*link, t *Tally) {
	answers := make(chan got, len(links))
	number := m.gets.ask(answers)
	defer m.gets.forget(number)
	frame := appendBallot(number, b)
	open := 0
	for _, l := range links {
		if m.gets.on(l, number) {
			l.queueFrame(frame)
			open++
		}
	}
	for ; open > 0 && t.Granted < t.Need() && !t.Gone && !t.Newer; open-- {
		select {
		case a := <-answers:
			t.add(a.vote)
		case <-ctx.Done():
			return
		}
	}
}

// GiveBack frees the votes that were given to a ballot, which has removed
// nothing; or, if its Version is by now that of its removal, has won.
func (m *Mesh) GiveBack(b Ballot) {
	links, _ := m.holders(b.Region)
	frame := appendBallot(0, b)
	for _, l := range links {
		l.queueFrame(frame)
	}
}

// holders returns the links to the peers that hold a region's values, smallest
// id first, and how many members hold it: this node, these, and those that
// discovery believes in and that are not known to do otherwise.
func (m *Mesh) holders(region string) (links []*link, of int) {
	known := map[cache.NodeID]bool{m.c.ID: true}
	m.mu.Lock()
	for id, p := range m.peers {
		p.mu.Lock()
		l, holds, told := p.active, p.shares[region] == replicates, p.shares != nil
		p.mu.Unlock()
		if l != nil && l.peerHello.Receive && holds {
			links = append(links, l)
		}
		known[id] = l != nil || told && !holds
	}
	m.mu.Unlock()
	of = 1 + len(links)
	for _, p := range m.c.Directory.Peers() {
		if p.ID != 0 && !known[p.ID] && p.Receive {
			of++
		}
	}
	slices.SortFunc(links, func(a, b *link) int { return cmp.Compare(a.peer.id, b.peer.id) })
	return links, of
}

func appendBallot(number uint64, b Ballot) []byte {
	p := binary.BigEndian.AppendUint64(nil, number)
	p = appendText(appendText(p, b.Region), b.Key)
	for _, s := range []cache.Stamp{b.Version, b.ID} {
		p = binary.BigEndian.AppendUint64(p, s.Time)
		p = binary.BigEndian.AppendUint64(p, uint64(s.Node))
	}
	return appendFrame(nil, frameTake, binary.AppendUvarint(p, uint64(b.Keep.Milliseconds())))
}

// takeBallot answers a peer's ballot, or frees the vote it had.
func (l *link) takeBallot(s *scan) error {
	number := s.uint64()
	b := Ballot{Region: s.text(cache.MaxRegion), Key: s.text(cache.MaxKey)}
	b.Version = cache.Stamp{Time: s.uint64(), Node: cache.NodeID(s.uint64())}
	b.ID = cache.Stamp{Time: s.uint64(), Node: cache.NodeID(s.uint64())}
	keep := s.uvarint()
	if err := s.err(frameTake); err != nil {
		return err
	}
	b.Keep = time.Duration(min(keep, uint64(MaxKeep.Milliseconds())+1)) * time.Millisecond
	r, votes := l.m.held(b.Region).(Elector)
	switch {
	case number == 0 && votes:
		r.Unvote(b)
	case number != 0:
		v := NoVote
		if votes && l.m.c.Receive && b.Keep <= MaxKeep {
			v = r.Vote(b)
		}
		l.queueFrame(appendFrame(nil, frameVote, append(binary.BigEndian.AppendUint64(nil, number), byte(v))))
	}
	return nil
}

// takeVote hands a peer's vote to who waits for it.
func (l *link) takeVote(s *scan) error {
	number, v := s.uint64(), s.take(1)
	if err := s.err(frameVote); err != nil {
		return err
	}
	l.m.gets.deliver(l, number, got{vote: Vote(v[0])})
	return nil
}
