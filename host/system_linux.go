// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"

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
// files. It is an error that wraps fs.ErrPermission if the process belongs to
// somebody else.
func FileLimitOf(pid int) (hard uint64, err error) {
	var l unix.Rlimit
	if err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &l); err != nil {
		return 0, fmt.Errorf("host: file limit of pid %d: %w", pid, err)
	}
	return l.Max, nil
}
