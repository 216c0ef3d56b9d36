// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// diskAt asks about the file system that a path is on, or would be.
func diskAt(path string) (d disk, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return d, err
	}
	for {
		if _, err = os.Stat(path); err == nil || path == "/" {
			break
		}
		path = filepath.Dir(path)
	}
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return d, fmt.Errorf("file system of %s: %w", path, err)
	}
	unit := uint64(st.Bsize)
	return disk{free: st.Bavail * unit, size: st.Blocks * unit, files: st.Ffree, countsFiles: st.Files > 0,
		readOnly: st.Flags&unix.ST_RDONLY != 0, inMemory: st.Type == unix.TMPFS_MAGIC, mount: mountOf(path), whose: path}, nil
}

// mountOf returns where the file system of a path is mounted: the last
// ancestor that is on the same device.
func mountOf(path string) string {
	var here, above unix.Stat_t
	if unix.Stat(path, &here) != nil {
		return path
	}
	for path != "/" {
		up := filepath.Dir(path)
		if unix.Stat(up, &above) != nil || above.Dev != here.Dev {
			break
		}
		path = up
	}
	return path
}
