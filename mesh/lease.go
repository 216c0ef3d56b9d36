// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"math"
	"sync"
	"sync/atomic"
	"time"

	"lateral/cache"
)

// Leases (Gray & Cheriton, SOSP 1989) let a node know that nobody's removal
// has passed it by: who holds one from every member may serve what it has in
// memory; who removes something waits until each member has acknowledged that
// or the lease that it granted to it is over.
//
// Nobody compares clocks. The holder counts from the moment it sent the frame
// that asked, the granter from when it granted, which is later, and longer by
// rateMargin. Both read a clock that the wall does not move.
const (
	// MinLease and MaxLease bound what may be asked for: less is lost to any
	// pause of the process, more is how long a removal may have to wait.
	MinLease = 100 * time.Millisecond
	MaxLease = time.Minute
	// rateMargin is the part by which the granter counts longer: each of the
	// two clocks may run up to 1 % fast or slow, 20 times what NTP slews.
	rateMargin = 50
	// asksPerLease: three answers in a row may be late before a lease lapses.
	asksPerLease = 4
)

// leases are the members of the group as strict regions count them, what they
// have granted to this node, and what it has granted to them.
//
// A member is whoever this node has had a link with and who did not say
// goodbye, for as long as it takes: who is cut off may be removing. It is one
// no more when its successor, a later incarnation of the same service, has a
// link with this node, or anybody knows that its process has ended. Besides, a
// member is whoever a linked peer reckons with, linked or not (converge.Frontier
// has these), or discovery believes in, by id or by a configured address.
type leases struct {
	want  atomic.Int64 // ns of the lease that this node asks for; 0: no region is strict
	until atomic.Int64 // ns since Config.Started: till when it holds one from every member
	begin chan struct{}
	once  sync.Once

	taking sync.Mutex // one census at a time; taken before all other locks

	mu       sync.Mutex // guards what follows; taken last
	members  map[cache.NodeID]*fellow
	nameless []string // configured addresses that have not led anywhere yet
	floor    uint64   // no lease is granted to who was not sent our changes up to this one
	holds    map[uint64]*hold
	lastHold uint64
	leaving  bool // nothing is served any more
	ending   bool // nothing is held any more that is not held already
}

// A fellow is one of them.
type fellow struct {
	identity
	receive  bool  // applies what we remove, so it may serve
	link     *link // nil: none now
	met      bool  // it has had one
	believed bool  // see leases
	left     bool  // it said goodbye
	until    int64 // of the lease that this node holds from it
	granted  int64 // when the last lease that it holds from this node is over
}

func (f *fellow) counts() bool { return !f.left && (f.met || f.believed) }

// Strict has this endpoint keep leases of at most that length from all
// members. The shortest that any region asks for counts. It is
// to be called before Run.
func (m *Mesh) Strict(lease time.Duration) {
	s := &m.leases
	for {
		old := s.want.Load()
		if old != 0 && old <= int64(lease) {
			return
		}
		if s.want.CompareAndSwap(old, int64(lease)) {
			break
		}
	}
	m.census()
	s.once.Do(func() { close(s.begin) })
}

// Lease returns till when this node holds leases from all members, as Age will
// say then. Who compares the two after reading memory, having asked for the
// lease before, serves nothing of which a removal has returned anywhere.
func (m *Mesh) Lease() time.Duration { return time.Duration(m.leases.until.Load()) }

// Age is the time since Config.Started, of a clock that the wall does not move.
func (m *Mesh) Age() time.Duration { return time.Since(m.c.Started) }

// renew asks for leases for as long as there are strict regions.
func (m *Mesh) renew(done <-chan struct{}) error {
	select {
	case <-done:
		return nil
	case <-m.leases.begin:
	}
	for {
		for _, p := range m.linked() {
			if l := p.link(); l != nil {
				l.ask()
			}
		}
		m.leases.mu.Lock()
		m.recountLocked() // the time in which others are found may be over
		m.leases.mu.Unlock()
		t := time.NewTimer(time.Duration(m.leases.want.Load()) / asksPerLease)
		select {
		case <-done:
			t.Stop()
			return nil
		case <-t.C:
		}
	}
}

// ask has the write loop ask for a lease.
func (l *link) ask() {
	if l.m.leases.want.Load() != 0 && l.m.c.Receive && l.peerHello.Version >= leaseVersion {
		l.askDue.Store(true)
		l.wake()
	}
}

// takeLease: the peer has granted what was asked for at the time it echoes. By
// the order of the stream all that it had removed before has arrived.
func (l *link) takeLease(s *scan) error {
	sent, lease := s.uint64(), s.uint64()
	if err := s.err(frameLease); err != nil {
		return err
	}
	if sent > uint64(l.m.Age()) || lease > uint64(MaxLease) {
		return protocolErrorf("a lease of %d ns that was asked for at %d, which is to come", lease, sent)
	}
	m := &l.m.leases
	m.mu.Lock()
	defer m.mu.Unlock()
	if p := m.members[l.peer.id]; p != nil && p.link == l {
		p.until = max(p.until, int64(sent+lease))
		l.m.recountLocked()
	}
	return nil
}

// recountLocked publishes till when memory may be served. In the first lease
// of its life a node may not have found the others yet.
func (m *Mesh) recountLocked() {
	s := &m.leases
	until := int64(math.MaxInt64)
	for _, p := range s.members {
		if p.counts() {
			until = min(until, p.until)
		}
	}
	if want := s.want.Load(); want == 0 || s.leaving || !m.c.Receive || len(s.nameless) > 0 || int64(m.Age()) < want {
		until = 0
	}
	s.until.Store(until)
}

// linkLease: l is the peer's link from now on; nil: it has none. Leases and
// holds are of one link, so both begin anew. Whether it said goodbye, and what
// it changed has arrived, is noted at once with that: see bury.
func (m *Mesh) linkLease(p *peer, l *link, left bool) {
	s := &m.leases
	s.mu.Lock()
	e := s.fellowLocked(p.id)
	e.link, e.until = l, 0
	if l != nil {
		e.identity, e.receive, e.met, e.left = l.peerHello.identity, l.peerHello.Receive, true, false
	}
	if left {
		e.left = true
	}
	if l == nil && s.want.Load() == 0 {
		delete(s.members, p.id) // nobody will ask
	}
	m.recountLocked()
	s.mu.Unlock()
	m.ackers.wake()
}

// stopServing is called before the goodbye: peers that have read it wait for
// this node no more.
func (m *Mesh) stopServing() {
	m.leases.mu.Lock()
	m.leases.leaving = true
	m.recountLocked()
	m.leases.mu.Unlock()
}

func (s *leases) fellowLocked(id cache.NodeID) *fellow {
	e := s.members[id]
	if e == nil {
		e = &fellow{receive: true}
		s.members[id] = e
	}
	return e
}
