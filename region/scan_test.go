// SPDX-License-Identifier: Apache-2.0

package region

import (
	"fmt"
	"testing"

	"lateral/cache"
)

// Every key that is there all the time comes once, whatever else is written.
func TestScan(t *testing.T) {
	for _, m := range []Mode{Local, Replicate} {
		for _, size := range []int{0, 1, 70, 5000} {
			g := open(t, m, Settings{MaxObjects: -1})
			for i := range size {
				g.do(cache.Command{Op: cache.Put, Key: fmt.Sprint("k", i)})
			}
			seen, calls := map[string]int{}, 0
			for from, more := uint64(0), true; more; calls++ {
				var keys []string
				keys, from = g.Scan(g.now, from, 10)
				for _, k := range keys {
					if k[0] == 'k' {
						seen[k]++
					}
				}
				if from&(1<<19-1) != 0 {
					t.Fatalf("place %x", from)
				}
				more = from != 0
				g.do(cache.Command{Op: cache.Put, Key: fmt.Sprint("new", calls)})
			}
			for k, n := range seen {
				if n != 1 {
					t.Errorf("%s, %d keys: %s came %d times", m, size, k, n)
				}
			}
			if len(seen) != size || calls > maxScans+maxScans/8 || size >= 70 && calls < 7 {
				t.Errorf("%s: %d of %d keys in %d calls", m, len(seen), size, calls)
			}
		}
	}
}
