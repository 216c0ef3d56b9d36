// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"lateral/cache"
)

// putFor is put with a lifetime.
func (c *cluster) putFor(name, region, key, value string, life time.Duration) {
	c.t.Helper()
	a := cache.DefaultAttributes
	a.Eternal, a.MaxLife = false, life
	if _, err := c.nodes[name].Do(context.Background(), cache.Command{Op: cache.Put, Region: region, Key: key, Value: cache.Value{Bytes: value}, Attr: &a}); err != nil {
		c.t.Fatal(err)
	}
}

// much writes more than a small log holds.
func (c *cluster) much(name, region string) {
	for i := range 2000 {
		c.put(name, region, fmt.Sprint("x", i%500), "some value that is not so short, so that the log is full")
		if i%100 == 0 {
			time.Sleep(time.Millisecond)
		}
	}
}

// A value that lived for a short time over one that lives longer is gone when it is over,
// also for a member that was away for so long that no log reaches back.
func TestOutlived(t *testing.T) {
	for _, over := range []string{"a value", "a removal", "one that was over one"} {
		for _, read := range []bool{false, true} { // expired by a read, or by housekeeping
			inBubble(t, func(c *cluster) {
				const attr = "jcs.region.Rep.elementattributes"
				for i := 1; i <= 3; i++ {
					c.own(i, "LogBytes=64K", attr+"=org.apache.jcs.engine.ElementAttributes", attr+".IsEternal=false", attr+".MaxLifeSeconds=5")
				}
				c.within(time.Second, 3)
				c.putFor("1", "Rep", "k", "old", 20*time.Hour)
				time.Sleep(time.Second)
				c.net.Partition(hostAddr(1), hostAddr(2))
				c.net.Partition(hostAddr(1), hostAddr(3))
				switch over {
				case "a removal":
					c.remove("2", "Rep", "k")
				case "one that was over one":
					c.putFor("2", "Rep", "k", "first", 5*time.Second)
					time.Sleep(3 * time.Second)
				}
				c.putFor("2", "Rep", "k", "new", 5*time.Second)
				c.much("2", "Rep")
				time.Sleep(6 * time.Second)
				for _, n := range []string{"2", "3"} {
					if read {
						c.expect(n, "Rep", "k", "")
					}
				}
				time.Sleep(10 * time.Minute)
				c.net.HealAll()
				time.Sleep(time.Minute)
				for _, n := range []string{"1", "2", "3"} {
					c.expect(n, "Rep", "k", "")
					if st := c.region(n, "Rep"); st.Tombstones != 0 {
						c.t.Errorf("%s: %d tombstones of %s are left, read: %v", n, st.Tombstones, over, read)
					}
				}
			})
		}
	}
}

// Where all lives are alike, and where everybody has everything, nothing is left of what is over.
func TestOutlivedByNothing(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.own(2)
		c.within(time.Second, 2)
		c.put("1", "Rep", "k", "old")
		c.putFor("1", "Rep", "k", "new", 5*time.Second)
		time.Sleep(6 * time.Second)
		c.net.Partition(hostAddr(1), hostAddr(2))
		for i := range 3 {
			c.putFor("1", "Rep", "alike", fmt.Sprint(i), 5*time.Second)
		}
		time.Sleep(10 * time.Minute)
		if st := c.region("1", "Rep"); st.Tombstones != 0 || st.Elements != 0 {
			c.t.Errorf("%d tombstones, %d elements", st.Tombstones, st.Elements)
		}
	})
}

// What lies on a disk beyond memory, or is pushed out to it, is dropped when a peer had newer
// versions that its memory has no room for any more; not while everybody hears of everything.
func TestDiskBeyondWhatWasSeen(t *testing.T) {
	for _, on := range []string{"disk", "memory"} {
		for want, change := range map[string]func(c *cluster){
			"new": func(c *cluster) { c.put("1", "Both", "k", "new") },
			"":    func(c *cluster) { c.remove("1", "Both", "k") },
		} {
			inBubble(t, func(c *cluster) {
				dir := t.TempDir()
				c.own(1, append(onDisk(dir), "LogBytes=64K")...)
				c.own(2, append(onDisk(dir), "LogBytes=64K")...)
				c.within(time.Second, 2)
				fill := func() {
					for i := range 20 {
						c.put("1", "Both", fmt.Sprint("f", i), "v")
						time.Sleep(500 * time.Millisecond)
					}
				}
				apart := func(change func()) {
					c.net.Partition(hostAddr(1), hostAddr(2))
					change()
					time.Sleep(10 * time.Minute)
					c.net.HealAll()
					c.within(10*time.Second, 2)
					time.Sleep(time.Minute)
				}
				c.put("1", "Both", "k", "old")
				if on == "disk" {
					fill()
				}
				apart(func() {})
				c.expect("2", "Both", "k", "old")
				apart(func() { change(c); c.much("1", "Both") })
				c.expect("1", "Both", "k", want)
				c.expect("2", "Both", "k", "")
				fill() // from now on all is as ever
				apart(func() {})
				c.expect("2", "Both", "f1", "v")
			})
		}
	}
}

// Who comes anew doubts nothing, whatever others had no room for once.
func TestDiskOfNewcomer(t *testing.T) {
	inBubble(t, func(c *cluster) {
		dir := t.TempDir()
		c.own(1, onDisk(dir)...)
		c.own(2, onDisk(dir)...)
		c.within(time.Second, 2)
		c.much("1", "Both")
		time.Sleep(30 * time.Second)
		c.stop("2")
		time.Sleep(10 * time.Second)
		c.own(2, onDisk(dir)...)
		c.own(3, onDisk(dir)...)
		c.within(10*time.Second, 3)
		time.Sleep(10 * time.Second)
		for i := range 20 {
			c.put("1", "Both", fmt.Sprint("later", i), "v")
			time.Sleep(time.Second)
		}
		for _, n := range []string{"2", "3"} { // memory has room for ten
			c.written(n, "Both")
			if st := c.disk(n, "Both"); st.Elements < 20 {
				c.t.Errorf("%s has %d elements on disk: what it was given, and what came later, had no room in memory", n, st.Elements)
			}
		}
	})
}
