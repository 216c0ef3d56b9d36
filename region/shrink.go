// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// Shrink is one pass of housekeeping: it drops elements over their lifetime,
// tombstones and floors beyond the retention and, where the shrinker is on and
// values do not travel, elements that nobody used for MaxMemoryIdle (JCS:
// ShrinkerThread.shrink, which spools these to a disk). Nobody is told.
//
// In a replicated region idle elements stay: a copy that one node drops would
// come back from its peers with the next sync. It returns how many went.
func (r *Region) Shrink(now int64) int {
	horizon := now - r.s.Retention.Milliseconds()
	idle := r.s.UseShrinker && r.mode != Replicate && r.s.MaxMemoryIdle >= 0
	left := r.s.MaxPerShrink
	n := r.mem.sweep(func(h held) bool {
		keep := true
		switch {
		case h.State != cache.Live:
			keep = h.Stamp.UnixMilli() >= horizon
		case !h.live(now):
			keep = false
		case idle && left != 0 && now-h.Accessed > r.s.MaxMemoryIdle.Milliseconds():
			keep = false
			left--
		}
		if !keep {
			r.undigest(h)
		}
		return keep
	})
	r.floors.expire(horizon, func(key string, s cache.Stamp) { r.digest.Remove(key, s) })
	r.count.shrunk.Add(uint64(n))
	return n
}
