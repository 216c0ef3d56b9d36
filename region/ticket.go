// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"sync/atomic"

	"lateral/cache"
)

// A Ticket is taken before a value is loaded from where it comes from, and
// handed in with it. Whatever invalidates the key in between makes it void, so
// a value that was read before an invalidation is never kept after it
// (Nishtala et al., NSDI 2013: leases, here within one node). Tickets are
// comparable: two that are equal saw the same invalidations.
type Ticket struct {
	stripe, epoch uint64
	last          int64 // ms, of the latest invalidation that it saw
}

// stripes is how many counters of invalidations a region has. Keys that share
// one reject each other's fills, which costs a load and nothing else.
const stripes = 4096

// invalidations are what tickets are compared with.
type invalidations struct {
	epoch   atomic.Uint64 // of everything, or of more than one key
	epochAt atomic.Int64
	// one counts by key. It is made by the first ticket: before that there is
	// nothing that could be void. 64 KiB.
	one atomic.Pointer[[stripes]stripeCount]
}

type stripeCount struct {
	n  atomic.Uint64
	at atomic.Int64 // ms; written before n
}

// stripeOf takes other bits of the hash than memory does.
func stripeOf(hash uint64) int { return int(hash>>48) & (stripes - 1) }

func (v *invalidations) counters() *[stripes]stripeCount {
	if p := v.one.Load(); p != nil {
		return p
	}
	v.one.CompareAndSwap(nil, new([stripes]stripeCount))
	return v.one.Load()
}

func (v *invalidations) ticket(hash uint64) Ticket {
	s := &v.counters()[stripeOf(hash)]
	t := Ticket{stripe: s.n.Load(), epoch: v.epoch.Load()}
	t.last = max(s.at.Load(), v.epochAt.Load())
	return t
}

// void reports whether the ticket is; the key's lock is held.
func (v *invalidations) void(hash uint64, t Ticket) bool {
	return v.epoch.Load() != t.epoch || v.counters()[stripeOf(hash)].n.Load() != t.stripe
}

// one key was invalidated at now; its lock is held.
func (v *invalidations) add(hash uint64, now int64) {
	if p := v.one.Load(); p != nil {
		s := &p[stripeOf(hash)]
		s.at.Store(now)
		s.n.Add(1)
	}
}

// invalidateAll voids every ticket. It returns after every fill that had found
// its ticket valid is in memory, where the caller then finds it.
func (r *Region) invalidateAll(now int64) {
	r.invalid.epochAt.Store(now)
	r.invalid.epoch.Add(1)
	for i := range uint64(manyShards) { // all locks of either memory
		r.mem.lock(i << 32)
		r.mem.unlock(i << 32)
	}
}

// Ticket is to be taken before a value of the key is loaded.
func (r *Region) Ticket(key string) Ticket { return r.invalid.ticket(hashOf(key, r.seed)) }

// Fill keeps a value that was loaded after t was taken, unless the key has
// been invalidated since, is held (see Hold) or, with a version other than 0, a newer version of
// it is known (see RemoveVersion). It reports whether it did. A fill is no
// write: it is not told to peers, voids no ticket, and in a replicated region
// gives way to what peers write, whatever the stamps.
//
// c holds Key, Value and Attr. With a Stamp and Origin FromLateral it is what
// a peer answered. In a replicated region that is a merge and needs no ticket.
// In an invalidated one the peer may not have heard yet of a removal that this
// node has, so it is kept only where nothing was invalidated for Settings.Quiet.
//
// With Origin FromDisk it is what this node's own disk had, which was told of
// every removal: a ticket decides. In a replicated region it is never kept:
// memory has the elements with the largest stamps, as all replicas do, and
// this one is not among them.
//
// With Origin FromRemote it is what a remote tier had, which tells of every
// change after it was asked: a ticket decides. In a replicated region it is a merge.
//
// An error means that the key or the value breaks a limit.
func (r *Region) Fill(now int64, c cache.Command, version uint64, t Ticket) (stored bool, err error) {
	c.Op = cache.Put
	if c.Origin == cache.Application {
		c.Origin = cache.LocalOnly
	}
	if err := check(&c); err != nil {
		return false, fmt.Errorf("fill in region %s: %w", r.s.Name, err)
	}
	if r.mode == Replicate && foreign(&c) {
		if c.Origin == cache.FromDisk {
			return false, nil
		}
		if c.Stamp.Time <= r.stable() {
			return false, nil // since it was asked for, its removal may have come and been forgotten
		}
		r.put(now, &c)
		return true, nil
	}
	hash := hashOf(c.Key, r.seed)
	r.mem.lock(hash)
	if stored = r.valid(now, &c, version, hash, t); stored {
		_, stored = r.putLocked(now, &c, hash)
	}
	r.mem.unlock(hash)
	if !stored {
		r.count.rejected.Add(1)
		return false, nil
	}
	r.count.fills.Add(1)
	r.mem.evict()
	return true, nil
}

func (r *Region) valid(now int64, c *cache.Command, version, hash uint64, t Ticket) bool {
	if r.Held(c.Key) || r.invalid.void(hash, t) || foreign(c) && fromPeer(c.Origin) && t.last != 0 && now-t.last <= r.s.Quiet.Milliseconds() {
		return false
	}
	return version == 0 || r.versions.raise(now, c.Key, version)
}

// Peek is Get for who has counted his miss already: it notes no access.
func (r *Region) Peek(now int64, key string) (cache.Element, bool) {
	e, _ := r.Lookup(key)
	return e, e.Attr != nil && e.State == cache.Live && !e.Attr.Expired(e.Stamp.UnixMilli(), e.Accessed, now)
}
