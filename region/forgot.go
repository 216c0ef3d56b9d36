// SPDX-License-Identifier: Apache-2.0

package region

import (
	"sync/atomic"

	"lateral/cache"
)

// Forgot returns the time (of stamps) of the newest removal, or value that replaced another,
// that this node, or whoever it has its elements from, may not remember any more or is about to
// forget; 0: none. It is told to peers that come back with elements from a
// disk: what is older may have been removed, or replaced.
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
func (r *Region) Forget(time uint64) { raise(&r.forgot, time) }

// Unseen returns the time (of stamps) of the newest version that capacity pushed out, or whose life
// was over, before every member had it; 0: none. No sync brings it to those any more: what they have on
// their disks, beyond what memory holds, may be older.
func (r *Region) Unseen() uint64 { return r.unseen.Load() }

// Doubts has no disk be given, up to the end of the node, what memory holds now and has no room
// for later, and reports whether that is to be so: a peer's Unseen says that members had
// versions which this node has not had. What disks have is the caller's to drop.
func (r *Region) Doubts(now int64, unseen uint64) bool {
	if r.mode != Replicate || unseen <= r.stable() {
		return false
	}
	raise(&r.doubted, r.clock.Next(now).Time)
	return true
}

// Doubted reports whether disks may lack what memory holds, see Doubts.
func (r *Region) Doubted() bool { return r.doubted.Load() > 0 }

func raise(a *atomic.Uint64, to uint64) {
	for {
		old := a.Load()
		if to <= old || a.CompareAndSwap(old, to) {
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
