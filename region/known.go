// SPDX-License-Identifier: Apache-2.0

package region

import (
	"slices"
	"sync"
	"time"

	"lateral/cache"
)

// Known returns what the region knows of a key, or of a floor by its name. It
// notes no access.
func (r *Region) Known(now int64, key string) cache.Known {
	k := cache.Known{State: cache.KnownAbsent, Mode: r.mode.String(), Stable: r.stable(), Retention: r.s.Retention.Milliseconds(), Clock: now,
		Held: r.Held(key), Refused: r.refusals.last(hashOf(key, r.seed))}
	live, dead, bytes := r.mem.size()
	k.Room = (r.s.MaxObjects < 0 || live+dead < r.s.MaxObjects) && (r.s.MaxBytes <= 0 || bytes < r.s.MaxBytes)
	h, floor, found := r.lookup(key)
	if floor {
		if found {
			k.State, k.Stamp = cache.KnownFloor, h.Stamp
		}
		// A removal of everything makes older ones needless.
		if s, _ := r.floors.get(cache.RemoveAll, ""); !s.IsZero() {
			k.Floor, k.FloorAt = cache.NameKey(cache.FloorKey(cache.RemoveAll, "")).String(), s
		}
		return k
	}
	k.Invalid = r.invalid.lastOf(hashOf(key, r.seed))
	tags := ""
	if e := h.common(); found && e.Attr != nil {
		tags = e.Attr.Tags
	}
	if s, op, name := r.floors.which(key, tags); !s.IsZero() {
		k.Floor, k.FloorAt = cache.NameKey(cache.FloorKey(op, name)).String(), s
	}
	if !found {
		return k
	}
	e := h.Element
	if r.mode == Replicate {
		if h.under != nil || !h.shared {
			k.Hidden = h.Stamp
		}
		if h.known().IsZero() {
			return k
		}
		e = h.common()
	}
	Describe(&k, now, &e)
	if e.State == cache.Live && r.overAge(now, &cache.Command{Stamp: e.Stamp}) {
		k.State = cache.KnownExpired
	}
	return k
}

// Describe says of an element what is worth knowing besides its value.
func Describe(k *cache.Known, now int64, e *cache.Element) {
	k.Stamp = e.Stamp
	switch e.State {
	case cache.Tombstone:
		k.State = cache.KnownTombstone
		return
	case cache.Forgotten:
		k.State = cache.KnownForgotten
		return
	}
	k.State, k.Bytes, k.Accessed = cache.KnownLive, len(e.Value.Bytes), e.Accessed
	a := e.Attr
	if k.Eternal = a.Eternal; k.Eternal {
		return
	}
	k.MaxLife, k.MaxIdle = max(a.MaxLife, 0), max(a.MaxIdle, 0)
	ends := []int64{}
	if a.MaxLife > 0 {
		ends = append(ends, e.Stamp.UnixMilli()+a.MaxLife.Milliseconds())
	}
	if a.MaxIdle > 0 {
		ends = append(ends, e.Accessed+a.MaxIdle.Milliseconds())
	}
	if len(ends) > 0 {
		k.Left = max(time.Duration(slices.Min(ends)-now)*time.Millisecond, 1)
	}
	if a.Expired(e.Stamp.UnixMilli(), e.Accessed, now) {
		k.State, k.Left = cache.KnownExpired, 0
	}
}

// lastOf returns when a key, or one that shares its counter, was last
// invalidated (ms); 0 is never, as far as is known.
func (v *invalidations) lastOf(hash uint64) int64 {
	last := v.epochAt.Load()
	if p := v.one.Load(); p != nil {
		last = max(last, p[stripeOf(hash)].at.Load())
	}
	return last
}

// refusals are the last changes that a region did not take, for people who ask
// why; by hash of the key, so that noting one costs no memory.
type refusals struct {
	mu   sync.Mutex
	next int
	ring [256]refusal
}

type refusal struct {
	hash uint64
	at   int64
	s    cache.Stamp
	why  string
}

// lastYear (ms) ends what has a date of four digits.
const lastYear = 253_402_300_799_999

func (f *refusals) note(now int64, hash uint64, s cache.Stamp, why string) {
	if s.UnixMilli() > lastYear {
		s = cache.Stamp{}
	}
	f.mu.Lock()
	f.ring[f.next%len(f.ring)] = refusal{hash, now, s, why}
	f.next++
	f.mu.Unlock()
}

// last returns the newest that is remembered of a key, nil if none is.
func (f *refusals) last(hash uint64) *cache.Refused {
	f.mu.Lock()
	defer f.mu.Unlock()
	for i := range len(f.ring) {
		if x := f.ring[(f.next+2*len(f.ring)-1-i)%len(f.ring)]; x.hash == hash && x.why != "" {
			return &cache.Refused{Stamp: x.s, At: time.UnixMilli(x.at).UTC(), Why: x.why}
		}
	}
	return nil
}

// Why a peer's change is not taken.
const (
	whySkewed  = "its clock is further ahead than MaxAhead: following it would make its writes win for as long"
	whyOlder   = "what is held here is newer: the larger stamp wins"
	whyOverAge = "it is older than the longest life of the region: its removal may be forgotten by now"
	whyFloor   = "a newer removal of many means it"
	whyBuried  = "a removal of it may have been pushed out by capacity: that became a removal of everything older"
)

// refuse notes why a peer's change was not taken, if it was worth a word.
func (r *Region) refuse(now int64, c *cache.Command, has cache.Stamp, followed bool) {
	why := whyFloor
	switch {
	case !followed:
		why = whySkewed
	case c.Stamp == has:
		return // it came twice
	case c.Stamp.Compare(has) < 0:
		why = whyOlder
	case r.overAge(now, c):
		why = whyOverAge
	case c.Stamp.Compare(r.newestBuried()) <= 0:
		why = whyBuried
	}
	r.refusals.note(now, hashOf(c.Key, r.seed), c.Stamp, why)
}

// Size is the number of elements in memory, in any state.
func (r *Region) Size() int {
	live, dead, _ := r.mem.size()
	return live + dead
}
