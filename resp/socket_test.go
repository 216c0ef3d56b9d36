// SPDX-License-Identifier: Apache-2.0

//go:build unix

package resp_test

import (
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"lateral/resp"
)

// TestSocketIsPrivate: there is no moment at which others could connect.
func TestSocketIsPrivate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "s")
	var done atomic.Bool
	var seen fs.FileMode
	var looks sync.WaitGroup
	looks.Go(func() {
		for !done.Load() {
			if st, err := os.Lstat(path); err == nil {
				seen |= st.Mode().Perm()
			}
		}
	})
	for range 300 {
		ln, err := resp.Listen(path)
		if err != nil {
			t.Fatal(err)
		}
		c, err := net.Dial("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		in, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if ln.Addr().String() != path || in.LocalAddr().String() != path {
			t.Fatal(ln.Addr(), in.LocalAddr())
		}
		c.Close()
		in.Close()
		ln.Close()
	}
	done.Store(true)
	looks.Wait()
	if seen != 0o600 {
		t.Errorf("the socket had mode %o", seen)
	}
	if left, _ := os.ReadDir(filepath.Dir(path)); len(left) > 0 {
		t.Errorf("left over: %v", left)
	}
}
