// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
)

// SystemDir is where the services of the system have their sockets: those that
// systemd starts (the unit's RuntimeDirectory), and those that root starts.
const SystemDir = "/run/lateral"

// RuntimeDir returns where the sockets of this user's services are, given what
// was asked for ("" is nothing): that, $LATERAL_RUNTIME_DIR, for root SystemDir,
// lateral in $XDG_RUNTIME_DIR, else a private directory among the temporary
// files.
//
// For root $XDG_RUNTIME_DIR does not count. systemd's PAM module sets it where
// root logs in by ssh, and not where a unit is started or sudo is used: one and
// the same user would look for services in two places.
func RuntimeDir(asked string) string {
	if asked != "" {
		return asked
	}
	if d := os.Getenv("LATERAL_RUNTIME_DIR"); d != "" {
		return d
	}
	if os.Getuid() == 0 {
		return SystemDir
	}
	if d := os.Getenv("XDG_RUNTIME_DIR"); d != "" {
		return filepath.Join(d, "lateral")
	}
	return filepath.Join(os.TempDir(), "lateral-"+strconv.Itoa(os.Getuid()))
}

func makeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("runtime directory: %w: sockets for lateral mesh, get and stats go there; make it, or choose another with --runtime-dir", err)
	}
	return trusted(dir)
}

// trusted refuses a directory in which others could put a socket of theirs in
// place of a service's. One that does not exist does no harm.
func trusted(dir string) error {
	st, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fmt.Errorf("runtime directory: %w", err)
	case !st.IsDir():
		return fmt.Errorf("runtime directory %s is no directory: choose another with --runtime-dir", dir)
	case st.Mode().Perm()&0o022 != 0:
		return fmt.Errorf("runtime directory %s may be written by others (%s): they could answer in place of a service; chmod go-w it, or choose another with --runtime-dir", dir, st.Mode().Perm())
	case !ownedByUs(st):
		return fmt.Errorf("runtime directory %s belongs to another user, who could answer in place of a service: choose another with --runtime-dir", dir)
	}
	return nil
}
