// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"slices"
	"strings"
	"time"

	"lateral/cache"
)

// Status returns the tier as people and machines see it, without its name.
func (t *Tier) Status() cache.RemoteStatus {
	t.s.mu.Lock()
	st := cache.RemoteStatus{Servers: strings.Join(t.s.c.Addrs, ","), Mode: t.s.mode, Why: t.s.why, Gaps: t.s.gaps}
	for addr, tr := range t.s.trackers {
		if tr.up.Load() {
			st.Tracked = append(st.Tracked, addr)
		}
	}
	t.s.mu.Unlock()
	slices.Sort(st.Tracked)
	st.Works = t.s.tracking()
	if since, down := t.s.Since(); down {
		st.Missing = time.Since(since)
		if st.Why == "" {
			st.Why = "a connection was lost a moment ago"
		}
	} else {
		st.Why = ""
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	c := &t.count
	st.Queued = t.queue.size() + t.writing.size()
	if st.Queued > 0 {
		st.Lag = max(t.s.c.Now().Sub(t.oldest), 0)
	}
	st.Hits, st.Misses, st.Expired, st.Written, st.Removed, st.Lost, st.Wiped, st.Failures = c.hits, c.misses, c.expired, c.written, c.removed, c.lost, c.wiped, c.failures
	st.Invalidations, st.Kept, st.Dropped, st.Odd = c.invalidations, c.kept, c.dropped, c.odd
	return st
}
