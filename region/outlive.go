// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// An element that replaced one with a longer life, such as "set for five seconds" over
// one for ever, may reach its end while some member still has the older one: that would
// take its place again, on all. So it leaves a tombstone, as a removal does, which
// goes when every member has it. What has the life of all others leaves nothing.

// covers reports whether what peers had instead of an element may outlive it.
func (r *Region) covers(h, prev *held) bool {
	if prev.known().IsZero() {
		return false
	}
	old := prev.common()
	return prev.covers || old.State == cache.Tombstone || old.Attr != h.Attr && r.end(&old) > r.end(&h.Element)
}

// end is when the life of an element is over (ms), however much it is used.
func (r *Region) end(e *cache.Element) int64 {
	life := r.s.Retention
	if a := e.Attr; !a.Eternal && a.MaxLife > 0 {
		life = min(life, a.MaxLife)
	}
	return e.Stamp.UnixMilli() + life.Milliseconds()
}

// outlived reports whether an element over its lifetime leaves a tombstone, and notes what
// follows where it does not (Forgot, Unseen). One that was not used for too long leaves none: it may be in use
// elsewhere.
func (r *Region) outlived(now int64, h *held) bool {
	if r.mode != Replicate || !h.shared {
		return false
	}
	seen := r.Everywhere(h.Stamp)
	switch {
	case h.covers && !seen && now > r.end(&h.Element) && h.Stamp.UnixMilli() >= now-r.remembered():
		return true
	case h.covers:
		r.Forget(h.Stamp.Time) // whoever comes back with elements from a disk may have the older one
	case r.spills && !seen:
		raise(&r.unseen, h.Stamp.Time) // an older one may be on the disk of who has not heard of this one
	}
	return false
}

// arriveOver takes in an element that is over its lifetime when it comes: it removes what was there.
// Who wrote it may have dropped it without a trace, and have taken from here what it replaced:
// all are compared.
func (r *Region) arriveOver(now int64, c *cache.Command, prev *held, was bool, hash uint64) cache.Reply {
	if was && prev.shared {
		r.struck.Store(true)
	}
	r.leave(now, c.Key, hash, c.Origin, c.Stamp, prev, true, tagsOf(c))
	r.tellDisks(cache.Remove, c.Key, c.Stamp)
	r.hearRemoved(c, cache.Remove, c.Key, c.Stamp, was)
	return cache.Reply{Stamp: c.Stamp}
}
