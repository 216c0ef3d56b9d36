// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/binary"
	"time"

	"lateral/cache"
)

// A row is one node's links: those that are up, and why others are not. Every
// node tells its own row to all it is linked with, and so holds the matrix.
//
// Only what has changed is told, and not at once: when a cluster of N starts,
// each node's row changes N times, and N×N×N whole rows would be more than all
// else that it has to do. And members are told of by their ids: what these stand
// for, a node asks of one peer if discovery has not told it.
type row struct {
	up   map[cache.NodeID]struct{}
	down map[string]string // id, or address while no id is known → cause
}

// rowVersion is the first that is told ids, and asks who they are. Older ones are
// told all of each member by everybody.
const rowVersion = 5

// rowPause gathers the changes of a row before they are told; the more links
// there are to tell, the longer.
const (
	rowPause        = 10 * time.Millisecond
	rowPausePerLink = 2 * time.Millisecond
)

// relearnEvery is how often what peers said of members without a link is told to the
// directory again. It forgets whoever it has not heard of for long; but who
// has a link with a peer of ours is a member, and only hearsay where there is
// no multicast.
const relearnEvery = 5 * time.Second

// rowChanged has our row told, soon.
func (m *Mesh) rowChanged() {
	select {
	case m.rowPoke <- struct{}{}:
	default:
	}
}

// publishRows has every link tell what changed in our row, not too often.
func (m *Mesh) publishRows(ctx context.Context) error {
	again := time.NewTicker(relearnEvery)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-again.C:
			m.relearn()
			continue
		case <-m.rowPoke:
		}
		links := m.linked()
		pause(ctx, rowPause+time.Duration(len(links))*rowPausePerLink)
		m.lookAtLinks()
		for _, p := range m.linked() {
			if l := p.link(); l != nil {
				l.rowDue.Store(true)
				l.wake()
			}
		}
	}
}

// take brings what a peer said of its row up to date, and returns the members
// that it named by id.
func (r *row) take(f *rowFrame) (named []cache.NodeID) {
	if f.Whole || r.up == nil {
		*r = row{up: map[cache.NodeID]struct{}{}, down: map[string]string{}}
	}
	for _, n := range nodesOf(f.IDs) {
		if len(r.up) < maxMembers && n != 0 {
			r.up[n] = struct{}{}
			named = append(named, n)
		}
	}
	for i := range f.Up {
		if s := &f.Up[i]; len(r.up) < maxMembers && s.ID != 0 && s.check() == nil {
			r.up[cache.NodeID(s.ID)] = struct{}{}
		}
	}
	for _, n := range f.Gone {
		delete(r.up, cache.NodeID(n))
	}
	for k, why := range f.Down {
		k = clean(k, maxName)
		if why == "" {
			delete(r.down, k)
		} else if len(r.down) < maxMembers {
			r.down[k] = clean(why, maxCause)
		}
	}
	return named
}

// takeRow notes what a peer says of its links, and learns of members from it.
func (l *link) takeRow(p []byte) error {
	var f rowFrame
	if err := decodeJSON(frameRow, p, &f); err != nil {
		return err
	}
	l.peer.mu.Lock()
	named := l.peer.row.take(&f)
	l.peer.heard = time.Now()
	l.peer.mu.Unlock()
	l.m.learn(f.Up[:min(len(f.Up), maxMembers)])
	l.m.census() // before a lease that comes after it
	if l.wantsToKnow(l.m.unknown(named), nodesOf(f.Who)) {
		l.rowDue.Store(true)
		l.wake()
	}
	return nil
}

// wantsToKnow notes of whom the peer is to be asked, and whom it asks of; it
// reports whether there is any.
func (l *link) wantsToKnow(of, asked []cache.NodeID) bool {
	if len(of)+len(asked) == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.who)+len(of) <= maxMembers {
		l.who = append(l.who, of...)
	}
	if len(l.asked)+len(asked) <= maxMembers {
		l.asked = append(l.asked, asked...)
	}
	return true
}

// nodesOf and bytesOf turn ids into bytes and back: as text they would take twice
// as much.
func nodesOf(b []byte) (out []cache.NodeID) {
	for ; len(b) >= 8 && len(out) < maxMembers; b = b[8:] {
		out = append(out, cache.NodeID(binary.BigEndian.Uint64(b)))
	}
	return out
}

func bytesOf(ids []cache.NodeID) (out []byte) {
	for _, n := range ids {
		out = binary.BigEndian.AppendUint64(out, uint64(n))
	}
	return out
}
