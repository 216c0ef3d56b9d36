// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// system returns the kernel's text.
func system() (procfs, error) { return "/proc", nil }

// FileLimit returns how many files and sockets this process may have open:
// soft is in force, hard is how far it may raise that itself.
func FileLimit() (soft, hard uint64, err error) {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &l); err != nil {
		return 0, 0, fmt.Errorf("host: file limit: %w", err)
	}
	return l.Cur, l.Max, nil
}

// FileLimitOf returns how far another process may raise its own limit of open
// files. Whoever may not ask the kernel for it reads /proc/PID/limits, which is
// open to all unless /proc is mounted with hidepid: then the error wraps
// fs.ErrPermission or fs.ErrNotExist.
func FileLimitOf(pid int) (hard uint64, err error) {
	var l unix.Rlimit
	if err = unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &l); err == nil {
		return l.Max, nil
	}
	if errors.Is(err, fs.ErrPermission) {
		var f *os.File
		if f, err = os.Open(fmt.Sprintf("/proc/%d/limits", pid)); err == nil {
			defer f.Close()
			hard, err = fileLimit(f)
		}
	}
	if err != nil {
		return 0, fmt.Errorf("host: file limit of pid %d: %w", pid, err)
	}
	return hard, nil
}

// fileLimit reads /proc/PID/limits.
func fileLimit(r io.Reader) (hard uint64, err error) {
	err = eachLine(r, func(_ int, line string) error {
		rest, ok := strings.CutPrefix(line, "Max open files")
		if f := strings.Fields(rest); ok && len(f) >= 2 {
			hard, err = strconv.ParseUint(f[1], 10, 64)
			return err
		}
		return nil
	})
	if err == nil && hard == 0 {
		err = errors.New("no line of open files")
	}
	return hard, err
}
