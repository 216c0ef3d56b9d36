// SPDX-License-Identifier: Apache-2.0

package metrics

import "lateral/cache"

type region = cache.RegionStatus

var regionInfos = []info[region]{
	{name: "region_info", help: "How a region is kept; always 1.", labels: []string{"mode", "policy"}, of: func(r *region) []string { return []string{r.Mode, r.Policy} }},
}

var regionFamilies = []family[region]{
	gauge("region_elements", "Elements in memory.", sum, func(r *region) float64 { return float64(r.Elements) }),
	gauge("region_tombstones", "Removals that are remembered.", sum, func(r *region) float64 { return float64(r.Tombstones) }),
	gauge("region_bytes", "Bytes of keys and values in memory.", sum, func(r *region) float64 { return float64(r.Bytes) }),
	gauge("region_max_elements", "Most elements in memory (MaxObjects); no series if there is no limit.", sum, func(r *region) float64 {
		if r.MaxObjects <= 0 {
			return unknown
		}
		return float64(r.MaxObjects)
	}),
	yes("region_ready", "1 if the region lacks nothing that peers held when they were first linked.", func(r *region) bool { return r.Ready }),
	gauge("region_staleness_bound_seconds", "How stale at most an invalidated region may be, whatever link fails (LinkTimeout + StaleMax).", most, func(r *region) float64 {
		if r.StaleMost <= 0 {
			return unknown
		}
		return r.StaleMost.Seconds()
	}),
	gauge("region_staleness_seconds", "How stale at most an invalidated region is as things are.", most, func(r *region) float64 {
		if r.StaleMost <= 0 {
			return unknown
		}
		return r.StaleNow.Seconds()
	}),
	gauge("region_lease_seconds", "For how long a strict region may be served if no lease is renewed; 0: it is not served.", least, func(r *region) float64 {
		if !r.Strict {
			return unknown
		}
		return r.Lease.Seconds()
	}),

	count("region_gets_total", "Gets, whatever they were answered with.", func(r *region) uint64 {
		return r.Stats.Hits + r.Stats.Misses + r.Stats.Expired + r.Stats.Bypassed + r.Stats.Unleased
	}),
	count("region_hits_total", "Gets answered from memory.", func(r *region) uint64 { return r.Stats.Hits }),
	count("region_auxiliary_hits_total", "Gets that memory could not answer and an auxiliary (a peer) did.", func(r *region) uint64 { return r.Stats.AuxHits }),
	count("region_misses_total", "Gets for which memory had nothing; an auxiliary may have been asked then.", func(r *region) uint64 { return r.Stats.Misses }),
	count("region_expired_gets_total", "Gets that found an element over its lifetime.", func(r *region) uint64 { return r.Stats.Expired }),
	count("region_bypassed_gets_total", "Gets that did not look in memory because a link was down (WhenLinkDown).", func(r *region) uint64 { return r.Stats.Bypassed }),
	count("region_unleased_gets_total", "Gets that a strict region did not answer from memory for want of a lease.", func(r *region) uint64 { return r.Stats.Unleased }),
	count("region_puts_total", "Puts and updates by callers on this node.", func(r *region) uint64 { return r.Stats.Puts }),
	count("region_removes_total", "Removals by callers on this node.", func(r *region) uint64 { return r.Stats.Removes }),
	count("region_evictions_total", "Elements that left memory over capacity.", func(r *region) uint64 { return r.Stats.Evictions }),
	count("region_shrunk_total", "Elements taken by the shrinker, over their lifetime or idle.", func(r *region) uint64 { return r.Stats.Shrunk }),

	count("region_received_changes_total", "Changes of peers that were applied.", func(r *region) uint64 { return r.Stats.Received }),
	count("region_stale_changes_total", "Changes of peers that were older than what was held.", func(r *region) uint64 { return r.Stats.Stale }),
	count("region_overwrites_total", "Concurrent overwrites: two nodes wrote a key, neither knowing of the other.", func(r *region) uint64 { return r.Stats.Overwrites }),
	count("region_filtered_removals_total", "Removals skipped because the value was equal (FilterRemoveByHashCode).", func(r *region) uint64 { return r.Stats.Filtered }),
	count("region_skewed_changes_total", "Changes of peers refused because their clock is too far ahead.", func(r *region) uint64 { return r.Stats.Skewed }),
	count("region_gaps_total", "How often a link may have missed removals, so that the region was emptied.", func(r *region) uint64 { return r.Stats.Gaps }),
	count("region_gap_drops_total", "Elements dropped because a link may have missed their removal.", func(r *region) uint64 { return r.Stats.GapDrops }),
	count("region_fills_total", "Values loaded (GetOrLoad, auxiliaries) and kept.", func(r *region) uint64 { return r.Stats.Fills }),
	count("region_rejected_fills_total", "Values loaded and not kept: the key was invalidated meanwhile, or a newer version is known.", func(r *region) uint64 { return r.Stats.RejectedFills }),

	count("region_syncs_total", "Comparisons with a peer that this node asked for.", func(r *region) uint64 { return r.Stats.SyncRounds }),
	count("region_sync_received_elements_total", "Elements received by syncs.", func(r *region) uint64 { return r.Stats.SyncIn }),
	count("region_sync_sent_elements_total", "Elements sent by syncs.", func(r *region) uint64 { return r.Stats.SyncOut }),
	count("region_sync_received_bytes_total", "Bytes of frames of syncs received, elements included.", func(r *region) uint64 { return r.Stats.SyncBytesIn }),
	count("region_sync_sent_bytes_total", "Bytes of frames of syncs sent, elements included.", func(r *region) uint64 { return r.Stats.SyncBytesOut }),
}
