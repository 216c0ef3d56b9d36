// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"cmp"
	"math"
	"slices"

	"lateral/cache"
)

// Stable returns S: whatever was written up to then is everywhere, 0 if that
// is not known of anything. It never falls, and costs one load.
func (f *Frontier) Stable() uint64 { return f.stable.Load() }

// Present returns up to when everything is with all members of now: S, but lower
// from when there is a new one until that has all, 0 at first. It costs one load.
func (f *Frontier) Present() uint64 { return f.present.Load() }

// F returns what this node tells of itself, and the version of the set (Set)
// over which it is reckoned.
func (f *Frontier) F() (frontier, version uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.reckon(), f.version
}

// Set returns whom this node reckons with, itself included, its F over them,
// up to when all is everywhere by that, and the version of this set, which
// must not be changed.
func (f *Frontier) Set() (set []Member, frontier, everywhere, version uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	set = f.now().set
	return set, f.reckon(), f.everywhere(), f.version
}

// A roll is who is a member, in the forms that each heartbeat of each link
// needs: made anew for a new version, as that is rare.
type roll struct {
	version uint64
	all     []*member
	leaving []*member // whose process has ended
	listed  int       // of those gone
	set     []Member  // what Set returns
}

// now returns the roll of this version.
func (f *Frontier) now() *roll {
	if f.roll != nil && f.roll.version == f.version {
		return f.roll
	}
	r := &roll{version: f.version, all: make([]*member, 0, len(f.members)), set: make([]Member, 0, len(f.members)+1)}
	r.set = append(r.set, Member{ID: f.self, Receives: true})
	for _, m := range f.members {
		r.all = append(r.all, m)
		r.set = append(r.set, m.Member)
		if m.Standing != Counting {
			r.leaving = append(r.leaving, m)
		}
	}
	for id, d := range f.gone {
		if d.listed {
			r.listed++
			r.set = append(r.set, Member{ID: id, Standing: Gone})
		}
	}
	slices.SortFunc(r.set, func(a, b Member) int { return cmp.Compare(a.ID, b.ID) })
	f.roll = r
	return r
}

// Holding returns the member that S waits for, and since when it does.
func (f *Frontier) Holding() (id cache.NodeID, at uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at = math.MaxUint64
	for _, m := range f.members {
		if t := m.heard; t < at {
			id, at = m.ID, t
		}
		if m.waitedFor() && m.told < at {
			id, at = m.ID, m.told
		}
	}
	return id, at
}

// Progress returns up to when everything that a member wrote is here, and what
// it told of F, 0 if it has told of none that counts.
func (f *Frontier) Progress(id cache.NodeID) (heard, told uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if m := f.members[id]; m != nil {
		return m.heard, m.told
	}
	return 0, 0
}

// waitedFor reports whether a member's F counts for S: a process that has
// ended holds nothing.
func (m *member) waitedFor() bool { return m.Receives && m.Standing == Counting }

// reckon returns F.
func (f *Frontier) reckon() uint64 {
	least := uint64(math.MaxUint64)
	for _, m := range f.now().all {
		least = min(least, m.heard)
	}
	if len(f.members) == 0 {
		return 0
	}
	return least
}

// settle draws the conclusions of a change: who is gone by now, and S.
func (f *Frontier) settle() {
	for _, m := range f.now().leaving {
		if m.Standing == Departed && f.handedOver(m) {
			f.release(m)
		}
	}
	if f.now().listed > 0 {
		f.unlist()
	}
	f.reach(f.everywhere())
}

// everywhere is what S is by the members of now. It falls when there is a new
// one, as S itself must not.
func (f *Frontier) everywhere() uint64 {
	s := f.reckon()
	for _, m := range f.now().all {
		if m.waitedFor() {
			s = min(s, m.told)
		}
	}
	return s
}

// reach has S go on to where everything is everywhere.
func (f *Frontier) reach(s uint64) {
	if f.unmet || len(f.members) >= MaxMembers-1 {
		return
	}
	f.present.Store(max(s, f.present.Load()))
	f.stable.Store(max(s, f.stable.Load()))
}

// handedOver reports whether this node has what any other has of a departed
// member, and notes the rounds of syncs that are due for that: one with each
// other member, begun after nothing more could arrive here nor there.
func (f *Frontier) handedOver(d *member) bool {
	all := true
	for id, m := range f.members {
		if m.Standing != Counting { // its process has ended; what it had is waited for as its own
			continue
		}
		at, due := d.rounds[id]
		if !due && m.set[d.ID] >= Departed {
			f.tick++
			d.rounds[id], at = f.tick, f.tick
		}
		if !due || at != 0 {
			all = false
		}
	}
	return all
}

func (f *Frontier) died(m *member) {
	if m.Standing == Counting {
		m.Standing = Dead
		f.version++
		f.depart(m)
	}
}

// depart notes that nothing more of a dead member can arrive.
func (f *Frontier) depart(m *member) {
	if m.Standing == Dead && !m.linked {
		m.Standing, m.rounds = Departed, map[cache.NodeID]uint64{}
		f.version++
	}
}

func (f *Frontier) release(m *member) {
	delete(f.members, m.ID)
	f.remember(m.ID)
	f.version++
}

// remember keeps an id from coming back, for as long as there is room.
func (f *Frontier) remember(id cache.NodeID) {
	for old, d := range f.gone {
		if len(f.gone) < MaxMembers/2 {
			break
		}
		if !d.listed {
			delete(f.gone, old)
		}
	}
	f.gone[id] = &departed{listed: true}
}

// takeSet learns from whom a member reckons with.
func (f *Frontier) takeSet(m *member, set []Member) {
	m.set, m.covers = make(map[cache.NodeID]Standing, len(set)), 0
	for _, s := range set {
		m.set[s.ID] = s.Standing
		d := f.gone[s.ID]
		switch {
		case s.ID == f.self:
		case d != nil:
			if s.Standing != Gone && !d.listed { // it has heard of it from elsewhere
				d.listed = true
				f.version++
			}
		case s.Standing == Gone && f.members[s.ID] == nil: // never counted here
		default:
			f.learn(s)
		}
	}
}

// learn counts a member that another one counts.
func (f *Frontier) learn(s Member) {
	known := f.members[s.ID] != nil
	m := f.meet(s.ID)
	if m == nil {
		return
	}
	if !known {
		m.Receives = s.Receives
	}
	if s.Standing != Counting {
		f.died(m)
	}
}

// unlist stops telling of those gone with whom nobody reckons any more.
func (f *Frontier) unlist() {
	for id, d := range f.gone {
		if !d.listed {
			continue
		}
		needed := false
		for _, m := range f.members {
			s, there := m.set[id]
			needed = needed || m.set == nil || there && s != Gone
		}
		if !needed {
			d.listed = false
			f.version++
		}
	}
}

// covers reports whether a member reckons with everybody that this node does.
func (f *Frontier) covers(m *member) bool {
	if m.covers == f.version {
		return true
	}
	for id := range f.members {
		if _, ok := m.set[id]; !ok {
			return false
		}
	}
	_, ok := m.set[f.self]
	if ok {
		m.covers = f.version
	}
	return ok
}
