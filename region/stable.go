// SPDX-License-Identifier: Apache-2.0

package region

import (
	"lateral/cache"
)

// A removal is remembered, as a tombstone or a floor, until one of two things
// is known: that every node that holds the region has it (Settings.Stable), or
// that it is older than anything that it may have removed (Retention). There
// is no third: of what capacity pushes out the newest is remembered (bury).

// stable returns up to where removals need not be remembered.
func (r *Region) stable() uint64 {
	if r.s.Stable == nil || r.mode != Replicate {
		return 0
	}
	return r.s.Stable()
}

// Everywhere reports whether every node that holds the region has had what was
// written with a stamp.
func (r *Region) Everywhere(s cache.Stamp) bool { return s.Time <= r.stable() }

// late reports whether a peer's removal is one that every node should have by
// now. If it removes nothing here it says nothing new, and is not remembered
// again. Else it is of a node that was not counted when it removed, as it had
// not met the others yet: it counts, and is remembered until all have what is
// known now.
func (r *Region) late(c *cache.Command) bool { return fromPeer(c.Origin) && c.Stamp.Time <= r.stable() }

// owed reports whether a late removal is remembered although it finds nothing: in a
// bounded region its tombstone takes room elsewhere, and pushes out there what would
// stay here. It is, while a new member may not have all: that may have removed
// it before it met the others. Later, it is the echo of one who forgets later.
func (r *Region) owed(c *cache.Command) bool {
	return (r.s.MaxObjects >= 0 || r.s.MaxBytes > 0) && r.s.Present != nil && c.Stamp.Time > r.s.Present()
}

// removes reports whether a late removal finds something.
func (r *Region) removes(c *cache.Command, prev *held) bool {
	if prev.State == cache.Live && prev.shared && prev.Stamp.Before(c.Stamp) {
		r.struck.Store(true)
		return true
	}
	r.count.stale.Add(1)
	return false
}

func (r *Region) removesMany(s cache.Stamp, op cache.Op, name string) (found bool) {
	r.mem.each(func(h held) bool {
		found = h.State == cache.Live && h.shared && in(op, name, h.Key, h.Attr) && h.Stamp.Before(s)
		return !found
	})
	if found {
		r.struck.Store(true)
	} else {
		r.count.stale.Add(1)
	}
	return found
}

// strikes notes a removal that a sync brought, not the log, and that found something.
func (r *Region) strikes(o cache.Origin, found bool) {
	if found && o == cache.FromSync {
		r.struck.Store(true)
	}
}

// Struck reports, once, whether a removal that comes late, or by a sync, has
// found something. Then peers may have got the same from this node after they
// had forgotten the removal, and have to be compared with.
func (r *Region) Struck() bool { return r.struck.Load() && r.struck.Swap(false) }

// floorsUpTo is the time (ms) from before which floors go, of what is stable.
func (r *Region) floorsUpTo() int64 {
	if s := r.stable(); s >= r.floors.until.Load() {
		return cache.Stamp{Time: s}.UnixMilli()
	}
	return 0
}

// Settle drops the tombstones and floors that every node has by now, and
// returns how many. It costs next to nothing where there are none.
func (r *Region) Settle() (n int) {
	s := r.stable()
	if s == 0 {
		return 0
	}
	n = r.mem.reap(s, func(h *held) { r.undigest(h); r.Forget(h.Stamp.Time) })
	r.expireFloors(r.floorsUpTo())
	return n
}

// expireFloors drops those from before a time (ms).
func (r *Region) expireFloors(upTo int64) {
	before := r.floors.count.Load()
	r.floors.expire(upTo, r.digest)
	if r.floors.count.Load() < before {
		r.Forget(r.stable())
	}
}

// bury is told of what capacity pushed out. It remembers the stamp of the newest that
// some node may lack, and of the newest tombstone among it: what is older than that is out as
// well, here and wherever there are as many elements.
func (r *Region) bury(h *held) {
	s := h.known()
	if r.mode != Replicate || s.IsZero() {
		return
	}
	r.Forget(s.Time) // of a value, too: what it replaced may be on somebody's disk
	if s.Time <= r.stable() {
		return
	}
	raise(&r.unseen, s.Time)
	if h.common().State == cache.Tombstone && s.Compare(r.newestBuried()) > 0 {
		r.buried.Store(&s) // nobody else evicts meanwhile
	}
}

func (r *Region) newestBuried() cache.Stamp {
	if s := r.buried.Load(); s != nil {
		return *s
	}
	return cache.Stamp{}
}

// overBuried reports whether what a peer sends may be what a tombstone removed
// that capacity pushed out, and that there is room for by now. Then this node
// cannot tell, and the stamp of that tombstone becomes the floor of the whole
// region, so that all replicas come to the same end. Without room it would be
// pushed out at once, as elsewhere, which needs no floor.
func (r *Region) overBuried(c *cache.Command) bool {
	at := r.newestBuried()
	if c.Stamp.Compare(at) > 0 || at.Time <= r.stable() {
		return false
	}
	full := r.full(int64(len(c.Key) + len(c.Value.Bytes)))
	if !full && r.floors.raise(cache.RemoveAll, "", at, r.digest) {
		r.tellDisksLate(cache.RemoveAll, "", at)
	}
	return !full
}

// full reports whether an element more, of that many bytes, would push out another.
func (r *Region) full(more int64) bool {
	live, dead, bytes := r.mem.size()
	return r.s.MaxObjects >= 0 && live+dead >= r.s.MaxObjects || r.s.MaxBytes > 0 && bytes+more > r.s.MaxBytes
}

// Lacks reports, once, whether a bounded replicated region may lack what peers
// hold: capacity pushed something out, and there is room now. Tombstones take
// room, and nodes forget them at different times, so another may have had room
// for it all along. Whoever is told so has the replicas compared.
func (r *Region) Lacks() bool { return r.pushed.Load() && !r.full(0) && r.pushed.Swap(false) }

// remembered is how long removals are: longer than any value lives by more than
// the clocks of members may differ.
func (r *Region) remembered() int64 { return (r.s.Retention + r.s.Retention/50).Milliseconds() }

// overAge reports whether a peer sends what is over the longest life.
func (r *Region) overAge(now int64, c *cache.Command) bool {
	return r.mode == Replicate && now-c.Stamp.UnixMilli() > r.s.Retention.Milliseconds()
}

// renewal returns the stamp with which this node is to write an eternal element
// anew, zero if it is not. It is a stamp from before everything that this node
// may not have heard of: what somebody else writes or removes meanwhile wins,
// and where a member is cut off nothing is renewed.
func (r *Region) renewal(now int64, h *held) cache.Stamp {
	s := cache.Stamp{Time: r.stable(), Node: r.clock.Node}
	half := r.s.Retention.Milliseconds() / 2
	if !h.Attr.Eternal || !h.shared || h.State != cache.Live || now-h.Stamp.UnixMilli() <= half ||
		s.UnixMilli()-h.Stamp.UnixMilli() <= half/2 || !r.s.Owns(h.Stamp.Node) {
		return cache.Stamp{}
	}
	return s
}

// maxRenewed is how many elements one pass of housekeeping writes anew.
const maxRenewed = 10_000

// renew writes eternal elements anew, if they still are to be.
func (r *Region) renew(now int64, keys []string) {
	for _, key := range keys {
		hash := hashOf(key, r.seed)
		r.mem.lock(hash)
		if old, found := r.mem.peek(key, hash); found {
			if s := r.renewal(now, &old); !s.IsZero() {
				h := old
				h.Stamp = s
				r.tellPut(&cache.Command{Op: cache.Put, Key: key}, &h, old.Stamp)
				r.redigest(&old, &h)
				r.mem.store(h, hash, now)
			}
		}
		r.mem.unlock(hash)
	}
}
