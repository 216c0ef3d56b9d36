// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"slices"
	"time"

	"lateral/cache"
)

// A Share is a region that is to be handed over before a node leaves.
type Share struct {
	Region string
	Want   cache.Acks // how many peers are to hold all of it

	Held    int    // how many do
	Changes uint64 // of this node that as many as wanted have not acknowledged, as far as the log still has them
}

// handoverTick is how often a handover looks how far it has come.
const handoverTick = 5 * time.Millisecond

// Handover returns when as many peers as wanted hold everything that this node
// held of the regions when it was called: each linked peer is compared with,
// and sent what it lacks. It returns those regions of which that cannot be
// said: when ctx ends, or at once where fewer members than wanted are known.
func (m *Mesh) Handover(ctx context.Context, shares []Share) (left []Share) {
	tick := time.NewTicker(handoverTick)
	defer tick.Stop()
	rounds := map[*link]uint64{}
	last := m.Logged() // who does not receive holds nothing but its own, and compares with nobody
	for {
		hope := false
		left = left[:0]
		for _, s := range shares {
			links, members := m.holders(s.Region)
			need := needed(s.Want, len(links))
			if s.Want == cache.LinkedAcks && members > 1 {
				need = max(need, 1) // who is known is waited for, for once
			}
			for _, l := range links {
				if rounds[l] == 0 {
					rounds[l] = l.syncShared()
				}
				if l.peer.syncedRegion(s.Region) >= rounds[l] || !m.c.Receive && l.peer.has(last) {
					s.Held++
				}
			}
			if s.Held < need {
				s.Changes = m.unacked(s.Region, links, need)
				left = append(left, s)
				hope = hope || members > need
			}
		}
		if !hope {
			return left
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return left
		}
	}
}

// unacked counts the changes of a region that fewer than so many of the links'
// peers have acknowledged.
func (m *Mesh) unacked(region string, links []*link, need int) uint64 {
	acked := make([]uint64, len(links))
	for i, l := range links {
		acked[i] = l.peer.acked.Load()
	}
	slices.Sort(acked)
	from := uint64(0)
	if need <= len(acked) {
		from = acked[len(acked)-need]
	}
	return m.c.Log.Lag(from, m.c.Now().UnixMilli()).Regions[region].Changes
}

// has reports whether the peer has applied a change.
func (p *peer) has(change uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hasLocked(change)
}
