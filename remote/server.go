// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/valkey-io/valkey-go"
)

// Config is what a Server is opened from.
type Config struct {
	// Addrs are host:port of the server, of some nodes of a Cluster, or, with
	// Master, of Sentinels, which are asked for the master of that name.
	Addrs  []string
	Master string

	Username string
	// Password is asked for at every connection; nil is none.
	Password func() (string, error)
	// SentinelPassword is for the Sentinels.
	SentinelPassword func() (string, error)
	TLS              *tls.Config // nil: plain
	Database         int         // 0 on a Cluster
	Prefix           string      // of all keys; "" is lateral

	Timeout   time.Duration // of a question; 0 is DefaultTimeout
	Heartbeat time.Duration // between signs of life; 0 is a second
	Silent    time.Duration // without one a connection is dead; 0 is DefaultSilent

	GetOnly        bool  // write nothing
	MaxQueued      int   // elements of a region that may wait to be written; 0 is DefaultQueued
	MaxQueuedBytes int64 // of keys and values; 0 is DefaultQueuedBytes
	MaxValue       int   // bytes; what is larger is not written; 0 is DefaultValue

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: slog.Default()
}

// The defaults of Config.
const (
	DefaultPrefix      = "lateral"
	DefaultTimeout     = time.Second
	DefaultSilent      = 5 * time.Second
	DefaultQueued      = 50_000
	DefaultQueuedBytes = 64 << 20
	DefaultValue       = 8 << 20
)

func (c *Config) fill() {
	set(&c.Prefix, DefaultPrefix)
	set(&c.Timeout, DefaultTimeout)
	set(&c.Heartbeat, time.Second)
	set(&c.Silent, DefaultSilent)
	set(&c.MaxQueued, DefaultQueued)
	set(&c.MaxQueuedBytes, DefaultQueuedBytes)
	set(&c.MaxValue, DefaultValue)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
}

func set[T comparable](v *T, to T) {
	var zero T
	if *v == zero {
		*v = to
	}
}

// A Server is the connections with one server, Cluster, or master of Sentinels.
// Its methods may be called by many goroutines.
type Server struct {
	c      Config
	wake   chan struct{}
	client atomic.Pointer[valkey.Client]
	down   atomic.Pointer[time.Time] // since when invalidations may be missing; nil: none is
	losses atomic.Uint64
	// sentinels are the addresses of those that were dialled: what proves us to the servers is not for them.
	sentinels sync.Map
	broken    atomic.Int64 // until when (ns since 1970) nobody asks, after it did not answer

	mu       sync.Mutex // guards what follows
	tiers    map[string]*Tier
	trackers map[string]*tracker
	why      string // why it does not work, "" if it does
	mode     string
	gaps     uint64
}

// notYet is why nothing works at first.
const notYet = "not connected yet"

// Open returns a Server. It connects when it is run.
func Open(c Config) *Server {
	c.fill()
	s := &Server{c: c, wake: make(chan struct{}, 1), tiers: map[string]*Tier{}, trackers: map[string]*tracker{}, why: notYet}
	now := time.Now()
	s.down.Store(&now)
	return s
}

// Tier returns a region of the server. It hears of nothing before it is attached.
func (s *Server) Tier(c TierConfig) *Tier {
	return &Tier{s: s, c: c, hash: s.c.Prefix + ":" + regionName(c.Region), wake: make(chan struct{}, 1), checks: make(chan struct{}, 1), sweeps: make(chan struct{}, 1),
		queue: newBatch(), writing: newBatch(), settled: make(chan struct{}), floors: floors{}, peers: floors{}, own: map[string]time.Time{}, check: map[string]struct{}{}}
}

// Attach has the region hear of changes. What it holds by then, of an earlier life, is compared with the server's
// where values travel; else it must hold nothing.
func (t *Tier) Attach() {
	t.s.mu.Lock()
	t.s.tiers[regionName(t.c.Region)] = t
	t.s.mu.Unlock()
	if t.c.ByStamp {
		t.mu.Lock()
		t.checkAll = true
		t.mu.Unlock()
		poke(t.checks)
	}
}

// Run writes what is noted, verifies and sweeps, until ctx ends. What waits then is lost: see Flush.
func (t *Tier) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { t.writes(ctx) })
	loops.Go(func() { t.verifies(ctx) })
	loops.Go(func() { t.sweepsUp(ctx) })
	loops.Wait()
	t.s.mu.Lock()
	delete(t.s.tiers, regionName(t.c.Region))
	t.s.mu.Unlock()
}

// Run keeps the connections until ctx ends.
func (s *Server) Run(ctx context.Context) {
	tick := time.NewTicker(s.c.Heartbeat)
	defer tick.Stop()
	for ctx.Err() == nil {
		s.look(ctx)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-tick.C:
		}
	}
	s.mu.Lock()
	all := slices.Collect(maps.Values(s.trackers))
	s.mu.Unlock()
	for _, t := range all {
		t.end()
	}
	if p := s.client.Swap(nil); p != nil {
		(*p).Close()
	}
}

// look connects what is not, follows the masters, and ends a gap when all are tracked.
func (s *Server) look(ctx context.Context) {
	if s.client.Load() == nil {
		cl, err := valkey.NewClient(s.option())
		if err != nil {
			s.say(err)
			return
		}
		s.client.Store(&cl)
		s.mu.Lock()
		s.mode = string(cl.Mode())
		s.mu.Unlock()
	}
	masters, err := s.masters(ctx)
	if err != nil {
		s.say(err)
		if len(masters) == 0 {
			return
		}
	}
	s.track(ctx, masters)
	s.settle(masters)
}

// track keeps one tracker for each master. Whatever changes in that is a gap.
func (s *Server) track(ctx context.Context, masters []string) {
	s.mu.Lock()
	var over []*tracker
	changed := false
	for addr, t := range s.trackers {
		if !slices.Contains(masters, addr) {
			over, changed = append(over, t), true
			delete(s.trackers, addr)
		}
	}
	for _, addr := range masters {
		if s.trackers[addr] == nil {
			s.trackers[addr], changed = newTracker(ctx, s, addr), true
		}
	}
	s.mu.Unlock()
	if changed {
		s.lost()
	}
	for _, t := range over {
		t.end()
	}
}

// settle ends a gap if every master is tracked. What was found before is
// dropped first; if a connection was lost meanwhile it is a gap still.
func (s *Server) settle(masters []string) {
	losses := s.losses.Load()
	since := s.down.Load()
	s.mu.Lock()
	whole, why := true, ""
	for _, addr := range masters {
		if t := s.trackers[addr]; !t.up.Load() {
			whole = false
			if p := t.why.Load(); p != nil { // else it is being connected for the first time
				why = "no tracking connection with " + addr + ": " + *p
			}
		}
	}
	tiers := slices.Collect(maps.Values(s.tiers))
	s.mu.Unlock()
	if why != "" {
		s.say(errors.New(why))
	}
	if !whole || since == nil {
		return
	}
	for _, t := range tiers {
		t.gap()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.losses.Load() != losses || !s.down.CompareAndSwap(since, nil) {
		return
	}
	s.gaps++
	s.broken.Store(0)
	if s.why != "" {
		s.c.Log.Info("remote tier: every master is tracked", "servers", strings.Join(masters, ","), "missing_for", time.Since(*since).Round(time.Millisecond))
	}
	s.why = ""
}

// lost is called when invalidations may have been missed, or will be.
func (s *Server) lost() {
	now := time.Now()
	s.mu.Lock() // settle must not miss it
	defer s.mu.Unlock()
	s.losses.Add(1)
	s.down.CompareAndSwap(nil, &now)
}

// say notes why it does not work, and logs it if it is news.
func (s *Server) say(err error) {
	s.mu.Lock()
	news := s.why != err.Error()
	s.why = err.Error()
	s.mu.Unlock()
	if news {
		s.c.Log.Warn("remote tier: invalidations may be missing; regions do as WhenLinkDown says", "servers", strings.Join(s.c.Addrs, ","), "cause", err)
	}
}

func (s *Server) tracking() bool { return s.down.Load() == nil }

// Since returns since when invalidations may be missing; ok is false if none is.
func (s *Server) Since() (since time.Time, ok bool) {
	if p := s.down.Load(); p != nil {
		return *p, true
	}
	return time.Time{}, false
}

// Losses counts what may have been missed.
func (s *Server) Losses() uint64 { return s.losses.Load() }

// Silence is how long ago the last sign of life was asked for that every master
// has given; ok is false if one has not.
func (s *Server) Silence() (d time.Duration, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.trackers {
		d = max(d, time.Since(time.Unix(0, t.fresh.Load())))
	}
	return d, s.tracking()
}

// data returns the client that reads and writes, an error that wraps ErrDown
// if there is none, or it did not answer a moment ago.
func (s *Server) data() (valkey.Client, error) {
	p := s.client.Load()
	if p == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return nil, fmt.Errorf("%w: %s", ErrDown, s.why)
	}
	if until := s.broken.Load(); until != 0 && time.Now().UnixNano() < until {
		return nil, fmt.Errorf("%w: it did not a moment ago", ErrDown)
	}
	return *p, nil
}

// failed looks at an error: after one of the network nobody is to wait for
// another for a while.
func (s *Server) failed(err error) error {
	if _, answered := valkey.IsValkeyErr(err); answered || err == nil {
		return err
	}
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) { // that may be the caller's
		s.rest()
	}
	return fmt.Errorf("%w: %w", ErrDown, err)
}

// rest has nobody ask for a while.
func (s *Server) rest() { s.broken.Store(time.Now().Add(s.c.Timeout / 2).UnixNano()) }

// errSlow is the cause of a context that ended because the server did not answer in time.
var errSlow = errors.New("no answer in time")

// within is a context of a question to the server. end is to be called after it.
func (s *Server) within(ctx context.Context, d time.Duration) (_ context.Context, end func()) {
	ctx, cancel := context.WithTimeoutCause(ctx, d, errSlow)
	return ctx, func() {
		if context.Cause(ctx) == errSlow {
			s.rest()
		}
		cancel()
	}
}

func isKind(err error, kind string) bool {
	re, ok := valkey.IsValkeyErr(err)
	return ok && strings.HasPrefix(re.Error(), kind)
}

func isNil(err error) bool { return err != nil && valkey.IsValkeyNil(err) }
