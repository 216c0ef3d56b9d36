// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"lateral/cache"
	"lateral/internal/lab"
)

// attach mounts an image of a file system at a new directory, one that writes nothing before it is told
// to: ext4 guesses otherwise when a file takes the place of another.
func attach(t *testing.T, image string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	if out, err := exec.Command("mount", "-o", "loop,noauto_da_alloc", image, dir).CombinedOutput(); err != nil {
		lab.Missing(t, "loop", fmt.Sprintf("needs loop devices: %v: %s", err, out))
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// TestPowerLoss: unlike kill -9 a loss of power takes away what only the kernel has. What is
// acknowledged is on the medium: it is there when a copy of the medium, made at that moment, is looked at;
// also where the file system has no journal, which would write more than it is told to, and the file was packed a moment before.
func TestPowerLoss(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]string{"with a journal": "has_journal", "without": "^has_journal"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			image := filepath.Join(t.TempDir(), "medium")
			err := os.WriteFile(image, nil, 0o600)
			if err == nil {
				err = os.Truncate(image, 16<<20)
			}
			if err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("mkfs.ext4", "-q", "-F", "-O", options, image).CombinedOutput(); err != nil {
				lab.Missing(t, "loop", fmt.Sprintf("needs mkfs.ext4: %v: %s", err, out))
			}
			dir := attach(t, image)
			c := config(t)
			c.Dir, c.ByStamp, c.PackAtRemovals = filepath.Join(dir, "r"), true, 9
			d, _ := start(t, c)
			const rounds = 4
			shows := false
			for round := range rounds {
				d.Note(putOf("old", fmt.Sprint("v", round), round))
				for i := range 10 { // nine of which are removed in the next round, and the file is packed then
					d.Note(putOf(fmt.Sprint("k", round, i), "v", round))
					if round > 0 && i > 0 {
						d.Note(removeOf(cache.Remove, fmt.Sprint("k", round-1, i), round))
					}
				}
				flush(t, d)
				packed := uint64(round)
				eventually(t, func() bool { return d.Status().Packed >= packed })
				if round == rounds-1 {
					afterLoss(t, image, c, round, "") // nothing was written since it was packed
				}
				d.Note(putOf("last", fmt.Sprint("v", round), round))
				flush(t, d)
				if err := os.WriteFile(filepath.Join(dir, fmt.Sprint("unsynced", round)), []byte("v"), 0o600); err != nil {
					t.Fatal(err)
				}
				shows = afterLoss(t, image, c, round, fmt.Sprint("v", round)) || shows
			}
			if !shows {
				t.Error("what was not synced is there, too: the test shows nothing")
			}
		})
	}
}

// afterLoss looks at a copy of the medium. It reports whether what was only with the kernel is gone.
func afterLoss(t *testing.T, image string, c Config, round int, last string) (gone bool) {
	b, err := os.ReadFile(image)
	copied := filepath.Join(t.TempDir(), "copy")
	if err == nil {
		err = os.WriteFile(copied, b, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("e2fsck", "-fy", copied).CombinedOutput(); err != nil && !strings.Contains(string(out), "FILE SYSTEM WAS MODIFIED") {
		t.Fatalf("%v: %s", err, out)
	}
	dir := attach(t, copied)
	c.Dir = filepath.Join(dir, "r")
	d, stop := start(t, c)
	defer stop()
	holds(t, d, "old", fmt.Sprint("v", round))
	holds(t, d, fmt.Sprint("k", round, 0), "v")
	holds(t, d, fmt.Sprint("k", round, 9), "v")
	if last != "" {
		holds(t, d, "last", last)
	}
	if round > 0 {
		holds(t, d, fmt.Sprint("k", round-1, 1), "")
		holds(t, d, fmt.Sprint("k", round-1, 0), "v")
	}
	if st := d.Status(); st.Harmed > 0 || !st.Works {
		t.Errorf("round %d: %+v", round, st)
	}
	text, err := os.ReadFile(filepath.Join(dir, fmt.Sprint("unsynced", round)))
	return err != nil || string(text) != "v"
}
