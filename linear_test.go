// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"lateral/cache"
)

var histories = flag.Int("histories", 20, "fault schedules that TestLinearizable runs")

// A call is one operation of a history, on one of two keys.
type call struct {
	key   string
	write bool
	value int
}

// register is what strict mode promises of one key: as if there were one copy.
var register = porcupine.Model{
	Partition: func(history []porcupine.Operation) (parts [][]porcupine.Operation) {
		by := map[string][]porcupine.Operation{}
		for _, op := range history {
			key := op.Input.(call).key
			by[key] = append(by[key], op)
		}
		for _, p := range by {
			parts = append(parts, p)
		}
		return parts
	},
	Init: func() any { return 0 },
	Step: func(state, input, output any) (bool, any) {
		c := input.(call)
		if c.write {
			return true, c.value
		}
		return output.(int) == state.(int), state
	},
}

// A source holds two registers. Each access takes effect at one moment between
// its call and its return.
type source [2]atomic.Int64

// history has three nodes read and write the registers of a source, through an
// invalidated region, while links are cut in either way and processes killed
// and started anew. All chance is the seed's.
func history(c *cluster, seed uint64, set string) (ops []porcupine.Operation, hits uint64) {
	const nodes, clients, calls = 3, 2, 80
	rnd := func(n uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, n)) }
	for i := 1; i <= nodes; i++ {
		c.own(i, set)
		for j := 1; j <= nodes; j++ {
			c.net.SetDelay(hostAddr(i), hostAddr(j), time.Duration(rnd(uint64(i*10+j)).IntN(20_000))*time.Microsecond)
		}
	}
	c.within(3*time.Second, nodes)
	time.Sleep(lease)
	var (
		src     source
		written atomic.Int64             // makes values unique
		clock   atomic.Int64             // orders calls and returns, also within one moment
		mu      = make(chan struct{}, 1) // guards ops and nodes; who waits for a mutex is not idle to synctest
		wg      sync.WaitGroup
		done    = make(chan struct{})
	)
	for i := 1; i <= nodes; i++ {
		for j := range clients {
			client := i*clients + j
			r := rnd(uint64(1000 + client))
			wg.Go(func() {
				for range calls {
					time.Sleep(time.Duration(r.IntN(300)) * time.Millisecond)
					mu <- struct{}{}
					region, proc := c.in(strconv.Itoa(i), "Inv"), c.procs[strconv.Itoa(i)]
					<-mu
					k := r.IntN(2)
					in := call{key: fmt.Sprint("k", k), write: r.IntN(6) == 0}
					before, after := time.Duration(r.IntN(30))*time.Millisecond, time.Duration(r.IntN(30))*time.Millisecond
					began, out, known := clock.Add(1), 0, true
					if in.write {
						in.value = int(written.Add(1))
						committed := false
						err := region.Update(context.Background(), in.key, func(context.Context) error {
							time.Sleep(before)
							if proc.Dead() { // as its process would be
								return cache.ErrClosed
							}
							src[k].Store(int64(in.value))
							committed = true
							time.Sleep(after)
							return nil
						})
						known = committed
						if err != nil && !errors.Is(err, cache.ErrClosed) && !errors.Is(err, cache.ErrUnsettled) {
							c.t.Error(err)
						}
					} else {
						v, err := region.GetOrLoad(context.Background(), in.key, func(context.Context) (string, error) {
							time.Sleep(before)
							v := src[k].Load()
							time.Sleep(after)
							return fmt.Sprint(v), nil
						})
						known = err == nil
						out, _ = strconv.Atoi(v)
					}
					if known {
						mu <- struct{}{}
						ops = append(ops, porcupine.Operation{ClientId: client, Input: in, Call: began, Output: out, Return: clock.Add(1)})
						<-mu
					}
				}
			})
		}
	}
	go func() { wg.Wait(); close(done) }()
	c.disturb(rnd(7), nodes, set, mu, done)
	for name := range c.nodes {
		st := c.region(name, "Inv").Stats
		hits += max(st.Hits, st.Unleased) - st.Unleased
	}
	c.net.HealAll()
	return ops, hits
}

// disturb makes faults, each for a while, until done is closed.
func (c *cluster) disturb(r *rand.Rand, nodes int, set string, mu chan struct{}, done <-chan struct{}) {
	pause := func(most time.Duration) bool {
		select {
		case <-done:
			return false
		case <-time.After(time.Duration(r.Int64N(int64(most)))):
			return true
		}
	}
	for pause(2 * time.Second) {
		a := 1 + r.IntN(nodes)
		b := 1 + (a+r.IntN(nodes-1))%nodes
		switch r.IntN(5) {
		case 0:
			c.net.Partition(hostAddr(a), hostAddr(b))
		case 1:
			c.net.Block(hostAddr(a), hostAddr(b))
		case 2: // stopped: for the others there is no difference
			for i := 1; i <= nodes; i++ {
				if i != a {
					c.net.Partition(hostAddr(a), hostAddr(i))
				}
			}
		case 3:
			c.net.Cut(hostAddr(a), hostAddr(b))
		case 4:
			mu <- struct{}{}
			c.kill(strconv.Itoa(a))
			c.own(a, set)
			<-mu
		}
		pause(6 * time.Second)
		c.net.HealAll()
	}
}

// Under leases single keys are linearizable, whatever happens to links and
// processes: Update is one write, GetOrLoad one read.
func TestLinearizable(t *testing.T) {
	found := uint64(0)
	for seed := range uint64(*histories) {
		inBubble(t, func(c *cluster) {
			ops, hits := history(c, seed, attribute("Inv", "Strict=true"))
			res := porcupine.CheckOperationsTimeout(register, ops, 0)
			if res != porcupine.Ok {
				t.Errorf("seed %d: %d operations: %v", seed, len(ops), res)
			}
			found += hits
			if len(ops) < 400 {
				t.Errorf("seed %d: only %d operations", seed, len(ops))
			}
		})
	}
	if found < uint64(*histories)*40 {
		t.Errorf("only %d reads were found in memory: the test shows nothing", found)
	}
}

// The checker sees the difference: without leases the same schedules are not
// linearizable, and these seeds show it.
func TestNotLinearizableWithoutLeases(t *testing.T) {
	for _, seed := range []uint64{0, 1, 2} {
		inBubble(t, func(c *cluster) {
			ops, _ := history(c, seed, attribute("Inv", "Strict=false"))
			if res := porcupine.CheckOperationsTimeout(register, ops, 0); res != porcupine.Illegal {
				t.Errorf("seed %d: %d operations: %v", seed, len(ops), res)
			}
		})
	}
}
