// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/valkey-io/valkey-go"
)

// A tracker is the connection with one master on which it tells of changed
// keys, in the order in which it changed them. A sign of life that is answered
// has brought everything that was changed before it was asked for.
type tracker struct {
	s    *Server
	addr string
	stop context.CancelFunc
	done chan struct{}
	kick chan struct{}

	up    atomic.Bool
	fresh atomic.Int64 // ns since 1970: when the last sign of life that was answered was asked for
	why   atomic.Pointer[string]
}

func newTracker(ctx context.Context, s *Server, addr string) *tracker {
	ctx, stop := context.WithCancel(ctx)
	t := &tracker{s: s, addr: addr, stop: stop, done: make(chan struct{}), kick: make(chan struct{}, 1)}
	go t.run(ctx)
	return t
}

func (t *tracker) end() {
	t.stop()
	<-t.done
}

// run connects again and again, until ctx ends.
func (t *tracker) run(ctx context.Context) {
	defer close(t.done)
	for ctx.Err() == nil {
		o := t.s.option()
		o.InitAddress, o.Sentinel, o.ForceSingleClient, o.PipelineMultiplex = []string{t.addr}, valkey.SentinelOption{}, true, -1
		o.DisableCache = false
		o.CacheSizeEachConn = 1 // nothing is kept there
		o.ClientTrackingOptions = []string{"BCAST", "PREFIX", t.s.c.Prefix + ":"}
		var over atomic.Bool
		o.OnInvalidations = func(keys []valkey.ValkeyMessage) {
			if over.Load() {
				return
			}
			t.hear(keys)
		}
		asked := time.Now()
		cl, err := valkey.NewClient(o)
		if err != nil {
			t.missed(err)
			sleep(ctx, retry)
			continue
		}
		t.beat(ctx, cl, asked)
		over.Store(true)
		cl.Close()
	}
	t.up.Store(false)
}

// beat asks for signs of life until one fails. A connection that the client
// replaced by itself was told of by hear first.
func (t *tracker) beat(ctx context.Context, cl valkey.Client, asked time.Time) {
	tick := time.NewTicker(t.s.c.Heartbeat)
	defer tick.Stop()
	last := asked
	for {
		asked := time.Now()
		pctx, cancel := context.WithDeadline(ctx, last.Add(t.s.c.Silent))
		err := cl.Do(pctx, cl.B().Ping().Build()).Error()
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			t.missed(err)
			return
		}
		last = asked
		t.fresh.Store(asked.UnixNano())
		if !t.up.Swap(true) {
			t.why.Store(nil)
			poke(t.s.wake)
		}
		select {
		case <-ctx.Done():
			return
		case <-t.kick:
		case <-tick.C:
		}
	}
}

// hear is told of keys, or of nothing: the connection is lost, or the server was emptied.
func (t *tracker) hear(keys []valkey.ValkeyMessage) {
	if keys == nil {
		t.up.Store(false)
		t.s.lost()
		poke(t.kick)
		return
	}
	for i := range keys {
		key, err := keys[i].ToString()
		if err != nil {
			continue
		}
		region, name, many, ok := splitKey(t.s.c.Prefix, key)
		if !ok {
			continue
		}
		t.s.mu.Lock()
		tier := t.s.tiers[region]
		t.s.mu.Unlock()
		switch {
		case tier == nil:
		case many:
			tier.floorsMoved()
		default:
			tier.invalidated(name)
		}
	}
}

// missed: there is no connection, or it does not answer.
func (t *tracker) missed(err error) {
	why := err.Error()
	t.why.Store(&why)
	t.up.Store(false)
	t.s.lost()
	poke(t.s.wake)
}
