// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"
	"time"

	"lateral/cache"
)

// remotes prints what regions have of remote tiers, if any has.
func (s *screen) remotes(regions []cache.RegionStatus) {
	t := &table{head: []string{"region", "remote tier", "server", "hits", "misses", "written", "removed", "told of", "dropped", "lost", "waiting", "for", "what happened"}}
	t.right = map[int]bool{}
	for i := 3; i <= 11; i++ {
		t.right[i] = true
	}
	for _, r := range regions {
		for _, d := range r.Remotes {
			t.add(r.Region, d.Name, serverText(d), d.Hits, d.Misses, d.Written, d.Removed, d.Invalidations, d.Dropped, d.Lost, d.Queued, d.Lag.Round(time.Millisecond), strings.Join(onRemote(d), ", "))
		}
	}
	if len(t.rows) > 0 {
		s.table("  ", t)
	}
}

// serverText is a server in a few words.
func serverText(d cache.RemoteStatus) string {
	servers := strings.Split(d.Servers, ",")
	text := servers[0]
	if n := len(servers) - 1; n > 0 {
		text += fmt.Sprintf(" +%d", n)
	}
	if d.Mode == "cluster" || d.Mode == "sentinel" {
		text += ", " + d.Mode
	}
	return text
}

// onRemote says what there was at a remote tier that should be rare, and what is wrong now.
func onRemote(d cache.RemoteStatus) (parts []string) {
	if !d.Works {
		parts = append(parts, fmt.Sprintf("invalidations are missing for %s: %s", d.Missing.Round(time.Millisecond), d.Why))
	}
	for _, c := range []struct {
		n    uint64
		what string
	}{{d.Lost, "values did not get there"}, {d.Wiped, "times emptied there, by more removals than could wait"}, {d.Odd, "odd answers"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	if d.Gaps > 1 { // the first is the start
		parts = append(parts, fmt.Sprintf("%d gaps", d.Gaps-1))
	}
	return parts
}

// remotesTrouble is what the dashboard says of a region's remote tiers.
func remotesTrouble(r *cache.RegionStatus) (parts []string) {
	for _, d := range r.Remotes {
		for _, p := range onRemote(d) {
			parts = append(parts, d.Name+": "+p)
		}
	}
	return parts
}

// remoteNotes are a node's remote tiers as mesh tells of them: one line each.
// They are no links, and a mesh is complete without them.
func remoteNotes(st cache.Status) (notes []string) {
	said := map[string]bool{}
	for _, r := range st.Regions {
		for _, d := range r.Remotes {
			if said[d.Name] {
				continue
			}
			said[d.Name] = true
			what := fmt.Sprintf("all masters are tracked (%s)", strings.Join(d.Tracked, ", "))
			if !d.Works {
				what = onRemote(d)[0]
			}
			notes = append(notes, fmt.Sprintf("%s/%s: remote tier %s, %s: %s", st.Host, st.Service, d.Name, serverText(d), what))
		}
	}
	return notes
}
