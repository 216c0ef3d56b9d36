// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// Shrink is one pass of housekeeping: it drops elements over their lifetime,
// writes eternal ones anew whose half is over (of a replicated region), drops
// tombstones and floors beyond the retention and, where the shrinker is on and
// values do not travel, elements that nobody used for MaxMemoryIdle (JCS:
// ShrinkerThread.shrink, which spools these to a disk). No peer is told.
//
// In a replicated region idle elements stay: a copy that one node drops would
// come back from its peers with the next sync. It returns how many went.
func (r *Region) Shrink(now int64) int {
	oldest := now - r.s.Retention.Milliseconds()
	horizon := max(now-r.remembered(), cache.Stamp{Time: r.stable()}.UnixMilli())
	idle := r.s.UseShrinker && r.mode != Replicate && r.s.MaxMemoryIdle >= 0
	left := r.s.MaxPerShrink
	var again []string
	n := r.mem.sweep(func(h *held) verdict {
		if u := h.under; u != nil && past(u.state, u.attr, u.stamp, now, horizon) {
			r.undigest(h)
			h.under = nil
		}
		switch {
		case h.State != cache.Live:
			if !past(h.State, h.Attr, h.Stamp, now, horizon) {
				return stays
			}
			if h.State == cache.Tombstone {
				r.Forget(h.Stamp.Time)
			}
		case !h.live(now) || r.mode == Replicate && h.shared && h.Stamp.UnixMilli() < oldest:
			if h.under != nil {
				return stays // its place in the digest is not over yet
			}
			r.tellDisks(cache.Remove, h.Key, h.Stamp)
			r.hearGone(cache.Expired, h)
			if r.outlived(now, h) {
				return strips
			}
		case idle && left != 0 && now-h.Accessed > r.s.MaxMemoryIdle.Milliseconds():
			left--
			r.spool(h)
			r.hearGone(cache.Evicted, h)
		default:
			if r.mode == Replicate && len(again) < maxRenewed && !r.renewal(now, h).IsZero() {
				again = append(again, h.Key)
			}
			return stays
		}
		r.undigest(h)
		return goes
	})
	if r.mode == Replicate {
		r.expireFloors(max(now-r.remembered(), r.floorsUpTo()))
	}
	r.renew(now, again)
	r.versions.expire(now)
	r.count.shrunk.Add(uint64(n))
	return n
}

// past reports whether the trace of an element may go: a tombstone once it is
// older than the retention, or every node has it; what was only forgotten here once its peers'
// copies are over their lifetime, since before that they would bring it back.
func past(state cache.State, a *cache.Attributes, s cache.Stamp, now, horizon int64) bool {
	if state == cache.Forgotten {
		return a.Expired(s.UnixMilli(), now, now)
	}
	return s.UnixMilli() < horizon
}
