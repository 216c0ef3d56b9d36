// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"lateral/cache"
)

// seen is what an endpoint of this host sees of how far changes have come.
type seen struct {
	Name   string             `json:"name"`
	Stable cache.StableStatus `json:"stable"`
}

func seenOf(st cache.Status, e cache.EndpointStatus) seen {
	return seen{Name: st.Host + "/" + st.Service + " " + e.Endpoint, Stable: e.Stable}
}

func stableText(s cache.StableStatus) string {
	switch {
	case s.Holder == "":
		return "no other member is known"
	case !s.Known:
		return "removals are remembered until every member has said that it has them: " + s.Holder + " has said nothing yet, as is usual in the first seconds"
	case !s.Linked:
		return fmt.Sprintf("every member has all changes up to %s ago: removals since then are remembered for %s, which is not linked (gone for good? lateral forget)", msText(s.Millis), s.Holder)
	}
	return fmt.Sprintf("every member has all changes up to %s ago, last %s", msText(s.Millis), s.Holder)
}

func msText(ms int64) string { return (time.Duration(ms) * time.Millisecond).String() }

// travelText says how long changes took to a peer and back in the last minute.
func travelText(s cache.Spread) string {
	if s.Count == 0 {
		return ""
	}
	round := func(d time.Duration) time.Duration { return d.Round(max(d/100, time.Microsecond)) }
	return fmt.Sprintf("%v, %v, %v", round(s.P50), round(s.P99), round(s.Max))
}

// behindText says how far a peer is behind, as it says itself.
func behindText(l cache.LinkStatus) string {
	if l.Protocol != "mesh" || l.Behind.Millis < 0 {
		return ""
	}
	return msText(l.Behind.Millis)
}

// troubles says of each region what happened in it that should be rare.
func (s *screen) troubles(regions []cache.RegionStatus) {
	t := &table{head: []string{"region", "stale at most", "now", "what happened"}}
	for _, r := range regions {
		parts := happened(r.Stats)
		if len(parts) == 0 && r.StaleMost == 0 {
			continue
		}
		most, now := "", ""
		if r.StaleMost > 0 {
			most, now = r.StaleMost.String(), r.StaleNow.Round(time.Millisecond).String()
		}
		t.add(r.Region, most, now, strings.Join(parts, ", "))
	}
	if len(t.rows) > 0 {
		s.table("  ", t)
	}
}

// happened says what there was in a region that should be rare.
func happened(x cache.Stats) (parts []string) {
	for _, c := range []struct {
		n         uint64
		one, many string
	}{{x.Overwrites, "concurrent overwrite", "concurrent overwrites"}, {x.RejectedFills, "fill rejected", "fills rejected"}, {x.Gaps, "gap", "gaps"},
		{x.GapDrops, "element dropped by that", "elements dropped by that"}, {x.Skewed, "refused for clock skew", "refused for clock skew"},
		{x.Bypassed, "get past memory", "gets past memory"}, {x.SyncRounds, "sync", "syncs"}} {
		switch c.n {
		case 0:
		case 1:
			parts = append(parts, "1 "+c.one)
		default:
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.many))
		}
	}
	if n := x.SyncBytesIn + x.SyncBytesOut; n > 0 {
		parts = append(parts, bytesText(int64(n))+" by syncs")
	}
	return parts
}
