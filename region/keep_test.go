// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"slices"
	"testing"

	"lateral/cache"
)

// When a node leaves its memory to the disk it does so in the order of keys, without what is
// removed, asks before each, and stops when it is told to. No lock is held while it asks.
func TestKeepIsInOrder(t *testing.T) {
	for _, m := range []Mode{Local, Replicate} {
		for _, policy := range []string{"lru", "tinylfu"} {
			g := open(t, m, Settings{MaxObjects: 10_000, Policy: policy})
			for i := range 500 {
				g.put(fmt.Sprint("key", i*7919%500), "value")
			}
			g.remove("key3")
			g.disk.take()
			asked, bytes := 0, 0
			kept := g.Keep(func(n int) bool {
				asked, bytes = asked+1, bytes+n
				if asked == 100 {
					g.remove("key5") // would wait for ever for a lock that is held
					g.put("key6", "newer")
				}
				return asked <= 490
			})
			var keys []string
			for _, c := range g.disk.told {
				if c.Op == cache.Put && c.Element.Key != "key6" {
					keys = append(keys, c.Element.Key)
				}
			}
			if !slices.IsSorted(keys) || len(keys) != 489 || kept != 490 || asked != 490+1 {
				t.Errorf("%s, %s: %d kept of %d that were asked about, %d noted, in order: %t", m, policy, kept, asked, len(keys), slices.IsSorted(keys))
			}
			if slices.Contains(keys, "key3") || slices.Contains(keys, "key5") {
				t.Errorf("%s, %s: what is removed is kept", m, policy)
			}
			if bytes < 491*len("key0value") {
				t.Errorf("%s, %s: %d bytes in all", m, policy, bytes)
			}
		}
	}
}
