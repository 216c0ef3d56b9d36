// SPDX-License-Identifier: Apache-2.0

package region

import (
	"math"

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

// old reports whether a peer's removal is one that every node has: it says
// nothing new, and must not be remembered again.
func (r *Region) old(c *cache.Command) bool {
	if !fromPeer(c.Origin) || c.Stamp.Time > r.stable() {
		return false
	}
	r.count.stale.Add(1)
	return true
}

// Settle drops the tombstones and floors that every node has by now, and
// returns how many. It costs next to nothing where there are none.
func (r *Region) Settle() (n int) {
	s := r.stable()
	if s == 0 {
		return 0
	}
	n = r.mem.reap(s, r.undigest)
	r.floors.expire(cache.Stamp{Time: s}.UnixMilli(), r.digest)
	return n
}

// bury is told of what capacity pushed out, and remembers the time of the
// newest tombstone among it that some node may lack. What is older is out as
// well, here and wherever there are as many elements.
func (r *Region) bury(h *held) {
	dead := h.shared && h.State == cache.Tombstone || h.under != nil && h.under.state == cache.Tombstone
	if s := h.known(); r.mode == Replicate && dead && s.Time > r.stable() {
		r.buried.Store(max(r.buried.Load(), s.Time)) // nobody else evicts meanwhile
	}
}

// overBuried reports whether what a peer sends may be what a tombstone removed
// that capacity pushed out, and that there is room for by now. Then this node
// cannot tell, and the time of that tombstone becomes the floor of the whole
// region, so that all replicas come to the same end. Without room it would be
// pushed out at once, as elsewhere, which needs no floor.
func (r *Region) overBuried(c *cache.Command) bool {
	at := r.buried.Load()
	if c.Stamp.Time > at || at <= r.stable() {
		return false
	}
	live, dead, bytes := r.mem.size()
	full := r.s.MaxObjects >= 0 && live+dead >= r.s.MaxObjects ||
		r.s.MaxBytes > 0 && bytes+int64(len(c.Key)+len(c.Value.Bytes)) > r.s.MaxBytes
	if !full {
		r.floors.raise(cache.RemoveAll, "", cache.Stamp{Time: at, Node: math.MaxUint64}, r.digest)
	}
	return !full
}

// Renew writes anew what this node wrote up to a time: values and removals get
// new stamps and are told to peers again. It is for what was written before
// the other nodes counted this one: their removals from that time are
// forgotten, and ours would not be waited for. It returns how many there were.
func (r *Region) Renew(now int64, upTo uint64) (n int) {
	if r.mode != Replicate {
		return 0
	}
	var keys []string
	r.mem.each(func(h held) bool {
		if r.renewable(&h, upTo) {
			keys = append(keys, h.Key)
		}
		return true
	})
	for _, key := range keys {
		hash := hashOf(key, r.seed)
		turn := r.clock.Begin()
		r.mem.lock(hash)
		if h, found := r.mem.peek(key, hash); found && r.renewable(&h, upTo) {
			r.renew(now, &h, hash)
			n++
		}
		r.mem.unlock(hash)
		r.clock.End(turn)
	}
	for _, f := range r.floors.elements() {
		if f.Stamp.Node == r.clock.Node && f.Stamp.Time <= upTo {
			op, name, _ := cache.SplitFloor(f.Key)
			r.removeMany(now, &cache.Command{Op: op, Key: name}, op, name)
			n++
		}
	}
	return n
}

func (r *Region) renewable(h *held, upTo uint64) bool {
	return h.shared && h.Stamp.Node == r.clock.Node && h.Stamp.Time <= upTo
}

// renew gives an element a new stamp; its lock is held.
func (r *Region) renew(now int64, old *held, hash uint64) {
	h := *old
	h.Stamp = r.clock.Next(now)
	c := cache.Command{Op: cache.Put, Key: h.Key}
	if h.State == cache.Tombstone {
		r.tellRemove(&c, cache.Remove, h.Key, h.Stamp)
	} else {
		r.tellPut(&c, &h)
	}
	r.redigest(old, &h)
	r.mem.store(h, hash, now)
}
