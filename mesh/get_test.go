// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lateral/converge"
	"lateral/internal/memnet"
)

// Two that dial each other have two connections, of which one takes the place of the
// other: whoever asks meanwhile is answered, at any moment.
func TestAskedDuringSwap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 50 * time.Millisecond
		n := memnet.New()
		a := newStation(t, n, 1, 1, func(c *Config) { c.DialGrace = 1 })
		b := newStation(t, n, 2, 2, func(c *Config) { c.DialGrace = 1 })
		n.SetDelay(at(1), at(2), delay)
		n.SetDelay(at(2), at(1), delay)
		b.put(b.state, "k", "v")
		b.knows(a)
		a.run()
		b.run()
		time.Sleep(5 * delay / 2) // b's hello is on its way
		a.knows(b)                // and the smaller id's link is the one that stays
		until(t, 8*delay, "a link", func() bool { return len(a.linked()) > 0 })
		var all sync.WaitGroup
		for range 8 * delay / time.Millisecond {
			all.Go(func() {
				began := time.Now()
				if _, known, _ := a.Newest(t.Context(), "State", "k"); !known {
					t.Errorf("asked at %v nobody has it", began)
				}
			})
			time.Sleep(time.Millisecond)
		}
		all.Wait()
		a.close()
		b.close()
	})
}

// What a node holds of an invalidated region is not given to peers while there is
// a member that it was never linked with; of a replicated one it is.
func TestAnswersOfTheApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New()
		a, b := two(t, n)
		b.put(b.user, "k", "v")
		b.put(b.state, "k", "v")
		asks := func(region string) bool {
			_, found, err := a.Fetch(t.Context(), region, "k")
			if err != nil {
				t.Fatal(err)
			}
			return found
		}
		if !asks("User") || !asks("State") {
			t.Fatal("not answered at all")
		}
		b.frontier.Reckons(a.id, []converge.Member{{ID: a.id}, {ID: b.id}, {ID: 9, Receives: true}})
		time.Sleep(2 * b.c.Heartbeat)
		if asks("User") || !asks("State") {
			t.Errorf("with somebody apart: invalidated %v, replicated %v", asks("User"), asks("State"))
		}
		b.frontier.Died(9)
		time.Sleep(2 * b.c.Heartbeat)
		if !asks("User") {
			t.Error("not answered when it is gone")
		}
		a.close()
		b.close()
	})
}
