// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"lateral/cache"
	"lateral/resp"
)

// A teller is a region that counts what peers have yet to be told.
type teller struct {
	resp.Region

	mu                 sync.Mutex // guards what follows
	put                func(key string)
	acked              func(untold int)
	puts, tells, wakes int // wakes: puts that peers were to be told of by themselves
	untold             int
	news               chan struct{} // has room for one: somebody was told
}

func (r *teller) Put(ctx context.Context, whole string, n int, a *cache.Attributes, caller uint64, more bool) error {
	r.mu.Lock()
	put := r.put
	r.mu.Unlock()
	if put != nil {
		put(whole[:n])
	}
	r.mu.Lock()
	r.puts++
	if r.untold++; !more {
		r.wakes, r.untold = r.wakes+1, 0
	}
	r.mu.Unlock()
	return r.Region.Put(ctx, whole, n, a, caller, more)
}

// on has f called before each put, and g before each wait for peers.
func (r *teller) on(f func(key string), g func(untold int)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.put, r.acked = f, g
}

func (r *teller) Tell() {
	r.mu.Lock()
	r.tells, r.untold = r.tells+1, 0
	r.mu.Unlock()
	r.Region.Tell()
	select {
	case r.news <- struct{}{}:
	default:
	}
}

func (r *teller) Acked(ctx context.Context, want int) int {
	r.mu.Lock()
	acked, n := r.acked, r.untold
	r.mu.Unlock()
	if acked != nil {
		acked(n)
	}
	return r.Region.Acked(ctx, want)
}

// tellers is a site of two nodes, and the replicated region of the first.
func tellers(t *testing.T) (*site, *teller) {
	r := &teller{news: make(chan struct{}, 1)}
	first := true
	s := newSite(t, 2, func(c *resp.Config) {
		if !first {
			return
		}
		first = false
		open := c.Open
		c.Open = func(name string) (resp.Region, error) {
			in, err := open(name)
			if name != "Rep" || err != nil {
				return in, err
			}
			r.Region = in
			return r, nil
		}
	})
	return s, r
}

// What is written at one time peers are sent together, and soon: nothing
// follows that would have them sent it.
func TestWritesAreGathered(t *testing.T) {
	s, r := tellers(t)
	a, b := s.client(0, "2"), s.client(1, "2")
	var all strings.Builder
	const n = 100
	for i := range n {
		fmt.Fprintf(&all, "SET k%d v\r\n", i)
	}
	io.WriteString(a, all.String())
	for range n {
		if got := a.answer(); got != "OK" {
			t.Fatal(got)
		}
	}
	b.until("v", "GET", fmt.Sprint("k", n-1))
	<-r.news
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.puts != n || r.wakes > 0 || r.tells == 0 || r.tells > n/4 || r.untold > 0 {
		t.Errorf("%d writes were told %d times, and %d by themselves; %d were not", r.puts, r.tells, r.wakes, r.untold)
	}
}

// Who waits for peers has them told first, and writes by itself from then on.
func TestGatheredBeforeWait(t *testing.T) {
	s, r := tellers(t)
	untold := make(chan int, 1)
	r.on(nil, func(n int) { untold <- n })
	a := s.client(0, "2")
	io.WriteString(a, "SET k v\r\nWAIT 1 0\r\n")
	if got := a.answer() + a.answer(); got != "OK#1" {
		t.Fatal(got)
	}
	if n := <-untold; n != 0 {
		t.Errorf("it waits for peers that were not told of %d writes", n)
	}
	a.expect("OK", "SET", "k", "w")
	if r.mu.Lock(); r.wakes != 1 {
		t.Errorf("%d writes were told by themselves, want the last", r.wakes)
	}
	r.mu.Unlock()
}

// Peers are told before a loop waits for a transaction of another client.
func TestGatheredBeforeGate(t *testing.T) {
	for _, requests := range []string{"SET a 1\r\nMSET b 2 c 3\r\n", "SET a 1\r\nPING\r\nSET b 2\r\n"} {
		t.Run(strings.ReplaceAll(strings.TrimSpace(requests), "\r\n", "|"), func(t *testing.T) {
			t.Parallel()
			s, r := tellers(t)
			alone, a := s.client(0, "2"), s.client(0, "2")
			alone.words("DBSIZE") // has a goroutine of its own from here on
			alone.words("MULTI")
			alone.words("SET x 1")
			r.on(func(key string) {
				switch key {
				case "a": // in the loop, which is in the gate
					alone.send("EXEC")
					for end := time.Now().Add(20 * time.Second); !s.fronts[0].GateWanted(); {
						if time.Now().After(end) {
							t.Error("no transaction wants to begin")
							return
						}
					}
				case "x": // in the transaction
					select {
					case <-r.news:
					case <-time.After(20 * time.Second):
						t.Error("peers are not told while the loop waits")
					}
				}
			}, nil)
			io.WriteString(a, requests)
			for range strings.Count(requests, "\n") {
				a.answer()
			}
			alone.answer()
		})
	}
}

// Writes wait for others only where they come fast.
func TestGatherPace(t *testing.T) {
	for _, c := range []struct {
		n    int
		step time.Duration
		fast bool
	}{
		{1, 50 * time.Microsecond, false}, // one client that waits for each answer
		{1, time.Second, false},
		{1000, time.Second, false},
		{4, 100 * time.Microsecond, true},
		{100, 2 * time.Millisecond, true},
		{60, 2 * time.Millisecond, false},
		{1 << 20, time.Hour, false},
	} {
		if got := resp.Fast(c.n, c.step, 100); got != c.fast {
			t.Errorf("%d every %v: fast %v, want %v", c.n, c.step, got, c.fast)
		}
	}
}

// silent is a region of which only that peers are told is asked.
type silent struct {
	resp.Region
	told int
}

func (s *silent) Tell() { s.told++ }

// Where writes come fast one waits, until the loop's poll ends for it; else
// none does, however short a time ago the last was told.
func TestGatherTime(t *testing.T) {
	for _, fast := range []bool{false, true} {
		var r silent
		waits, err := resp.Waits(fast, &r)
		if waits != fast || fast != errors.Is(err, os.ErrDeadlineExceeded) || (r.told == 0) != fast {
			t.Errorf("fast %v: it waits: %v, %v, told %d times", fast, waits, err, r.told)
		}
	}
}
