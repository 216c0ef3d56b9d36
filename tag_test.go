// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"lateral/cache"
)

// tagged puts a value with tags.
func (c *cluster) tagged(name, region, key, value string, tags ...string) {
	c.t.Helper()
	if err := c.in(name, region).PutTagged(c.t.Context(), key, value, tags...); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) removeTag(name, region, tag string, want int) {
	c.t.Helper()
	if n, err := c.in(name, region).RemoveTag(c.t.Context(), tag); n != want || err != nil {
		c.t.Errorf("%s removed %d with tag %s, want %d, %v", name, n, tag, want, err)
	}
}

// The removal of a tag reaches every element that has it, on all nodes, and
// those, too, that arrive later and are older.
func TestTags(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.own(2)
		c.within(time.Second, 2)
		pause := func() { time.Sleep(50 * time.Millisecond) }
		c.tagged("1", "Rep", "both", "v", "x", "y")
		c.tagged("2", "Rep", "one", "v", "x")
		c.tagged("2", "Rep", "other", "v", "xx")
		c.put("1", "Rep", "none", "v")
		c.tagged("1", "Inv", "here", "v", "x")
		c.tagged("2", "Inv", "there", "v", "x")
		c.tagged("2", "Inv", "kept", "v", "y")
		pause()
		c.expect("2", "Rep", "both", "v")
		c.removeTag("1", "Rep", "x", 2)
		c.removeTag("1", "Inv", "x", 1)
		pause()
		for _, name := range []string{"1", "2"} {
			for key, want := range map[string]string{"both": "", "one": "", "other": "v", "none": "v"} {
				c.expect(name, "Rep", key, want)
			}
		}
		c.expect("1", "Inv", "here", "")
		c.expect("2", "Inv", "there", "")
		c.expect("2", "Inv", "kept", "v")
		c.removeTag("2", "Rep", "x", 0) // once more

		// While they are cut off: what is older than the removal dies, what is newer lives.
		c.net.Partition(hostAddr(1), hostAddr(2))
		time.Sleep(20 * time.Second)
		c.tagged("2", "Rep", "older", "v", "x")
		c.tagged("2", "Rep", "again", "old", "x")
		pause()
		c.removeTag("1", "Rep", "x", 0)
		pause()
		c.tagged("2", "Rep", "again", "new", "x")
		c.net.HealAll()
		c.within(10*time.Second, 2)
		pause()
		for _, name := range []string{"1", "2"} {
			c.expect(name, "Rep", "older", "")
			c.expect(name, "Rep", "again", "new")
		}

		// Who comes later is filled with the tags, too.
		c.own(3)
		c.within(5*time.Second, 3)
		pause()
		c.expect("3", "Rep", "again", "new")
		c.removeTag("3", "Rep", "x", 1)
		pause()
		c.expect("1", "Rep", "again", "")
		if a, b := c.region("1", "Rep").Digest, c.region("2", "Rep").Digest; a != b || a != c.region("3", "Rep").Digest {
			c.t.Errorf("replicas differ: %s, %s, %s", a, b, c.region("3", "Rep").Digest)
		}
		if err := c.in("1", "Rep").PutTagged(c.t.Context(), "k", "v", strings.Repeat("x", cache.MaxTag+1)); !errors.Is(err, cache.ErrTag) {
			c.t.Errorf("a long tag: %v", err)
		}
		if _, err := c.in("1", "Rep").RemoveTag(c.t.Context(), ""); !errors.Is(err, cache.ErrTag) {
			c.t.Errorf("no tag: %v", err)
		}
	})
}
