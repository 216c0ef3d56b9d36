// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"lateral/cache"
	"lateral/ccf"
	"lateral/doctor"
)

// diskTier is the doctor's look at where regions keep elements on disk: the
// directories of the services, and what running ones say of theirs.
func diskTier(running []cache.Status, services []ccf.Service) doctor.Check {
	return doctor.Check{Name: "disk-tier", Run: func(context.Context) (out []doctor.Finding) {
		for _, st := range running {
			for _, r := range st.Regions {
				for _, d := range r.Disks {
					if !d.Works {
						out = append(out, doctor.Finding{Severity: doctor.Warning, Saw: fmt.Sprintf("region %s of %s has no disk: %s", r.Region, st.Service, d.Why),
							Why: "it goes on in memory: what does not fit there is gone, and nothing outlives a restart", Do: "see to " + d.Path + "; it is tried again every 5 s"})
					}
				}
			}
		}
		for _, v := range services {
			for _, a := range v.Config.Auxiliaries {
				if a.Disk != nil {
					out = append(out, lookAtDisk(v.Name, a))
				}
			}
		}
		return out
	}}
}

// lookAtDisk tries to write where a disk auxiliary is to.
func lookAtDisk(service string, a ccf.Auxiliary) doctor.Finding {
	d := a.Disk
	dir := nearest(d.Path)
	what := fmt.Sprintf("DiskPath of %s in %s, %s", a.Name, service, d.Path)
	probe, err := os.CreateTemp(dir, ".lateral-doctor")
	if err == nil {
		probe.Close()
		err = os.Remove(probe.Name())
	}
	if err != nil {
		return doctor.Finding{Severity: doctor.Warning, Saw: what + ": " + err.Error(), Why: "the regions that name it stay in memory",
			Do: "make it a directory that the service may write: install -d -m 700 -o USER " + d.Path}
	}
	free, known := freeBytes(dir)
	if known && d.MaxBytes > 0 && free < uint64(2*d.MaxBytes) {
		f := doctor.Finding{Severity: doctor.Warning, Saw: fmt.Sprintf("%s: %s free", what, bytesText(int64(free))),
			Why: fmt.Sprintf("a region may take %s there (twice MaxDiskBytes); on a disk that is full it starts empty again and again", bytesText(2*d.MaxBytes)),
			Do:  "see what fills it: du -xah " + quoted(dir) + " | sort -h | tail\nor write a MaxDiskBytes of which the disk has twice the room"}
		if fits := free / 4 >> 20; fits > 0 { // half of it is left to others, or to a second region
			if c := setBelow("jcs.auxiliary."+a.Name, a.Where, "attributes.MaxDiskBytes", fmt.Sprintf("%dM", fits)); c != "" {
				f.Run = []string{c}
				f.Do = "the command has regions take less, from the service's next start on; better, make room: du -xah " + quoted(dir) + " | sort -h | tail"
			}
		}
		return f
	}
	return doctor.Finding{Saw: what + ": can be written"}
}

// nearest is the directory itself, or what would hold it.
func nearest(dir string) string {
	for {
		if i, err := os.Stat(dir); err == nil && i.IsDir() || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}
