// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"lateral/cache"
)

// A remote is what a region has of one of its remote tiers.
type remote struct {
	region string
	cache.RemoteStatus
}

func remotesOf(st *cache.Status) (out []remote) {
	for i := range st.Regions {
		for _, r := range st.Regions[i].Remotes {
			out = append(out, remote{st.Regions[i].Region, r})
		}
	}
	return out
}

var remoteFamilies = []family[remote]{
	yes("remote_works", "1 if every invalidation by the region's remote tier arrives; else the region does as WhenLinkDown says.", func(r *remote) bool { return r.Works }),
	gauge("remote_masters", "Masters of the remote tier whose invalidations arrive.", largest, func(r *remote) float64 { return float64(len(r.Tracked)) }),
	gauge("remote_missing_seconds", "How long invalidations may have been missing; 0 if none is.", largest, func(r *remote) float64 { return r.Missing.Seconds() }),
	gauge("remote_queued", "Changes that wait to be written to the remote tier.", sum, func(r *remote) float64 { return float64(r.Queued) }),
	gauge("remote_lag_seconds", "How long the oldest of them has waited.", largest, func(r *remote) float64 { return time.Duration(r.Lag).Seconds() }),

	count("remote_hits_total", "Gets that memory could not answer and the remote tier did.", func(r *remote) uint64 { return r.Hits }),
	count("remote_misses_total", "Gets that asked the remote tier in vain.", func(r *remote) uint64 { return r.Misses }),
	count("remote_expired_total", "Elements found on the remote tier over their lifetime.", func(r *remote) uint64 { return r.Expired }),
	count("remote_written_total", "Elements written to the remote tier.", func(r *remote) uint64 { return r.Written }),
	count("remote_removed_total", "Removals written to the remote tier.", func(r *remote) uint64 { return r.Removed }),
	count("remote_lost_total", "Elements that did not get to the remote tier: the queue was full (ZombieQueueMaxSize), they are too large (MaxValueBytes), they waited too long, or the server is full.", func(r *remote) uint64 { return r.Lost }),
	count("remote_wiped_total", "How often the region was emptied on the remote tier because more removals came than could wait.", func(r *remote) uint64 { return r.Wiped }),
	count("remote_failures_total", "Attempts at writing to the remote tier that failed.", func(r *remote) uint64 { return r.Failures }),
	count("remote_invalidations_total", "Keys that the remote tier told of.", func(r *remote) uint64 { return r.Invalidations }),
	count("remote_kept_total", "Keys that the remote tier told of and memory has as they are there.", func(r *remote) uint64 { return r.Kept }),
	count("remote_dropped_total", "Keys that the remote tier told of and memory had to let go.", func(r *remote) uint64 { return r.Dropped }),
	count("remote_gaps_total", "How often invalidations may have been missed, so that what was found before is not believed.", func(r *remote) uint64 { return r.Gaps }),
	count("remote_odd_total", "Answers of the remote tier that are no version of an element.", func(r *remote) uint64 { return r.Odd }),
}
