// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"lateral/cache"
)

// onDisk are the lines of regions with a disk: Kept of this node alone, Both
// with values that travel, Told with removals that do.
func onDisk(dir string, more ...string) []string {
	const disk, r = "org.apache.jcs.auxiliary.disk.indexed.IndexedDiskCache", "jcs.region."
	return append([]string{
		"jcs.auxiliary.DC=" + disk + "Factory", "jcs.auxiliary.DC.attributes=" + disk + "Attributes", "jcs.auxiliary.DC.attributes.DiskPath=" + dir,
		r + "Kept=DC", r + "Kept.cacheattributes.MaxObjects=10", r + "Kept.cacheattributes.MemoryCacheName=org.apache.jcs.engine.memory.lru.LRUMemoryCache",
		r + "All=DC", r + "All.cacheattributes.DiskUsagePatternName=UPDATE",
		r + "Both=DC,LTCP", r + "Both.cacheattributes.MaxObjects=10",
		r + "BothAll=DC,LTCP", r + "BothAll.cacheattributes.DiskUsagePatternName=UPDATE",
		r + "Told=DC,LTCP", r + "Told.cacheattributes.MaxObjects=10", r + "Told.elementattributes.IsLateral=false",
	}, more...)
}

func (c *cluster) disk(name, region string) cache.DiskStatus {
	c.t.Helper()
	st := c.region(name, region)
	if len(st.Disks) != 1 || !st.Disks[0].Works {
		c.t.Fatalf("%s, %s: %+v", name, region, st.Disks)
	}
	return st.Disks[0]
}

// written waits until nothing waits to be written.
func (c *cluster) written(name string, regions ...string) {
	c.t.Helper()
	for _, r := range regions {
		c.until(time.Minute, "everything is on disk", func() bool { return c.disk(name, r).Queued == 0 })
	}
}

// What memory evicts is found on disk and comes back from there; after a stop
// everything is there, newest values only, and nothing that was removed.
func TestDiskOfOneNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dir := newCluster(t), t.TempDir()
		c.cut = map[string]func(){}
		c.own(1, onDisk(dir)...)
		for i := range 40 {
			c.put("1", "Kept", fmt.Sprint("k", i), fmt.Sprint("v", i))
			c.put("1", "All", fmt.Sprint("k", i), fmt.Sprint("v", i))
			c.put("1", "Both", fmt.Sprint("k", i), fmt.Sprint("v", i))
			time.Sleep(2 * time.Millisecond)
		}
		for i := range 40 {
			c.expect("1", "Kept", fmt.Sprint("k", i), fmt.Sprint("v", i))
			c.expect("1", "Both", fmt.Sprint("k", i), fmt.Sprint("v", i))
		}
		if st := c.region("1", "Kept"); st.Stats.AuxHits < 30 || st.Elements != 10 {
			t.Errorf("%+v", st)
		}
		c.put("1", "Kept", "k3", "new") // from disk into memory, changed, and not written again
		c.remove("1", "Kept", "k4")
		c.remove("1", "Both", "k5")
		c.expect("1", "Kept", "k4", "")
		c.expect("1", "Both", "k5", "")
		c.stop("1")
		c.own(1, onDisk(dir)...)
		c.expect("1", "Kept", "k3", "new")
		c.expect("1", "Kept", "k4", "")
		c.expect("1", "Kept", "k39", "v39")
		c.expect("1", "Both", "k5", "")
		c.expect("1", "Both", "k6", "v6")
		c.expect("1", "All", "k7", "v7")
		if st := c.disk("1", "Kept"); st.Elements != 39 || st.Restored != 10 {
			t.Errorf("%+v", st)
		}
		if st := c.region("1", "All"); st.Elements != 40 {
			t.Errorf("%+v", st)
		}
		c.close()
	})
}

// At its end a node waits for the disk as often as it must, by number and by bytes:
// what it leaves there is more than may wait at once.
func TestAllIsLeftOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dir := newCluster(t), t.TempDir()
		c.cut = map[string]func(){}
		lines := onDisk(dir, "jcs.region.Big=DC")
		c.own(1, lines...)
		value := strings.Repeat("v", 6<<20)
		for i := range 12 {
			c.put("1", "Big", fmt.Sprint("k", i), value)
		}
		c.stop("1")
		c.own(1, lines...)
		if st := c.disk("1", "Big"); st.Elements != 12 || st.Restored != 12 {
			t.Errorf("%d of 12 are there, %d in memory again", st.Elements, st.Restored)
		}
		c.close()
	})
}

// A node that is away while others remove, and forget the removals, brings
// nothing of that back, by whatever way it ended.
func TestDiskComesBack(t *testing.T) {
	for _, how := range []string{"stopped", "killed", "stopped, and comes back alone"} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, dir := newCluster(t), t.TempDir()
				c.cut = map[string]func(){}
				for i := 1; i <= 3; i++ {
					c.own(i, onDisk(dir)...)
				}
				c.wait(3)
				regions := []string{"Both", "BothAll", "Told"}
				for _, r := range regions {
					for i := range 40 {
						c.put("1", r, fmt.Sprint("k", i), "old")
					}
				}
				c.until(time.Minute, "it is there", func() bool { return c.get("2", "BothAll", "k39") == "old" })
				c.written("1", regions...)
				if how == "killed" {
					c.kill("1")
				} else {
					c.stop("1")
				}
				for _, r := range regions {
					for i := range 40 {
						c.remove("2", r, fmt.Sprint("k", i))
					}
				}
				if how != "killed" { // then they are remembered until it is back
					c.until(time.Minute, "the removals are forgotten", func() bool { return c.region("2", "BothAll").Tombstones == 0 })
				}
				if strings.Contains(how, "alone") {
					c.stop("2")
					c.stop("3")
				}
				c.own(1, onDisk(dir)...)
				check := func() {
					t.Helper()
					for _, r := range regions {
						for i := range 40 {
							c.expect("1", r, fmt.Sprint("k", i), "")
						}
					}
				}
				check()
				if st := c.disk("1", "Both"); st.Unproven != 1 {
					t.Errorf("%+v", st)
				}
				if len(c.nodes) == 3 {
					c.wait(3)
					time.Sleep(2 * time.Minute)
					check()
					for i := range 40 {
						c.expect("2", "Both", fmt.Sprint("k", i), "")
					}
				}
				c.close()
			})
		})
	}
}

// Who leaves last has everything, and the others get it from there.
func TestLastOnDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dir := newCluster(t), t.TempDir()
		c.cut = map[string]func(){}
		c.own(1, onDisk(dir)...)
		c.own(2, onDisk(dir)...)
		c.wait(2)
		for i := range 10 {
			c.put("1", "Both", fmt.Sprint("k", i), fmt.Sprint("v", i))
		}
		c.until(time.Minute, "it is there", func() bool { return c.get("2", "Both", "k9") == "v9" })
		c.stop("1")
		c.put("2", "Both", "k0", "later")
		c.remove("2", "Both", "k1")
		c.stop("2")
		c.own(1, onDisk(dir)...)
		c.own(2, onDisk(dir)...)
		c.wait(2)
		c.until(time.Minute, "1 has it from 2", func() bool { return c.get("1", "Both", "k9") == "v9" })
		for _, n := range []string{"1", "2"} {
			c.expect(n, "Both", "k0", "later")
			c.expect(n, "Both", "k1", "")
		}
		c.close()
	})
}

// … but if others have removed since, and have forgotten that by now, nothing
// of it is believed.
func TestLastIsDoubted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, removes := range []bool{false, true} {
			c, dir := newCluster(t), t.TempDir()
			c.cut = map[string]func(){}
			c.own(1, onDisk(dir)...)
			c.own(2, onDisk(dir)...)
			c.wait(2)
			c.put("1", "BothAll", "k", "v")
			c.put("1", "BothAll", "other", "v")
			c.until(time.Minute, "it is there", func() bool { return c.get("2", "BothAll", "other") == "v" })
			c.stop("1")
			c.stop("2") // the last
			time.Sleep(time.Minute)
			c.own(1, onDisk(dir)...)
			c.own(3, onDisk(dir)...)
			c.wait(2)
			c.put("3", "BothAll", "later", "v")
			if removes {
				c.remove("1", "BothAll", "k")
				c.until(time.Minute, "it is forgotten", func() bool { return c.region("1", "BothAll").Tombstones+c.region("3", "BothAll").Tombstones == 0 })
			}
			c.stop("1") // 3 knows of it from 1 at most
			c.own(2, onDisk(dir)...)
			c.expect("2", "BothAll", "k", "v") // so far as it knows
			c.wait(2)
			c.until(time.Minute, "they are equal", func() bool { return c.get("2", "BothAll", "later") == "v" })
			time.Sleep(2 * time.Minute)
			want := map[bool]string{false: "v"}[removes]
			for _, n := range []string{"2", "3"} {
				c.expect(n, "BothAll", "k", want)
				c.expect(n, "BothAll", "other", want)
				c.expect(n, "BothAll", "later", "v")
			}
			c.close()
		}
	})
}

// With Restore=ALWAYS two that were killed at once have everything again, by stamp.
func TestRestoreAlways(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dir := newCluster(t), t.TempDir()
		c.cut = map[string]func(){}
		lines := onDisk(dir, "jcs.auxiliary.DC.attributes.Restore=ALWAYS")
		c.own(1, lines...)
		c.own(2, lines...)
		c.wait(2)
		c.put("1", "BothAll", "k", "1")
		c.put("1", "BothAll", "gone", "1")
		c.until(time.Minute, "it is there", func() bool { return c.get("2", "BothAll", "gone") == "1" })
		c.written("1", "BothAll")
		c.kill("1")
		c.put("2", "BothAll", "k", "2")
		c.remove("2", "BothAll", "gone")
		c.written("2", "BothAll")
		c.kill("2")
		c.own(1, lines...)
		c.expect("1", "BothAll", "k", "1")
		c.own(2, lines...)
		c.wait(2)
		c.until(time.Minute, "the newer counts", func() bool { return c.get("1", "BothAll", "k") == "2" && c.get("1", "BothAll", "gone") == "" })
		c.close()
	})
}

// A disk that does not work is said, and costs the region nothing else.
func TestDiskThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dir := newCluster(t), t.TempDir()
		c.cut = map[string]func(){}
		if err := os.WriteFile(filepath.Join(dir, "s1"), nil, 0o600); err != nil { // where a directory is to be
			t.Fatal(err)
		}
		c.own(1, onDisk(dir)...)
		c.put("1", "All", "k", "v")
		c.expect("1", "All", "k", "v")
		d := c.region("1", "All").Disks[0]
		if d.Works || d.Why == "" || d.Lost != 1 || d.Failures == 0 {
			t.Errorf("%+v", d)
		}
		if err := os.Remove(filepath.Join(dir, "s1")); err != nil {
			t.Fatal(err)
		}
		c.until(time.Minute, "it works again", func() bool { return c.region("1", "All").Disks[0].Works })
		c.put("1", "All", "k2", "v2")
		c.written("1", "All")
		if err := c.nodes["1"].Ready(); err != nil {
			t.Error(err)
		}
		_, err := c.nodes["1"].Do(context.Background(), cache.Command{Op: cache.RemoveAll, Region: "All"})
		if err != nil {
			t.Error(err)
		}
		c.written("1", "All")
		if d := c.disk("1", "All"); d.Elements != 0 {
			t.Errorf("%+v", d)
		}
		c.close()
	})
}

// Why tells what the disk has of a key, and no access is counted by asking.
func TestWhyTellsOfDisk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, dir := newCluster(t), t.TempDir()
		c.cut = map[string]func(){}
		c.own(1, onDisk(dir)...)
		for i := range 40 { // memory holds ten
			c.put("1", "Both", fmt.Sprint("k", i), "value")
		}
		c.written("1", "Both")
		why := func(key string) string {
			t.Helper()
			x, err := c.nodes["1"].Explain(t.Context(), "Both", key)
			if err != nil {
				t.Fatal(err)
			}
			return x.Why[len(x.Why)-1]
		}
		before := c.disk("1", "Both")
		if got := why("k0"); !strings.HasPrefix(got, "disk DC has the value of 2") || !strings.Contains(got, "(5 bytes)") {
			t.Error(got)
		}
		if got := why("nobody"); got != "disk DC has nothing of the key" {
			t.Error(got)
		}
		c.remove("1", "Both", "k0")
		if got := why("k0"); !strings.HasPrefix(got, "disk DC knows of the removal at ") {
			t.Error(got)
		}
		if after := c.disk("1", "Both"); after.Hits != before.Hits || after.Misses != before.Misses {
			t.Errorf("asking why is counted: %+v, before %+v", after, before)
		}
		c.close()
	})
}
