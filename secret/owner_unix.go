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

// Me is the user of this process.
func Me() User { return User(os.Geteuid()) }

// UserOf is the owner of a file: of /proc/PID, the user that a process runs as.
func UserOf(path string) User {
	st, err := os.Stat(path)
	if err != nil {
		return Owner
	}
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		return User(s.Uid)
	}
	return Owner
}

// private refuses a file that others than its owner may read or write, or
// whose owner is neither the user nor root, or that the user may not open.
func (u User) private(path string, st fs.FileInfo) error {
	owner := u
	if s, ok := st.Sys().(*syscall.Stat_t); ok {
		owner = User(s.Uid)
	}
	if u == Owner {
		u = owner
	}
	if m := st.Mode().Perm(); m&0o077 != 0 {
		run := "chmod 600 " + path
		if owner != u { // else it could not be read then
			run = fmt.Sprintf("chown %d %s && %s", u, path, run)
		}
		return fmt.Errorf("%s: %w: its mode is %04o. Whoever reads it can come in; run: %s", path, ErrLoose, m, run)
	}
	switch {
	case owner == u:
		return nil
	case owner == 0 && u == Me(): // which has just opened it, so it may
		return nil
	case owner == 0:
		return u.unreadable(path, &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission})
	}
	return fmt.Errorf("%s: %w: it belongs to user %d, this process runs as %d. Its owner can read and change it; run: chown %d %s", path, ErrLoose, owner, u, u, path)
}

// unreadable says who would have to own a file that cannot be opened.
func (u User) unreadable(path string, err error) error {
	if u == Owner || !errors.Is(err, fs.ErrPermission) {
		return err
	}
	return fmt.Errorf("%w: the process runs as user %d, and what is secret is read by its owner alone; run: chown %d %s", err, u, u, path)
}

// unchanged refuses a file that anybody else than the user or root could have
// changed.
func (u User) unchanged(path string, st fs.FileInfo) error {
	if m := st.Mode().Perm(); m&0o022 != 0 {
		return fmt.Errorf("%s: %w: its mode is %04o. Who puts an authority of his own there is a member; run: chmod go-w %s", path, ErrWritable, m, path)
	}
	if s, ok := st.Sys().(*syscall.Stat_t); ok && u != Owner && s.Uid != 0 && User(s.Uid) != u {
		return fmt.Errorf("%s: %w: it belongs to user %d, this process runs as %d. Who puts an authority of his own there is a member; run: chown root %s",
			path, ErrWritable, s.Uid, u, path)
	}
	return nil
}

// keepOwner gives a new file the owner of the old one, as far as we may.
func keepOwner(path string, old fs.FileInfo) {
	if s, ok := old.Sys().(*syscall.Stat_t); ok {
		os.Lchown(path, int(s.Uid), int(s.Gid))
	}
}
