// SPDX-License-Identifier: Apache-2.0

//go:build linux

package secret

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"lateral/internal/lab"
)

// Root's file that somebody else has opened, as an access list lets him, is read; one that
// root looks at in his place is not known to be.
func TestRootsFile(t *testing.T) {
	if os.Getuid() != 0 {
		lab.Missing(t, "root", "needs root, to become somebody else")
	}
	const nobody = 65534
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := User(nobody).private(path, st); !errors.Is(err, os.ErrPermission) {
		t.Errorf("in his place: %v", err)
	}
	if err := syscall.Seteuid(nobody); err != nil {
		t.Fatal(err)
	}
	err = Me().private(path, st)
	if err := syscall.Seteuid(0); err != nil {
		t.Fatal(err)
	}
	if err != nil {
		t.Errorf("opened by himself: %v", err)
	}
}
