// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"lateral/cache"
)

// ledger is what callers were told of their keys: each key has one writer, who
// writes it again and again.
type ledger struct {
	mu     sync.Mutex
	acked  map[string]int // the last write of the key that returned without an error
	begun  map[string]int // the last that was begun
	refuse int
}

// write writes keys of one node until it ends: numbers that rise, each fourth
// of them a removal.
func (l *ledger) write(c *cache.Do, key string, stop <-chan struct{}) {
	for i := 1; ; i++ {
		select {
		case <-stop:
			return
		default:
		}
		l.mu.Lock()
		l.begun[key] = i
		l.mu.Unlock()
		cmd := cache.Command{Op: cache.Put, Region: "Rep", Key: key, Value: cache.Value{Bytes: fmt.Sprint(i)}}
		if i%4 == 0 {
			cmd.Op, cmd.Value = cache.Remove, cache.Value{}
		}
		_, err := (*c)(context.Background(), cmd)
		l.mu.Lock()
		if err == nil {
			l.acked[key] = i
		} else {
			l.refuse++
		}
		l.mu.Unlock()
		if errors.Is(err, cache.ErrClosed) {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// state is what a number stands for.
func state(i int) string {
	if i%4 == 0 {
		return ""
	}
	return fmt.Sprint(i)
}

// An acknowledged write survives any K simultaneous kills: with Acks=K every
// survivor finds, right after, a write at least as new as the last of the key
// that was acknowledged before.
func TestAckedWritesSurvive(t *testing.T) {
	for _, k := range []int{1, 2} {
		acked := 0
		for seed := range uint64(25) {
			inBubble(t, func(c *cluster) {
				n := k + 2
				c.sessionNodes(n, attribute("Rep", fmt.Sprint("Acks=", k)))
				rnd := rand.New(rand.NewPCG(seed, uint64(k)))
				c.ways(rnd, n, 20*time.Millisecond)
				l := &ledger{acked: map[string]int{}, begun: map[string]int{}}
				stop := make(chan struct{})
				var writers sync.WaitGroup
				for i := range 3 * n {
					do := cache.Do(c.nodes[fmt.Sprint(i%n+1)].Do)
					writers.Go(func() { l.write(&do, fmt.Sprint("k", i), stop) })
				}
				time.Sleep(time.Duration(100+rnd.IntN(300)) * time.Millisecond)
				victims := rnd.Perm(n)[:k]
				l.mu.Lock() // nothing is acknowledged between the look and the kill
				before := map[string]int{}
				for key, i := range l.acked {
					before[key] = i
				}
				for _, v := range victims {
					c.die(fmt.Sprint(v + 1))
				}
				l.mu.Unlock()
				close(stop)
				writers.Wait()
				for _, v := range victims {
					c.kill(fmt.Sprint(v + 1))
				}
				// The survivors notice within what the network takes, and compare
				// what they have.
				time.Sleep(500 * time.Millisecond)
				for name := range c.nodes {
					for key, last := range before {
						if got := c.get(name, "Rep", key); !atLeast(got, last, l.begun[key]) {
							c.t.Errorf("K=%d, seed %d, killed %v: %s has %q as %s, of which %d was acknowledged", k, seed, victims, name, got, key, last)
						}
					}
				}
				acked += len(before)
			})
		}
		if acked < 25*(k+2) {
			t.Errorf("K=%d: only %d keys were acknowledged at all", k, acked)
		}
	}
}

// atLeast reports whether a value is that of a write between two numbers.
func atLeast(got string, from, to int) bool {
	for i := from; i <= to; i++ {
		if state(i) == got {
			return true
		}
	}
	return false
}
