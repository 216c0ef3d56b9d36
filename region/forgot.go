// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// Forgot returns the time (of stamps) of the newest removal that this node, or
// whoever it has its elements from, may not remember any more or is about to
// forget; 0: none. It is told to peers that come back with elements from a
// disk: what is older may have been removed.
func (r *Region) Forgot() uint64 {
	if r.mode != Replicate {
		return 0
	}
	f := r.forgot.Load()
	if _, dead, _ := r.mem.size(); dead > 0 || r.floors.count.Load() > 0 {
		f = max(f, r.stable())
	}
	return f
}

// Forget notes a removal that is not remembered any more, here or at a peer.
func (r *Region) Forget(time uint64) {
	for {
		old := r.forgot.Load()
		if time <= old || r.forgot.CompareAndSwap(old, time) {
			return
		}
	}
}

// DropOlder drops the elements that peers may hold, too, and that were written
// up to a time, without telling anybody: a removal of them may have been
// forgotten. It returns how many.
func (r *Region) DropOlder(time uint64) (n int) {
	return r.mem.sweep(func(h *held) verdict {
		if u := h.under; u != nil && u.state != cache.Tombstone && u.stamp.Time <= time {
			r.undigest(h)
			h.under = nil
		}
		if h.State != cache.Live || !h.shared || h.Stamp.Time > time {
			return stays
		}
		r.undigest(h)
		r.hearGone(cache.Evicted, h)
		return goes
	})
}
