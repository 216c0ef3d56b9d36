// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"lateral/cache"
)

// A row is one node's links: those that are up, and why others are not. Every
// node tells its own row to all it is linked with, and so holds the matrix.
//
// Only what has changed is told, and not at once: when a cluster of N starts,
// each node's row changes N times, and N×N×N whole rows would be more than all
// else that it has to do.
type row struct {
	up   map[cache.NodeID]seen
	down map[string]string // id, or address while no id is known → cause
}

// rowPause gathers the changes of a row before they are told; the more links
// there are to tell, the longer.
const (
	rowPause        = 10 * time.Millisecond
	rowPausePerLink = 2 * time.Millisecond
)

// relearnEvery is how often what peers said of their links is told to the
// directory again. It forgets whoever it has not heard of for long; but who
// has a link with a peer of ours is a member, and only hearsay where there is
// no multicast.
const relearnEvery = 5 * time.Second

// goneCost is what an id takes in a row.
const goneCost = 20

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
			for _, p := range m.linked() {
				p.mu.Lock()
				up := slices.Collect(maps.Values(p.row.up))
				p.mu.Unlock()
				m.learn(up)
			}
			continue
		case <-m.rowPoke:
		}
		links := m.linked()
		pause(ctx, rowPause+time.Duration(len(links))*rowPausePerLink)
		for _, p := range m.linked() {
			if l := p.link(); l != nil {
				l.rowDue.Store(true)
				l.wake()
			}
		}
	}
}

// rowFor is our row as the peer of a link may know it: a loopback address
// means nothing on another host.
func (m *Mesh) rowFor(to *link) row {
	r := row{up: map[cache.NodeID]seen{}, down: map[string]string{}}
	off := !isLoopback(to.conn.RemoteAddr().String())
	for _, p := range m.linked() {
		l := p.link()
		if l == nil || len(r.up) >= maxMembers {
			continue
		}
		s := seen{identity: l.peerHello.identity, Addr: l.dialable()}
		if off && isLoopback(s.Addr) {
			s.Addr = ""
		}
		r.up[p.id] = s
	}
	for k, why := range m.reasons() {
		if len(r.down) < maxMembers {
			r.down[k] = clean(why, maxCause)
		}
	}
	return r
}

// since is what has changed from what was told, nil if nothing has; told is
// brought up to date. What has no room in a frame waits for the next change.
func (r row) since(told *row) *rowFrame {
	f := &rowFrame{Whole: told.up == nil, Down: map[string]string{}}
	if f.Whole {
		*told = row{up: map[cache.NodeID]seen{}, down: map[string]string{}}
	}
	room := maxRow - 1024
	for n, s := range r.up {
		if told.up[n] == s {
			continue
		}
		if b, err := json.Marshal(s); err == nil && len(b) < room {
			room -= len(b) + 1
			f.Up = append(f.Up, s)
			told.up[n] = s
		}
	}
	for n := range told.up {
		if _, ok := r.up[n]; !ok && room > goneCost {
			room -= goneCost
			f.Gone = append(f.Gone, id(n))
			delete(told.up, n)
		}
	}
	for k, why := range r.down {
		// JSON writes a byte of text as six at most.
		if cost := 6*(len(k)+len(why)) + 6; told.down[k] != why && cost < room {
			room -= cost
			f.Down[k], told.down[k] = why, why
		}
	}
	for k := range told.down {
		if cost := 6*len(k) + 6; r.down[k] == "" && cost < room {
			room -= cost
			f.Down[k] = ""
			delete(told.down, k)
		}
	}
	if !f.Whole && len(f.Up)+len(f.Gone)+len(f.Down) == 0 {
		return nil
	}
	return f
}

// take brings what a peer said of its row up to date.
func (r *row) take(f *rowFrame) {
	if f.Whole || r.up == nil {
		*r = row{up: map[cache.NodeID]seen{}, down: map[string]string{}}
	}
	for _, s := range f.Up {
		if len(r.up) < maxMembers && s.ID != 0 && s.check() == nil {
			r.up[cache.NodeID(s.ID)] = s
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
}

// takeRow notes what a peer says of its links, and learns of members from it.
func (l *link) takeRow(p []byte) error {
	var f rowFrame
	if err := decodeJSON(frameRow, p, &f); err != nil {
		return err
	}
	l.peer.mu.Lock()
	l.peer.row.take(&f)
	l.peer.heard = time.Now()
	l.peer.mu.Unlock()
	l.m.census() // before a lease that comes after it
	l.m.learn(f.Up[:min(len(f.Up), maxMembers)])
	return nil
}

// learn hands the directory what a peer said of those it is linked with.
func (m *Mesh) learn(up []seen) {
	for _, s := range up {
		if s.ID == m.self.ID || s.ID == 0 || s.Addr == "" || s.check() != nil {
			continue
		}
		m.c.Directory.Learn(Peer{ID: cache.NodeID(s.ID), Node: cache.NodeID(s.Node), Host: s.Host, Service: s.Service,
			Endpoint: s.Endpoint, PID: s.PID, Addrs: []string{s.Addr}, Receive: s.Port != 0, Heard: time.Now(), Source: "peer"})
	}
}
