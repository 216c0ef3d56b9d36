// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"
	"time"

	"lateral/cache"
)

const (
	// settleTime is what discovery gets to find the first peer: who has heard
	// of none by then is alone.
	settleTime = time.Second
	// readyPatience is for how long a region waits for peers that are known but
	// not linked, or linked but do not answer.
	readyPatience = 30 * time.Second
)

// Unready says why a region may still lack what peers hold of it, "" once it
// does not; from then on it stays so. That is when it has been filled and, with
// every linked peer that has the region, compared once; peers that do not
// answer for readyPatience are not waited for. A region whose values do not
// travel has nothing to wait for.
func (m *Mesh) Unready(r Region) string {
	f := &m.fills
	if r.Digest() == nil || !m.c.Receive || f.isReady(r.Name()) {
		return ""
	}
	since := f.seen(r.Name(), time.Now())
	if why := m.lacks(r.Name(), since); why != "" {
		return why
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ready[r.Name()] = true
	return ""
}

func (f *fills) isReady(region string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ready[region]
}

// seen returns since when a region waits.
func (f *fills) seen(region string, now time.Time) time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.since[region].IsZero() {
		f.since[region] = now
	}
	return f.since[region]
}

// waiting begins the wait of regions that were made.
func (m *Mesh) waiting() {
	for _, r := range m.c.Regions() {
		if r.Digest() != nil {
			m.fills.seen(r.Name(), time.Now())
		}
	}
}

func (m *Mesh) lacks(region string, since time.Time) string {
	if percent, donors, ok := m.fills.percent(region); ok {
		return fmt.Sprintf("filling %d %%, by %d peers", percent, donors)
	}
	linked := map[cache.NodeID]bool{}
	for _, p := range m.linked() {
		linked[p.id] = true
		if p.owes(region, since) {
			return "comparing with " + p.name()
		}
	}
	waited := time.Since(since)
	if waited >= readyPatience {
		return ""
	}
	known := false
	for _, p := range m.c.Directory.Peers() {
		if p.ID == m.c.ID || p.Stale || linked[p.ID] || len(p.Addrs) == 0 && p.ID == 0 {
			continue
		}
		if known = true; p.Receive || p.ID == 0 {
			return "no link yet with " + m.called(key(p))
		}
	}
	if waited < settleTime && len(linked) == 0 && !known {
		return "looking for peers"
	}
	return ""
}

// owes reports whether a peer that has a region is still to be compared with,
// and getting on.
func (p *peer) owes(region string, since time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.active
	if l == nil || !l.peerHello.Receive || p.shares[region] != replicates || p.rounds.regions[region] > 0 {
		return false
	}
	heard := time.Unix(0, max(l.syncHeard.Load(), l.since.UnixNano(), since.UnixNano()))
	return time.Since(heard) < readyPatience
}
