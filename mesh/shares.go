// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"maps"

	"lateral/cache"
)

// A hello lists the regions that a node has. Those made later, when somebody
// first names one that jcs.default binds here, are told by a frame of shares.

// RegionsChanged has every link tell of regions made since its hello, and
// compare the replicated ones: what peers hold of them is not here yet.
func (m *Mesh) RegionsChanged() {
	m.waiting()
	for _, p := range m.linked() {
		if l := p.link(); l != nil {
			l.moreDue.Store(true)
			l.wake()
			if m.uncompared(p) {
				l.syncShared()
			}
		}
	}
}

// uncompared reports whether there is a replicated region that the last
// complete round with a peer did not compare.
func (m *Mesh) uncompared(p *peer) bool {
	for _, r := range m.c.Regions() {
		if r.Digest() != nil && p.syncedRegion(r.Name()) == 0 {
			return true
		}
	}
	return false
}

// shares appends a frame with the regions that the peer has not heard of.
func (l *link) shares(buf []byte) []byte {
	if l.shown == nil {
		l.shown = map[string]bool{}
		for _, r := range l.own.Regions {
			l.shown[r.Name] = true
		}
	}
	var more []regionInfo
	room := maxHello / 2
	for _, r := range l.m.c.Regions() {
		// JSON writes a byte of a name as six at most.
		if room -= infoRoom(r); room > 0 && !l.shown[r.Name()] && len(l.shown) < maxNames {
			more = append(more, infoOf(r))
			l.shown[r.Name()] = true
		}
	}
	if len(more) == 0 {
		return buf
	}
	return appendJSON(buf, frameShares, more)
}

// takeShares notes regions that the peer has made.
func (l *link) takeShares(p []byte) error {
	var more []regionInfo
	if err := decodeJSON(frameShares, p, &more); err != nil {
		return err
	}
	l.peer.mu.Lock()
	l.peer.learnSharesLocked(more)
	l.peer.mu.Unlock()
	l.m.ackers.wake()
	return nil
}

func (p *peer) learnSharesLocked(regions []regionInfo) {
	for _, r := range regions {
		if len(p.shares) < maxNames && len(r.Name) <= cache.MaxRegion && len(r.Mode) <= maxName {
			p.shares[r.Name] = r.Mode
		}
	}
}

// sharedRegions returns the regions that the peer holds, and how.
func (p *peer) sharedRegions() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.shares)
}
