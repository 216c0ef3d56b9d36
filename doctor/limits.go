// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// enoughFiles is what a mesh of 300 links needs with clients beside it.
const enoughFiles = 1024

const whyFiles = "every link and every client is one; below %d a large cluster or a busy front runs out"

// files checks how many sockets services may open: those that run, else one
// started from here. The Go runtime raises the soft limit to the hard one, so
// the hard one counts.
func (s *scene) files(context.Context) []Finding {
	if len(s.OwnPIDs) > 0 && s.filesOf != nil {
		var all []Finding
		for _, pid := range s.OwnPIDs {
			all = append(all, s.filesOfOne(pid)...)
		}
		return all
	}
	_, hard, err := s.machine.files()
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	case err != nil:
		return []Finding{{Severity: Warning, Saw: err.Error(), Why: "so it is not known how many links are possible", Do: "look with: ulimit -Hn"}}
	case hard < enoughFiles:
		return []Finding{{Severity: Warning, Saw: fmt.Sprintf("a process may open no more than %d files", hard),
			Why: fmt.Sprintf(whyFiles, enoughFiles), Run: []string{"ulimit -Hn 65536"},
			Do: "the command counts for what its shell starts; to keep it, in the systemd unit of the service:\n    [Service]\n    LimitNOFILE=65536"}}
	}
	return []Finding{{Saw: fmt.Sprintf("a process may open %d files", hard)}}
}

func (s *scene) filesOfOne(pid int) []Finding {
	hard, err := s.filesOf(pid)
	switch {
	case errors.Is(err, errors.ErrUnsupported):
		return nil
	case errors.Is(err, fs.ErrPermission):
		return []Finding{{Saw: fmt.Sprintf("how many files process %d may open is not seen: as root, lateral doctor tells", pid)}}
	case err != nil:
		return nil // it has just ended
	case hard < enoughFiles:
		return []Finding{{Severity: Warning, Saw: fmt.Sprintf("the service of process %d may open no more than %d files", pid, hard),
			Why: fmt.Sprintf(whyFiles, enoughFiles), Run: []string{fmt.Sprintf("prlimit --pid %d --nofile=65536:65536", pid)},
			Do: "to keep it, in the systemd unit of the service:\n    [Service]\n    LimitNOFILE=65536"}}
	}
	return []Finding{{Saw: fmt.Sprintf("the service of process %d may open %d files", pid, hard)}}
}

// A Place is a directory that services write to.
type Place struct {
	Path string
	For  string // what for: "sockets of services"
	At   string // where it is configured; may be empty
	Need uint64 // bytes
}

// enoughInodes is what a service makes there, and some more.
const enoughInodes = 16

// disks checks that there is room where services write.
func (s *scene) disks(context.Context) []Finding {
	var all []Finding
	for _, p := range s.Places {
		d, err := s.disk(p.Path)
		if errors.Is(err, errNoDisk) {
			return nil
		}
		f := Finding{About: []string{p.Path}}
		what := fmt.Sprintf("%s (%s) on %s", p.Path, p.For, d.mount)
		switch {
		case err != nil:
			f.Severity, f.Saw = Warning, err.Error()
			f.Why, f.Do = "so it is not known whether there is room for "+p.For, "look with: df -h "+p.Path
		case d.readOnly:
			f.Severity, f.Saw = Failure, what+" is read-only"+at(p.At)
			f.Why, f.Do = "nothing can be written there", "find out why it was mounted so (dmesg shows errors of the disk), or name another directory"
			f.Run = []string{"mount -o remount,rw " + d.mount}
		case d.free < p.Need, d.countsFiles && d.files < enoughInodes:
			f.Severity = Failure
			f.Saw = fmt.Sprintf("%s has %s free%s", what, bytesText(d.free), at(p.At))
			if d.free >= p.Need {
				f.Saw = fmt.Sprintf("%s has room for %d files%s", what, d.files, at(p.At))
			}
			f.Why = "no service starts without it, and what is kept there is cut short"
			f.Do = "see what fills it: du -xah " + d.mount + " | sort -h | tail"
			if d.inMemory {
				f.Run = []string{fmt.Sprintf("mount -o remount,size=%dM %s", (d.size+p.Need)>>20+16, d.mount)}
				if d.free >= p.Need {
					f.Run = []string{"mount -o remount,nr_inodes=65536 " + d.mount}
				}
			}
		default:
			f.Saw = fmt.Sprintf("%s has %s free", what, bytesText(d.free))
		}
		all = append(all, f)
	}
	return all
}

// bytesText prints a size with its largest unit.
func bytesText(n uint64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	u := 0
	for n >= 10<<10 && u < len(units)-1 {
		n >>= 10
		u++
	}
	return fmt.Sprintf("%d %s", n, units[u])
}
