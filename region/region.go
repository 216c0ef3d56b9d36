// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"lateral/cache"
)

// Settings are what a region is made from.
type Settings struct {
	Name       string
	MaxObjects int    // elements in memory; 0 keeps none, < 0 is unbounded
	MaxBytes   int64  // bytes of keys and values; ≤ 0 is unbounded
	Policy     string // "" (W-TinyLFU; lru with MaxBytes), lru, lhmlru, fifo, mru, soft; a replicated region evicts by stamp
	Attr       cache.Attributes

	UseShrinker   bool          // drop elements idle for MaxMemoryIdle, too
	MaxMemoryIdle time.Duration // < 0 is unlimited; not in replicated regions
	MaxPerShrink  int           // elements that one pass may drop for idleness; < 0 is unlimited

	// Retention is the longest life of anything in a replicated region, and so
	// how long a removal is remembered if not every node is known to have it.
	// 0 is EternalLife if elements are eternal or have no longest life, else
	// that or DefaultRetention, whichever is longer.
	Retention time.Duration

	// Owns reports whether this node sees to it that what a node wrote lives on
	// if it is eternal: one of them writes it anew when half of the Retention
	// has passed. nil is true for its own.
	Owns func(writer cache.NodeID) bool

	// Stable returns up to which time (cache.Stamp.Time) every node that holds
	// the region has every change of it, 0 if that is not known of any: so far
	// removals need not be remembered. nil is always 0.
	Stable func() uint64

	// Present returns the same for the nodes that hold the region now: it falls when
	// there is a new one, until that has every change. nil is Stable.
	Present func() uint64

	// Quiet is for how long nothing may have been invalidated before an
	// invalidated region keeps what a peer answers: as long as a peer may go
	// on without hearing of a removal. 0 is DefaultQuiet.
	Quiet time.Duration

	Auxiliaries []Binding // in lookup order

	// Join merges two versions of one key of which at least one has the form
	// cache.FormHash; nil leaves it to the larger stamp alone. See join.go.
	Join Join
}

// Longest lives. There is no eternity: a node that was cut off for longer than
// removals are remembered must have nothing left that was removed.
const (
	DefaultRetention = 24 * time.Hour
	EternalLife      = 90 * 24 * time.Hour
)

func (s *Settings) retention() time.Duration {
	switch {
	case s.Retention > 0:
		return s.Retention
	case s.Attr.Eternal || s.Attr.MaxLife <= 0:
		return EternalLife
	}
	return max(s.Attr.MaxLife, DefaultRetention)
}

// LongestLife returns for how long anything in the region lives at most, and a
// removal is remembered that not every node is known to have.
func (s *Settings) LongestLife() time.Duration { return s.retention() }

// DefaultQuiet is the time after which a silent link is dead, and that for
// which its regions are served nevertheless.
const DefaultQuiet = 15 * time.Second

// A Binding is one auxiliary of a region with what may pass between them.
type Binding struct {
	Name string
	Kind cache.Kind
	Aux  cache.Auxiliary
	Gates
}

// A Digest sums up what a replicated region holds. Its methods may be called
// by many goroutines at once. The room converge has one.
type Digest interface {
	Add(key string, s cache.Stamp)
	Remove(key string, s cache.Stamp)
	// Replace is Remove of one version of a key and Add of another.
	Replace(key string, old, now cache.Stamp)
}

// A Region is a named cache. Its methods may be called by many goroutines.
type Region struct {
	s      Settings
	mode   Mode
	spills bool // what memory has no room for goes to a disk
	filter bool // FilterRemoveByHashCode of its lateral
	attr   *cache.Attributes
	clock  *cache.Clock
	digest Digest
	seed   uint64
	mem    memory
	floors floors
	count  counts

	invalid  invalidations
	versions versions
	watchers watchers
	holds    heldKeys
	refusals refusals

	buried  atomic.Pointer[cache.Stamp] // see bury
	forgot  atomic.Uint64               // see Forgot
	unseen  atomic.Uint64               // see Unseen
	pushed  atomic.Bool                 // capacity pushed out what peers may keep, see Lacks
	doubted atomic.Uint64               // see Doubts
	struck  atomic.Bool                 // a removal found something that peers may hold, see Struck

	merger atomic.Pointer[Merger]

	internMu sync.RWMutex
	interned map[cache.Attributes]*cache.Attributes // guarded by internMu, at most maxInterned
}

// maxInterned bounds how many different attributes a region shares between
// elements; further ones are held by each element for itself.
const maxInterned = 1024

// counts are the part of cache.Stats that the region keeps itself.
type counts struct {
	puts, removes, auxHits, shrunk, received, stale, overwrites, filtered, gapDrops, fills, rejected, skewed, gaps atomic.Uint64
}

// New makes a region. The clock is shared by all regions of a node; digest is
// only used by a replicated region and may be nil for others.
func New(s Settings, clock *cache.Clock, digest Digest) (*Region, error) {
	if s.Name == "" || len(s.Name) > cache.MaxRegion {
		return nil, fmt.Errorf("region %.40q: a name has 1 to %d bytes", s.Name, cache.MaxRegion)
	}
	s.Retention = s.retention()
	if s.Owns == nil {
		s.Owns = func(writer cache.NodeID) bool { return writer == clock.Node }
	}
	if s.Quiet == 0 {
		s.Quiet = DefaultQuiet
	}
	r := &Region{s: s, clock: clock, digest: digest, seed: rand.Uint64(), interned: map[cache.Attributes]*cache.Attributes{}}
	r.attr = r.intern(&s.Attr)
	var laterals []Gates
	for _, b := range s.Auxiliaries {
		if b.Kind == cache.Lateral {
			laterals = append(laterals, b.Gates)
			r.filter = r.filter || b.FilterRemoveByHashCode
		}
		r.spills = r.spills || b.Kind == cache.Disk && (s.MaxObjects >= 0 || s.MaxBytes > 0)
	}
	r.mode = ModeOf(&s.Attr, laterals)
	if r.mode == Replicate && digest == nil {
		return nil, fmt.Errorf("region %s: values travel, so replicas must be comparable; hand New a digest", s.Name)
	}
	r.versions.seed, r.versions.retention = r.seed, s.Retention
	if r.mode == Invalidate && r.Asks() {
		r.invalid.counters() // what was removed before the first ticket counts for Quiet
	}
	if err := r.openMemory(); err != nil {
		return nil, fmt.Errorf("region %s: %w", s.Name, err)
	}
	r.tellTouches()
	return r, nil
}

func (r *Region) openMemory() (err error) {
	p := byAccess
	switch r.policyName() {
	case "tinylfu":
		r.mem, err = newTiny(r.s.MaxObjects, r.seed, r.evicted)
		return err
	case "stamp":
		p = byStamp
	case "fifo":
		p = byArrival
	case "mru":
		p = byMRU
	}
	r.mem = newTable(p, shardsFor(r.s.MaxObjects), r.s.MaxObjects, r.s.MaxBytes, r.seed, r.evicted)
	return nil
}

// policyName is what really decides: LHMLRU keeps the order of LRU in another
// structure of Java's, and soft references do not exist in Go.
func (r *Region) policyName() string {
	switch {
	case r.mode == Replicate:
		return "stamp"
	case r.s.Policy != "":
		return r.s.Policy
	case r.s.MaxBytes > 0 || r.s.MaxObjects == 0:
		return "lru" // otter bounds a number or a weight, not both
	}
	return "tinylfu"
}

// Name returns the region's name.
func (r *Region) Name() string { return r.s.Name }

// Mode returns how the region is kept coherent.
func (r *Region) Mode() Mode { return r.mode }

// Settings returns what the region was made from.
func (r *Region) Settings() Settings { return r.s }

// intern returns a shared copy of a.
func (r *Region) intern(a *cache.Attributes) *cache.Attributes {
	r.internMu.RLock()
	p := r.interned[*a]
	r.internMu.RUnlock()
	if p != nil {
		return p
	}
	own := *a
	r.internMu.Lock()
	defer r.internMu.Unlock()
	if p := r.interned[own]; p != nil {
		return p
	}
	if len(r.interned) < maxInterned {
		r.interned[own] = &own
	}
	return &own
}

func (r *Region) attributes(a *cache.Attributes) *cache.Attributes {
	switch {
	case a == nil || a == r.attr || *a == *r.attr:
		return r.attr
	}
	return r.intern(a)
}

// Status returns the region as people and machines see it.
func (r *Region) Status() cache.RegionStatus {
	st := cache.RegionStatus{Region: r.s.Name, Mode: r.mode.String(), Policy: r.policyName(), MaxObjects: r.s.MaxObjects, Auxiliaries: []string{}}
	for _, b := range r.s.Auxiliaries {
		st.Auxiliaries = append(st.Auxiliaries, b.Name)
	}
	st.Elements, st.Tombstones, st.Bytes = r.mem.size()
	st.Tombstones += int(r.floors.count.Load())
	st.Stats = r.Stats()
	return st
}

// Stats returns the region's counters.
func (r *Region) Stats() cache.Stats {
	c := &r.count
	s := cache.Stats{
		Puts: c.puts.Load(), Removes: c.removes.Load(), AuxHits: c.auxHits.Load(), Shrunk: c.shrunk.Load(),
		Received: c.received.Load(), Stale: c.stale.Load(), Overwrites: c.overwrites.Load(),
		Filtered: c.filtered.Load(), GapDrops: c.gapDrops.Load(),
		Fills: c.fills.Load(), RejectedFills: c.rejected.Load(), Skewed: c.skewed.Load(), Gaps: c.gaps.Load(),
	}
	r.mem.stats(&s)
	return s
}
