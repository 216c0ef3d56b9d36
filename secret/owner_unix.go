// SPDX-License-Identifier: Apache-2.0

//go:build unix

package secret

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// private refuses a file that others than its owner may read or write, or
// whose owner is neither this process's user nor root.
func private(path string, st fs.FileInfo) error {
	if m := st.Mode().Perm(); m&0o077 != 0 {
		run := "chmod 600 " + path
		if s, ok := st.Sys().(*syscall.Stat_t); ok && int(s.Uid) != os.Geteuid() { // else it could not be read then
			run = fmt.Sprintf("chown %d %s && %s", os.Geteuid(), path, run)
		}
		return fmt.Errorf("%s: %w: its mode is %04o. Whoever reads it can come in; run: %s", path, ErrLoose, m, run)
	}
	if s, ok := st.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("%s: %w: it belongs to user %d, this process runs as %d. Its owner can read and change it; run: chown %d %s",
			path, ErrLoose, s.Uid, os.Geteuid(), os.Geteuid(), path)
	}
	return nil
}

// unreadable says who would have to own a file that cannot be opened.
func unreadable(path string, err error) error {
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w: this process runs as user %d, and what is secret is read by its owner alone; run: chown %d %s", err, os.Geteuid(), os.Geteuid(), path)
}

// unchanged refuses a file that anybody else than this process's user or root
// could have changed.
func unchanged(path string, st fs.FileInfo) error {
	if m := st.Mode().Perm(); m&0o022 != 0 {
		return fmt.Errorf("%s: %w: its mode is %04o. Who puts an authority of his own there is a member; run: chmod go-w %s", path, ErrWritable, m, path)
	}
	if s, ok := st.Sys().(*syscall.Stat_t); ok && s.Uid != 0 && int(s.Uid) != os.Geteuid() {
		return fmt.Errorf("%s: %w: it belongs to user %d, this process runs as %d. Who puts an authority of his own there is a member; run: chown root %s",
			path, ErrWritable, s.Uid, os.Geteuid(), path)
	}
	return nil
}

// keepOwner gives a new file the owner of the old one, as far as we may.
func keepOwner(path string, old fs.FileInfo) {
	if s, ok := old.Sys().(*syscall.Stat_t); ok {
		os.Lchown(path, int(s.Uid), int(s.Gid))
	}
}
