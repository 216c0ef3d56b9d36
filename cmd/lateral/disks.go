// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"lateral/cache"
)

// disks prints what regions have on disk, if any has.
func (s *screen) disks(regions []cache.RegionStatus) {
	t := &table{head: []string{"region", "on disk", "elements", "bytes", "file", "hits", "misses", "written", "evicted", "lost", "waiting", "what happened"}}
	t.right = map[int]bool{}
	for i := 2; i <= 10; i++ {
		t.right[i] = true
	}
	for _, r := range regions {
		for _, d := range r.Disks {
			t.add(r.Region, d.Name, d.Elements, bytesText(d.Bytes), bytesText(d.FileBytes), d.Hits, d.Misses, d.Written, d.Evicted, d.Lost, d.Queued, strings.Join(onDisk(d), ", "))
		}
	}
	if len(t.rows) > 0 {
		s.table("  ", t)
	}
}

// onDisk says what there was on a disk that should be rare, and what is wrong now.
func onDisk(d cache.DiskStatus) (parts []string) {
	if !d.Works {
		parts = append(parts, "it does not work, the region goes on in memory: "+d.Why)
	}
	for _, c := range []struct {
		n    uint64
		what string
	}{{d.Lost, "values did not get there"}, {d.Wiped, "times emptied, by more removals than could wait"}, {d.Harmed, "harmed files put aside"},
		{d.Unproven, "files of an earlier life not believed"}, {d.Restored, "elements restored"}} {
		if c.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", c.n, c.what))
		}
	}
	return parts
}

// disksTrouble is what the dashboard says of a region's disks.
func disksTrouble(r *cache.RegionStatus) (parts []string) {
	for _, d := range r.Disks {
		for _, p := range onDisk(d) {
			parts = append(parts, d.Name+": "+p)
		}
	}
	return slices.DeleteFunc(parts, func(p string) bool { return strings.HasSuffix(p, "elements restored") })
}
