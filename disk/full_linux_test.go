// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"

	"lateral/cache"
	"lateral/internal/lab"
)

// mount puts a small file system in memory at a new directory.
func mount(t *testing.T, size string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		lab.Missing(t, "root", fmt.Sprintf("a small file system cannot be mounted: %v", err))
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// TestFullDisk: a disk that is full costs what is on it, is said, and is used
// again when there is room; what was removed meanwhile does not come back.
func TestFullDisk(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Dir = mount(t, "1m")
	d, stop := start(t, c)
	d.Note(putOf("removed", "v", 1))
	flush(t, d)
	big := strings.Repeat("x", 10_000)
	for i := 0; d.Status().Works; i++ {
		d.Note(putOf(fmt.Sprint("k", i), big, i))
		d.Flush(t.Context())
		if i > 500 {
			t.Fatal("5 MB fit into 1 MB")
		}
	}
	if st := d.Status(); !strings.Contains(st.Why, "no space") || st.Failures == 0 || st.Lost == 0 {
		t.Errorf("%+v", st)
	}
	d.Note(removeOf(cache.Remove, "removed", 2))
	d.Note(putOf("meanwhile", "v", 3))
	holds(t, d, "k0", "")
	eventually(t, func() bool { return d.Status().Works })
	holds(t, d, "removed", "")
	holds(t, d, "k0", "")
	d.Note(putOf("later", "v", 4))
	flush(t, d)
	stop()
	d, _ = start(t, c)
	holds(t, d, "later", "v")
	holds(t, d, "removed", "")
}

// TestReadOnlyDisk: nothing is kept, that is said, and what is there is not
// served: nobody could note its removal.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.Dir = mount(t, "4m")
	d, stop := start(t, c)
	d.Note(putOf("k", "v", 1))
	flush(t, d)
	stop()
	if err := syscall.Mount("", c.Dir, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
		t.Fatal(err)
	}
	d, stop = start(t, c)
	holds(t, d, "k", "")
	d.Note(putOf("k2", "v", 2))
	if st := d.Status(); st.Works || !strings.Contains(st.Why, "read-only") || st.Lost != 1 {
		t.Errorf("%+v", st)
	}
	if err := d.Flush(t.Context()); err == nil {
		t.Error("it is flushed")
	}
	if err := syscall.Mount("", c.Dir, "", syscall.MS_REMOUNT, ""); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() bool { return d.Status().Works })
	holds(t, d, "k", "") // it may have been removed meanwhile
	stop()
	if _, err := os.Stat(d.file("")); err != nil {
		t.Error(err)
	}
}
