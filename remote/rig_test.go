// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"lateral/cache"
	"lateral/internal/auxtest"
)

func TestMain(m *testing.M) {
	// valkey-go closes the connections with nodes that left a Cluster five seconds later.
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/valkey-io/valkey-go.(*clusterClient)._refresh.func2"),
		goleak.IgnoreAnyFunction("github.com/valkey-io/valkey-go.(*call).DelayDo.func1")) // of Sentinels: it sleeps for a second at most, and ends
}

// memory is a region as far as a tier sees it: what it was told, and what a
// test put there.
type memory struct {
	mu     sync.Mutex
	held   map[string]cache.Element
	drops  map[string]int
	merged []cache.Element
	gaps   int
	clock  cache.Clock
}

func (m *memory) Look(key string) (e cache.Element, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	e, ok = m.held[key]
	return e, ok
}

func (m *memory) Drop(key string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.held, key)
	m.drops[key]++
}

func (m *memory) Merge(e cache.Element) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.merged = append(m.merged, e)
	if old := m.held[e.Key]; e.State != cache.Floor && old.Stamp.Before(e.Stamp) {
		m.held[e.Key] = e
	}
}

func (m *memory) Gap() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.gaps++
	clear(m.held)
}

func (m *memory) Keys(yield func(string) bool) {
	m.mu.Lock()
	var keys []string
	for k := range m.held {
		keys = append(keys, k)
	}
	m.mu.Unlock()
	for _, k := range keys {
		if !yield(k) {
			return
		}
	}
}

func (m *memory) Stamp() cache.Stamp { return m.clock.Next(time.Now().UnixMilli()) }

var nodes atomic.Uint64

// at reads a field of it under its lock.
func at[T any](m *memory, f func(*memory) T) T {
	m.mu.Lock()
	defer m.mu.Unlock()
	return f(m)
}

type testLog struct{ t testing.TB }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}

// A rig is one node's part of a tier.
type rig struct {
	*Tier
	s    *Server
	m    *memory
	t    testing.TB
	stop func()
}

// run runs a tier on a server until the test ends, or stop is called.
func run(t testing.TB, c Config, byStamp bool) *rig {
	t.Helper()
	c.Log = slog.New(slog.NewTextHandler(testLog{t}, nil))
	m := &memory{held: map[string]cache.Element{}, drops: map[string]int{}, clock: cache.Clock{Node: cache.NodeID(nodes.Add(1))}}
	s := Open(c)
	tier := s.Tier(TierConfig{Region: auxtest.Region, ByStamp: byStamp, Retention: 24 * time.Hour, Attr: &cache.DefaultAttributes, Hear: m})
	tier.Attach()
	ctx, cancel := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { s.Run(ctx) })
	loops.Go(func() { tier.Run(ctx) })
	r := &rig{Tier: tier, s: s, m: m, t: t, stop: sync.OnceFunc(func() { cancel(); loops.Wait() })}
	t.Cleanup(r.stop)
	return r
}

func (r *rig) until(what string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(60 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("not within a minute: %s; %+v", what, r.Status())
		}
	}
}

func (r *rig) works() *rig {
	r.t.Helper()
	r.until("every master is tracked", func() bool { return r.Status().Works })
	return r
}

func (r *rig) flush() {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := r.Flush(ctx); err != nil {
		r.t.Fatal(err, fmt.Sprintf("%+v", r.Status()))
	}
}

// put writes as a node does: into memory, and a note. It returns the stamp.
func (r *rig) put(key, value string) cache.Stamp {
	e := cache.Element{Key: key, Value: cache.Value{Bytes: value}, Attr: &cache.DefaultAttributes, Stamp: r.m.Stamp()}
	r.m.mu.Lock()
	r.m.held[key] = e
	r.m.mu.Unlock()
	r.Note(cache.Change{Op: cache.Put, Region: auxtest.Region, Element: e})
	return e.Stamp
}

func (r *rig) get(key string) string {
	r.t.Helper()
	e, ok, err := r.Fetch(context.Background(), auxtest.Region, key)
	if err != nil {
		r.t.Fatalf("%s: %v", key, err)
	}
	if !ok {
		return ""
	}
	return e.Value.Bytes
}
