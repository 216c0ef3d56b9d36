// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"testing"
	"testing/synctest"
	"time"

	"lateral/internal/memnet"
)

// A member of which only rows tell is believed in for as long as one does: that a peer has a
// link with it, or misses it. Of one that has said goodbye none does.
func TestRetract(t *testing.T) {
	for _, killed := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			n := memnet.New()
			n.Partition(at(1), at(3))
			a, b, x := newStation(t, n, 1, 1), newStation(t, n, 2, 2), newStation(t, n, 3, 3)
			for _, s := range []*station{a, b, x} {
				s.run()
			}
			b.knows(a, x)
			settled(t, time.Second, a, b)
			settled(t, time.Second, b, x)
			time.Sleep(4 * relearnEvery)
			if _, ok := a.book.Peer(x.id); !ok {
				t.Error("who has a link with a peer is not believed in")
			}
			if killed {
				x.kill()
			} else {
				x.close()
			}
			time.Sleep(4 * relearnEvery)
			if _, ok := a.book.Peer(x.id); ok != killed {
				t.Errorf("killed %v: who is missed by a peer is believed in %v", killed, ok)
			}
		})
	}
}
