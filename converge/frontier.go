// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"sync"
	"sync/atomic"

	"lateral/cache"
)

// A Frontier is what one endpoint knows of how far the members of its mesh
// have come: the two-level time table of Wuu and Bernstein (PODC 1984), today
// called causal stability. Times are those of stamps (cache.Stamp.Time).
//
//   - heard: everything that a member wrote up to then is here.
//   - F, the smallest of these, is told to all: everything that anybody wrote
//     up to then is here.
//   - S, the smallest F of all members: everything up to then is everywhere. A
//     tombstone from before S has done its work.
//
// So it matters who is a member. Four rules keep S behind any node that still
// holds what a tombstone removed:
//
//  1. A node counts from its first link on, before it is given anything; one
//     that is only heard of counts as well.
//  2. What a member tells of F counts only if it reckons with everybody that
//     this node reckons with. That is how a joiner is acknowledged: until all
//     have taken it into their sets, S stands still.
//  3. A member that is silent goes on counting, however long. It stops when
//     its process has certainly ended (it said goodbye, or another listens at
//     its address) and this node, after nothing more of it could arrive here
//     nor there, has compared all regions with every other member: what one
//     has of it, all have then.
//  4. Where something that a member wrote may have been missed, as before its
//     first link (Gap), what it says of itself counts only after regions were
//     compared with it.
//
// S is shared: what is everywhere over a superset of members is so for this
// node, too (Told). A node tells of what it is by the members of the moment,
// not of the S that it once had: a joiner may have removed something older.
//
// A node that knows of nobody has no S: it may be a part of a cluster that it
// is about to meet. What it removes before that may be older than their S by
// then: who holds what it removed takes it in all the same, and remembers it
// until S has passed the time of its arrival (region.Region.Settle).
//
// The methods may be called by many goroutines at once.
type Frontier struct {
	stable  atomic.Uint64
	present atomic.Uint64 // stable, but it falls when there is a new member

	mu      sync.Mutex // guards what follows
	self    cache.NodeID
	members map[cache.NodeID]*member // without self
	gone    map[cache.NodeID]*departed
	tick    uint64 // orders rounds of syncs and what they must come after
	version uint64 // of what Set returns
	unmet   bool   // see Await
	roll    *roll  // of some version
}

// A member is a node that counts.
type member struct {
	Member
	linked bool
	heard  uint64
	told   uint64                    // its F, the last that counted
	set    map[cache.NodeID]Standing // whom it reckons with, as it last said; nil: it has not
	covers uint64                    // the version of our set that this is known to cover; 0 is none
	gap    uint64                    // tick of a gap that no round has closed; 0 is none
	rounds map[cache.NodeID]uint64   // of a departed one: the rounds that it waits for, see settle
}

// departed is one that counts no more. It is listed as long as anybody may
// reckon with it, and remembered for longer, as it must not come back.
type departed struct{ listed bool }

// A Standing is how a node reckons with another.
type Standing uint8

// The standings, in the order in which a member goes through them. Numbers of
// the wire: only append to this list.
const (
	Counting Standing = iota
	Dead              // its process has ended, but something of it may still arrive here
	Departed          // … or not
	Gone              // … and what others had of it is here: it counts no more
)

// A Member is one of the set that a node reckons with.
type Member struct {
	ID       cache.NodeID
	Standing Standing
	Receives bool // what others write; else it need not be waited for
}

// MaxMembers bounds the set, the gone included. If there are more, S stands
// still and tombstones live for their whole retention.
const MaxMembers = 4096

// NewFrontier makes the frontier of an endpoint that knows of nobody.
func NewFrontier(self cache.NodeID) *Frontier {
	return &Frontier{self: self, members: map[cache.NodeID]*member{}, gone: map[cache.NodeID]*departed{}, version: 1}
}

// Linked counts a member from now on. It is to be called before anything is
// sent on the link. It returns false if that id was said to be dead: it must
// not be linked with, since the others wait no longer for what it lacks.
func (f *Frontier) Linked(id cache.NodeID, receives bool) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.gone[id] != nil || id == f.self {
		return false
	}
	m := f.meet(id)
	switch {
	case m == nil: // and as long as there are that many, S stands still
		return true
	case m.Standing != Counting:
		return false
	}
	m.linked = true
	if m.Receives != receives {
		m.Receives = receives
		f.version++
	}
	f.settle()
	return true
}

// meet returns the member of that id, new if need be; nil if there are too many.
func (f *Frontier) meet(id cache.NodeID) *member {
	m := f.members[id]
	if m == nil && len(f.members) < MaxMembers-1 {
		m = &member{Member: Member{ID: id, Receives: true}}
		for _, o := range f.members {
			o.told = 0 // that was reckoned without the new one
		}
		f.members[id] = m
		f.version++
		f.present.Store(0)
	}
	return m
}

// Unlinked notes that the link with a member has ended, and that all that
// came by it has been applied.
func (f *Frontier) Unlinked(id cache.NodeID) {
	f.change(id, func(m *member) { m.linked = false; f.depart(m) })
}

// Died notes that a member's process has certainly ended.
func (f *Frontier) Died(id cache.NodeID) { f.change(id, f.died) }

// Vouched is Died of a member, or of anybody, for which a person vouches.
func (f *Frontier) Vouched(id cache.NodeID) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if id != f.self && f.gone[id] == nil {
		f.learn(Member{ID: id, Standing: Dead, Receives: true})
		f.settle()
	}
}

// Heard notes that everything a member wrote up to t has been applied here.
func (f *Frontier) Heard(id cache.NodeID, t uint64) {
	f.change(id, func(m *member) {
		if m.gap == 0 {
			m.heard = max(m.heard, t)
		}
	})
}

// Gap notes that something that a member wrote may have been missed. Heard is
// without effect until a round of syncs with it is complete.
func (f *Frontier) Gap(id cache.NodeID) {
	f.change(id, func(m *member) { f.tick++; m.gap = f.tick })
}

// Reckons takes in whom a member reckons with: all of them, each time.
func (f *Frontier) Reckons(id cache.NodeID, set []Member) {
	f.change(id, func(m *member) { f.takeSet(m, set[:min(len(set), MaxMembers)]) })
}

// Told takes in a member's F, reckoned over the set that it last gave, and up
// to when all is everywhere over the same set. What is everywhere by its reckoning is so by ours: else nodes whose S
// stands still, as a member is silent, would for ever remember different
// removals.
func (f *Frontier) Told(id cache.NodeID, frontier, everywhere uint64) {
	f.change(id, func(m *member) {
		if !f.covers(m) {
			return
		}
		m.told = max(m.told, frontier)
		f.reach(everywhere)
	})
}

// Round begins a round of syncs with a member, whose number it returns.
func (f *Frontier) Round() uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tick
}

// Synced notes that a round is complete: whatever the member had when Round
// was called is here, and the other way round.
func (f *Frontier) Synced(id cache.NodeID, round uint64) {
	f.change(id, func(m *member) {
		if m.gap <= round {
			m.gap = 0
		}
		for _, d := range f.members {
			if at, due := d.rounds[id]; due && at <= round {
				d.rounds[id] = 0
			}
		}
	})
}

// Wants reports whether a round of syncs with a member is wanted that begins
// after the one with that number.
func (f *Frontier) Wants(id cache.NodeID, round uint64) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.members[id]; m != nil && m.gap > round {
		return true
	}
	for _, d := range f.now().leaving {
		if d.rounds[id] > round {
			return true
		}
	}
	return false
}

// Await has S stand still, or go on. It is for members that are expected and were
// never met, so that nobody can say whether they hold what was removed.
func (f *Frontier) Await(unmet bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.unmet = unmet; !unmet {
		f.settle()
	}
}

// Counts reports whether a member counts, or did.
func (f *Frontier) Counts(id cache.NodeID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.members[id] != nil || f.gone[id] != nil || id == f.self
}

// Ended reports whether a member counts no more because its process has ended.
func (f *Frontier) Ended(id cache.NodeID) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	m := f.members[id]
	return m != nil && m.Standing != Counting || f.gone[id] != nil
}

// Forget takes out a member that has been silent for so long that nothing it
// holds is valid any more.
func (f *Frontier) Forget(id cache.NodeID) {
	f.change(id, func(m *member) { f.release(m) })
}

// change does something to a member, if it is one, and draws the conclusions.
func (f *Frontier) change(id cache.NodeID, do func(m *member)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.members[id]; m != nil {
		do(m)
		f.settle()
	}
}
