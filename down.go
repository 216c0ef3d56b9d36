// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"sync/atomic"
	"time"

	"lateral/cache"
	"lateral/ccf"
	"lateral/mesh"
	"lateral/region"
)

// A doubt tells whether removals may be missing: *mesh.Suspicion those of peers,
// *remote.Server those of a remote tier.
type doubt interface {
	Since() (since time.Time, ok bool)
	Losses() uint64
}

// An outage is what a region does while removals cannot arrive, because the
// link to a peer, or the connection with a remote tier, is down (WhenLinkDown,
// StaleMax). Replicated regions have none, nor have local ones without a remote tier, nor those that
// apply nothing of what peers send.
type outage struct {
	when     string // serve, bypass, drop
	staleMax time.Duration
	doubts   []doubt         // of the region's endpoints and remote tiers
	seen     []atomic.Uint64 // drop: losses that the region was emptied for

	bypassed atomic.Uint64
}

// outageOf returns the outage of a region that is about to be made, nil if it
// has none, and sets for how long it is to keep nothing of what peers answer.
func (rs *regions) outageOf(c ccf.Region, mode region.Mode, s *region.Settings) *outage {
	if mode == region.Replicate {
		return nil
	}
	o := &outage{when: c.WhenLinkDown, staleMax: c.StaleMax}
	silent := time.Duration(0)
	for _, name := range c.Auxiliaries {
		if e := rs.n.endpoint(name); e != nil && e.c.Receive {
			o.doubts = append(o.doubts, e.doubt)
			silent = max(silent, e.c.LinkTimeout)
		}
		if t := rs.n.remotes.servers[name]; t != nil {
			o.doubts = append(o.doubts, t)
			silent = max(silent, t.c.LinkTimeout)
		}
	}
	if mode == region.Local && len(o.doubts) == 0 {
		return nil
	}
	if o.when == "bypass" {
		o.staleMax = 0
	}
	o.seen = make([]atomic.Uint64, len(o.doubts))
	s.Quiet = o.staleMax + silent
	return o
}

// bypass reports whether memory must not be looked at now. While no link is
// missed that costs an atomic load or two.
func (b *bound) bypass() bool {
	if b.strict != nil {
		return !b.strict.good(b.strict.take())
	}
	if b.outage == nil {
		return false
	}
	b.dropLost()
	for _, d := range b.outage.doubts {
		if since, ok := d.Since(); ok && time.Since(since) >= b.outage.staleMax {
			return true
		}
	}
	return false
}

// dropLost empties the region if a link was lost since it was asked last. So
// it is empty before anybody reads it, and within a second if nobody does.
func (b *bound) dropLost() {
	o := b.outage
	if o == nil || o.when != "drop" {
		return
	}
	for i, d := range o.doubts {
		if n := d.Losses(); o.seen[i].Load() != n && o.seen[i].Swap(n) != n {
			b.Gap()
		}
	}
}

// Get returns a live element from memory, if the region's memory may be looked
// at now. Peers that ask are answered by it, too.
func (b *bound) Get(now int64, key string) (cache.Element, bool) {
	if b.strict != nil {
		return b.strictGet(now, key)
	}
	if b.bypass() {
		b.outage.bypassed.Add(1)
		return cache.Element{}, false
	}
	return b.Region.Get(now, key)
}

// Status returns the region as people and machines see it.
func (b *bound) Status() cache.RegionStatus {
	st := b.Region.Status()
	st.Disks, st.Remotes = b.diskStatus(), b.remoteStatus()
	if b.outage != nil {
		st.Stats.Bypassed = b.outage.bypassed.Load()
		st.StaleMost, st.StaleNow = b.stale()
	}
	if s := b.strict; s != nil {
		st.Strict, st.Stats.Unleased = true, s.unleased.Load()
		if l := s.take(); s.good(l) {
			st.Lease = time.Duration(min(l, lease(mesh.MaxLease)+lease(time.Since(s.started)))) - time.Since(s.started)
		}
	}
	return st
}
