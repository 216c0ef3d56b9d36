// SPDX-License-Identifier: Apache-2.0

package metrics

import "lateral/cache"

// A disk is what a region has at one of its disk auxiliaries.
type disk struct {
	region string
	cache.DiskStatus
}

func disksOf(st *cache.Status) (out []disk) {
	for i := range st.Regions {
		for _, d := range st.Regions[i].Disks {
			out = append(out, disk{st.Regions[i].Region, d})
		}
	}
	return out
}

func limit(n int64) float64 {
	if n <= 0 {
		return unknown
	}
	return float64(n)
}

var diskFamilies = []family[disk]{
	yes("disk_works", "1 if the region's disk tier works; else the region goes on in memory.", func(d *disk) bool { return d.Works }),
	gauge("disk_elements", "Elements on disk.", sum, func(d *disk) float64 { return float64(d.Elements) }),
	gauge("disk_tombstones", "Removals that are remembered on disk.", sum, func(d *disk) float64 { return float64(d.Tombstones) }),
	gauge("disk_bytes", "Bytes of keys and records on disk.", sum, func(d *disk) float64 { return float64(d.Bytes) }),
	gauge("disk_file_bytes", "Bytes of the file.", sum, func(d *disk) float64 { return float64(d.FileBytes) }),
	gauge("disk_max_elements", "Most elements on disk (MaxKeySize); no series if there is no limit.", sum, func(d *disk) float64 { return limit(int64(d.MaxElements)) }),
	gauge("disk_max_bytes", "Most bytes of keys and records on disk (MaxDiskBytes); no series if there is no limit.", sum, func(d *disk) float64 { return limit(d.MaxBytes) }),
	gauge("disk_queued", "Changes that wait to be written.", sum, func(d *disk) float64 { return float64(d.Queued) }),

	count("disk_hits_total", "Gets that memory could not answer and the disk did.", func(d *disk) uint64 { return d.Hits }),
	count("disk_misses_total", "Gets that asked the disk in vain.", func(d *disk) uint64 { return d.Misses }),
	count("disk_expired_total", "Elements found on disk, or cleared away there, over their lifetime.", func(d *disk) uint64 { return d.Expired }),
	count("disk_written_total", "Elements written.", func(d *disk) uint64 { return d.Written }),
	count("disk_removed_total", "Elements deleted because they were removed, or memory has something newer.", func(d *disk) uint64 { return d.Removed }),
	count("disk_evicted_total", "Elements deleted over the limits, the oldest first.", func(d *disk) uint64 { return d.Evicted }),
	count("disk_lost_total", "Elements that did not get to disk: the queue was full (MaxPurgatorySize), or the disk does not work.", func(d *disk) uint64 { return d.Lost }),
	count("disk_wiped_total", "How often the disk started empty because more removals came than could wait.", func(d *disk) uint64 { return d.Wiped }),
	count("disk_harmed_total", "Files that did not agree with themselves, and were put aside; nothing of them is served.", func(d *disk) uint64 { return d.Harmed }),
	count("disk_packed_total", "Files written anew without what is free in them.", func(d *disk) uint64 { return d.Packed }),
	count("disk_failures_total", "Attempts at a disk that did not work.", func(d *disk) uint64 { return d.Failures }),
	count("disk_restored_total", "Elements and removals taken into memory from an earlier life.", func(d *disk) uint64 { return d.Restored }),
	count("disk_unproven_total", "Files of an earlier life that were not believed: peers may have removed something since.", func(d *disk) uint64 { return d.Unproven }),
}
