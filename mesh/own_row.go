// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"cmp"
	"encoding/json"
	"slices"
	"sync"

	"lateral/cache"
)

// An ownRow is this node's row with the order in which it changed: what a link
// has not been told yet is the end of a list, and a link needs to remember no
// more than a number. It is brought up to date once for all links.
type ownRow struct {
	mu    sync.Mutex // guards what follows
	last  uint64     // number of the last change
	floor uint64     // that of the last which is no longer listed
	up    map[cache.NodeID]*rowEntry
	down  map[string]*rowEntry
	order []*rowEntry // by number
}

// A rowEntry is a link that is up, or the reason why one is not.
type rowEntry struct {
	n    uint64 // of its last change
	seen seen   // of a link
	key  string // of a reason: id, or address while no id is known
	why  string
	gone bool
}

// maxGone bounds what is listed of links and reasons that are no more. Who was
// not told of it in time is told all anew.
const maxGone = 1024

// lookAtLinks brings our row up to date.
func (m *Mesh) lookAtLinks() {
	up := map[cache.NodeID]seen{}
	for _, p := range m.linked() {
		if l := p.link(); l != nil && len(up) < maxMembers {
			up[p.id] = l.seen()
		}
	}
	down := map[string]string{}
	for k, why := range m.reasons() {
		if len(down) < maxMembers {
			down[clean(k, maxName)] = clean(why, maxCause)
		}
	}
	m.row.update(up, down)
}

// seen is the peer of a link as the row has it.
func (l *link) seen() seen { return seen{identity: l.peerHello.identity, Addr: l.dialable()} }

// linked notes a new link at once, so that the first row on it, which does not
// wait, tells of this moment.
func (r *ownRow) linked(s seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put(s)
	r.sort()
}

// unlinked notes at once that one has gone: the first row on the next link is
// not to tell a newcomer of it.
func (r *ownRow) unlinked(n cache.NodeID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.up[n]; e != nil && !e.gone {
		r.changed(e, true)
		r.sort()
	}
}

func (r *ownRow) put(s seen) {
	if r.up == nil {
		r.up, r.down = map[cache.NodeID]*rowEntry{}, map[string]*rowEntry{}
	}
	n := cache.NodeID(s.ID)
	e := r.up[n]
	if e == nil {
		if len(r.up) >= maxMembers+maxGone {
			return
		}
		e = &rowEntry{gone: true}
		r.up[n], r.order = e, append(r.order, e)
	}
	if e.gone || e.seen != s {
		e.seen = s
		r.changed(e, false)
	}
}

// sort brings the entries in order, which they nearly are.
func (r *ownRow) sort() {
	byNumber := func(a, b *rowEntry) int { return cmp.Compare(a.n, b.n) }
	if !slices.IsSortedFunc(r.order, byNumber) {
		slices.SortFunc(r.order, byNumber)
	}
	r.forget()
}

func (r *ownRow) update(up map[cache.NodeID]seen, down map[string]string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.up == nil {
		r.up, r.down = map[cache.NodeID]*rowEntry{}, map[string]*rowEntry{}
	}
	before := r.last
	for _, s := range up {
		r.put(s)
	}
	for n, e := range r.up {
		if _, ok := up[n]; !ok && !e.gone {
			r.changed(e, true)
		}
	}
	for k, why := range down {
		e := r.down[k]
		if e == nil {
			e = &rowEntry{key: k, gone: true}
			r.down[k], r.order = e, append(r.order, e)
		}
		if e.gone || e.why != why {
			e.why = why
			r.changed(e, false)
		}
	}
	for k, e := range r.down {
		if _, ok := down[k]; !ok && !e.gone {
			r.changed(e, true)
		}
	}
	if r.last != before {
		r.sort()
	}
}

func (r *ownRow) changed(e *rowEntry, gone bool) {
	r.last++
	e.n, e.gone = r.last, gone
}

// forget keeps what is gone within its bound.
func (r *ownRow) forget() {
	if len(r.order) <= maxGone {
		return
	}
	n := 0
	for _, e := range r.order {
		if e.gone {
			n++
		}
	}
	r.order = slices.DeleteFunc(r.order, func(e *rowEntry) bool {
		if !e.gone || n <= maxGone {
			return false
		}
		n--
		r.floor = e.n
		if e.key != "" {
			delete(r.down, e.key)
		} else {
			delete(r.up, cache.NodeID(e.seen.ID))
		}
		return true
	})
}

// tell makes a frame of what a link has not been told, nil if there is nothing,
// and returns up to which change it has been told then. What has no room waits
// for the next frame: more is true.
func (r *ownRow) tell(told uint64, to *link) (f *rowFrame, now uint64, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f = &rowFrame{Down: map[string]string{}}
	if f.Whole = told == 0 || told < r.floor; f.Whole {
		told = 0
	}
	t := teller{f: f, ids: to.peerHello.Version >= rowVersion, off: !isLoopback(to.conn.RemoteAddr().String()), room: maxRow - 1024}
	who, asked := to.questions()
	f.Who = bytesOf(who)
	t.room -= 2 * len(f.Who)
	for _, n := range asked {
		if e := r.up[n]; e != nil && !e.gone && !t.whole(e) {
			break // it asks again
		}
	}
	first, _ := slices.BinarySearchFunc(r.order, told+1, func(e *rowEntry, n uint64) int { return cmp.Compare(e.n, n) })
	for _, e := range r.order[first:] {
		if !t.tell(e) {
			more = true
			break
		}
		told = e.n
	}
	if !more {
		told = r.last
	}
	f.IDs = bytesOf(t.named)
	if !f.Whole && len(f.Up)+len(f.IDs)+len(f.Gone)+len(f.Down)+len(f.Who) == 0 {
		return nil, told, more
	}
	return f, max(told, 1), more // 0 would be whole again
}

// questions takes what waits to be asked of the peer, and what it has asked.
func (l *link) questions() (who, asked []cache.NodeID) {
	l.mu.Lock()
	defer l.mu.Unlock()
	who, asked = l.who, l.asked
	l.who, l.asked = nil, nil
	slices.Sort(asked) // who asks a thousand times is told once
	return who, slices.Compact(asked)
}

// A teller fills a frame; its methods return false if there is no room.
type teller struct {
	f     *rowFrame
	named []cache.NodeID
	ids   bool // the peer knows members by their ids
	off   bool // it is on another host, where a loopback address means nothing
	room  int
}

// What ids take in a frame, as text and as bytes in base64.
const (
	goneCost = 20
	idCost   = 11
)

func (t *teller) fits(cost int) bool {
	if cost >= t.room {
		return false
	}
	t.room -= cost
	return true
}

func (t *teller) tell(e *rowEntry) bool {
	switch {
	case e.key != "":
		why := e.why
		if e.gone {
			if t.f.Whole {
				return true
			}
			why = ""
		}
		if !t.fits(6*(len(e.key)+len(why)) + 6) { // JSON writes a byte of text as six at most
			return false
		}
		t.f.Down[e.key] = why
		return true
	case e.gone && t.f.Whole:
		return true
	case e.gone:
		if !t.fits(goneCost) {
			return false
		}
		t.f.Gone = append(t.f.Gone, e.seen.ID)
		return true
	case t.ids:
		if !t.fits(idCost) {
			return false
		}
		t.named = append(t.named, cache.NodeID(e.seen.ID))
		return true
	}
	return t.whole(e)
}

// whole tells all that is known of a linked peer.
func (t *teller) whole(e *rowEntry) bool {
	s := e.seen
	if t.off && isLoopback(s.Addr) {
		s.Addr = ""
	}
	b, err := json.Marshal(s)
	if err != nil || !t.fits(len(b)+1) {
		return err != nil
	}
	t.f.Up = append(t.f.Up, s)
	return true
}
