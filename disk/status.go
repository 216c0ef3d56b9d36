// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"math"

	"lateral/cache"
)

// Status returns what there is on disk, and what happened since the start.
func (d *Disk) Status() cache.DiskStatus {
	d.files.RLock()
	defer d.files.RUnlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	c := &d.count
	st := cache.DiskStatus{Path: d.c.Dir, Works: d.store != nil, Why: d.why, MaxElements: d.c.MaxElements, MaxBytes: d.c.MaxBytes,
		Queued: d.queue.size(), Hits: c.hits, Misses: c.misses, Expired: c.expired, Written: c.written, Removed: c.removed, Evicted: c.evicted,
		Lost: c.lost, Wiped: c.wiped, Harmed: c.harmed, Packed: c.packed, Failures: c.failures, Unproven: c.unproven}
	if d.writing != nil {
		st.Queued += d.writing.size()
	}
	if d.store != nil {
		st.Elements, st.Tombstones, st.Bytes, st.FileBytes = d.seen.live, d.seen.dead, int64(d.seen.bytes), d.store.size()
	}
	return st
}

// Restore offers what an earlier life left and this one believes: removals of
// many first, then the n newest elements and removals (n < 0: all), the oldest
// of them first. It is to be called before Run. Until is the time, of stamps, up
// to when the earlier life knew of every removal; 0 if nothing is left of it.
func (d *Disk) Restore(n int, visit func(e cache.Element)) (until uint64) {
	s := d.currentStore()
	if s == nil || s.live+s.dead == 0 {
		return 0
	}
	until = cache.StampAt(d.until, 0).Time
	now := d.c.Now().UnixMilli()
	d.mu.Lock()
	for k, stamp := range d.floors {
		visit(cache.Element{Key: cache.FloorKey(k.op, k.name), Stamp: stamp, State: cache.Floor})
	}
	d.mu.Unlock()
	if n < 0 {
		n = math.MaxInt
	}
	err := s.newest(n, func(e *cache.Element) {
		d.mu.Lock()
		skip := d.over(e, now) || d.coveredLocked(e)
		d.mu.Unlock()
		if until = max(until, e.Stamp.Time); !skip {
			visit(*e)
		}
	})
	if err != nil {
		d.replace(s, err)
	}
	return until
}
