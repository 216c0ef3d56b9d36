// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"lateral/cache"
	"lateral/mesh"
	"lateral/region"
)

// votes are those that this node has given to takers, by key: at most one of
// each, whatever the version, so that two cannot take two versions of one
// element either.
type votes struct {
	mu sync.Mutex // guards what follows; taken before an element's lock
	of map[string]vote
}

type vote struct {
	id      cache.Stamp // of the attempt
	version cache.Stamp // of what it takes; if done, of the removal
	done    bool        // it has been taken
	until   time.Time
}

// maxVotes bounds the votes that a region remembers. Who asks for more is
// refused.
const maxVotes = 1 << 16

// Vote decides on a ballot, of this node or of a peer.
func (b *bound) Vote(t mesh.Ballot) mesh.Vote {
	if b.digest == nil {
		return mesh.NoVote
	}
	v := &b.votes
	v.mu.Lock()
	defer v.mu.Unlock()
	if e, ok := b.Common(b.n.now(), t.Key); ok && e.Stamp.Compare(t.Version) > 0 {
		if e.State == cache.Tombstone {
			return mesh.Gone
		}
		return mesh.Newer
	}
	now := time.Now()
	old, ok := v.of[t.Key]
	binds := ok && old.id != t.ID && now.Before(old.until)
	switch {
	case binds && old.done && t.Version.Compare(old.version) <= 0:
		return mesh.Gone
	case binds && !old.done, !ok && !v.roomLocked(now):
		return mesh.Taken
	}
	v.of[t.Key] = vote{id: t.ID, version: t.Version, until: now.Add(t.Keep)}
	return mesh.Granted
}

// roomLocked makes room for one more, if it can.
func (v *votes) roomLocked(now time.Time) bool {
	if v.of == nil {
		v.of = map[string]vote{}
	}
	if len(v.of) >= maxVotes {
		for key, old := range v.of {
			if !now.Before(old.until) {
				delete(v.of, key)
			}
		}
	}
	return len(v.of) < maxVotes
}

// Unvote takes back a vote for a ballot whose taker needs it no longer: it has
// removed nothing; or it has won, and the version is that of its removal, of
// which this node knows from now on, be it by that vote alone.
func (b *bound) Unvote(t mesh.Ballot) {
	b.votes.mu.Lock()
	defer b.votes.mu.Unlock()
	switch old := b.votes.of[t.Key]; {
	case old.id != t.ID:
	case t.Version.Compare(old.version) > 0:
		old.version, old.done = t.Version, true
		b.votes.of[t.Key] = old
	default:
		delete(b.votes.of, t.Key)
	}
}

// maxTake bounds how long a take may last, whatever AckTimeout says: votes bind
// for twice that.
const maxTake = mesh.MaxKeep / 2

// takeTries is how often a take begins anew because it found a newer version.
const takeTries = 4

// take removes an element and returns it, to one caller at most.
func (n *Node) take(ctx context.Context, b *bound, c cache.Command) (e cache.Element, ok bool, err error) {
	if err := b.Check(cache.Command{Op: cache.Put, Key: c.Key}); err != nil {
		return e, false, err
	}
	if err := b.refuses(&c); err != nil {
		return e, false, err
	}
	for range takeTries {
		e, ok, err = n.takeOnce(ctx, b, &c)
		if !errors.Is(err, errNewer) {
			return e, ok, err
		}
	}
	return cache.Element{}, false, fmt.Errorf("%w: region %s, key %q is written faster than it can be taken", cache.ErrNotReplicated, b.Name(), c.Key)
}

// errNewer has a take begin anew.
var errNewer = errors.New("a newer version is known")

func (n *Node) takeOnce(ctx context.Context, b *bound, c *cache.Command) (e cache.Element, ok bool, err error) {
	e, ok = b.Get(n.now(), c.Key)
	held := ok
	if !ok {
		if e, ok, err = n.regions.fetch(ctx, b, c.Key); !ok || err != nil {
			return cache.Element{}, false, err
		}
	}
	switch common, _ := b.Common(n.now(), c.Key); {
	case b.Region.Mode() == region.Invalidate:
		return cache.Element{}, false, fmt.Errorf("%w: values of region %s do not travel, so nodes cannot agree on who takes one", cache.ErrNotReplicated, b.Name())
	case b.Region.Mode() == region.Local, held && common.Stamp.Compare(e.Stamp) < 0: // nobody else has this version
		_, err = n.takeOut(b, c, e, cache.LocalOnly)
	case common.Stamp.Compare(e.Stamp) > 0:
		err = errNewer
	default:
		ok, err = n.contend(ctx, b, c, e)
	}
	if !ok || err != nil {
		return cache.Element{}, false, err
	}
	return e, true, nil
}

// takeOut removes the version that was seen, if it is still what is there; or
// was never there, because memory has no room for it.
func (n *Node) takeOut(b *bound, c *cache.Command, e cache.Element, o cache.Origin) (removal cache.Stamp, err error) {
	seen := &e.Stamp
	if _, live := b.Peek(n.now(), c.Key); !live {
		seen = new(cache.Stamp)
	}
	rep, err := b.Apply(n.now(), cache.Command{Op: cache.Remove, Origin: o, Key: c.Key, Seen: seen, Caller: c.Caller})
	if err == nil && rep.Conflict {
		err = errNewer
	}
	return rep.Stamp, err
}

// contend gets the votes of more than half, removes the element and waits
// until more than half have applied that, all within AckTimeout. Votes bind
// twice as long: whoever gets one after it was this taker's began after this
// taker has succeeded or given up (docs/coherence.md, "Sessions").
func (n *Node) contend(ctx context.Context, b *bound, c *cache.Command, e cache.Element) (won bool, err error) {
	m, err := b.electorate()
	if err != nil {
		return false, err
	}
	most := min(b.ackTimeout, maxTake)
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	ballot := mesh.Ballot{Region: b.Name(), Key: c.Key, Version: e.Stamp, ID: n.clock.Next(n.now()), Keep: 2 * most}
	t := m.Elect(ctx, ballot, func() mesh.Vote { return b.Vote(ballot) })
	if t.Granted < t.Need() || t.Gone || t.Newer || time.Since(began) >= most {
		b.giveBack(m, ballot)
		return false, refusal(b, c.Key, &t)
	}
	removal, err := n.takeOut(b, c, e, cache.Application)
	if err != nil {
		b.giveBack(m, ballot)
		return false, err
	}
	err = m.WaitAcks(ctx, b.Name(), m.Logged(), max(b.wanted(c.Acks, t.Of-1), cache.Acks(t.Need()-1)))
	if err == nil && time.Since(began) >= most {
		err = fmt.Errorf("%w: too late: others may have been told yes", cache.ErrNotReplicated)
	}
	if err != nil {
		return false, fmt.Errorf("region %s, key %q is removed, and this node does not have it: %w", b.Name(), c.Key, err)
	}
	ballot.Version = removal
	b.giveBack(m, ballot)
	return true, nil
}

// wanted is how many of the others are to have what is written here, in numbers.
func (b *bound) wanted(a cache.Acks, others int) cache.Acks {
	if a == cache.RegionAcks {
		a = b.acks
	}
	switch {
	case a == cache.NoAcks:
		return 0
	case a == cache.AllAcks || a == cache.LinkedAcks || int(a) > others:
		return cache.Acks(others)
	}
	return a
}

func (b *bound) giveBack(m *mesh.Mesh, t mesh.Ballot) {
	b.Unvote(t)
	m.GiveBack(t)
}

// refusal says why a take has not got the votes: nil is that another has, or
// that there is nothing to take.
func refusal(b *bound, key string, t *mesh.Tally) error {
	switch {
	case t.Gone:
		return nil
	case t.Newer:
		return errNewer
	case t.Taken:
		return nil
	}
	return fmt.Errorf("%w: region %s, key %q is not taken: of %d members that hold the region %d are needed to agree and %d did, the others cannot be reached or did not answer; see lateral mesh",
		cache.ErrNotReplicated, b.Name(), key, t.Of, t.Need(), t.Granted)
}

// electorate returns the mesh whose members decide on the region's elements.
func (b *bound) electorate() (*mesh.Mesh, error) {
	var of *endpoint
	for _, e := range b.n.endpoints {
		if !slices.Contains(b.aux, e.name) {
			continue
		}
		if of != nil {
			return nil, fmt.Errorf("%w: region %s is bound to %s and %s: their members cannot vote together", cache.ErrNotReplicated, b.Name(), of.name, e.name)
		}
		of = e
	}
	if of == nil || !of.c.Receive {
		return nil, fmt.Errorf("%w: region %s: a node with Receive=false does not know what others have taken", cache.ErrNotReplicated, b.Name())
	}
	return of.mesh, nil
}
