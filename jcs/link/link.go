// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"lateral/cache"
	"lateral/changelog"
	"lateral/jcs"
)

const (
	maxInbound = 512 // connections of Java nodes; JCS meshes have a few dozen nodes
	maxPeers   = 512 // Java nodes that are dialled
	maxSkipped = 100 // messages in a row that make no sense, after which a connection is nonsense

	redialFirst = 100 * time.Millisecond
	redialMost  = 5 * time.Second
	probeTime   = 300 * time.Millisecond // a Lateral node answers within a round trip, and that
	messageTime = 2 * time.Minute        // the largest message at 0.8 MB/s
)

// Magic is what a Lateral node answers to a probe.
const Magic = "LTR1"

// A Region is what is needed of a region that is bound to this endpoint.
type Region interface {
	Name() string
	Apply(now int64, c cache.Command) (cache.Reply, error)
	Get(now int64, key string) (cache.Element, bool)
	Lookup(key string) (e cache.Element, shared bool)
}

// Config is what Links are made from.
type Config struct {
	Requester  int64           // by which JCS nodes know us; random
	Gen        *jcs.Generation // the one that the ccf names
	Serializer jcs.Serializer
	Receive    bool
	Filter     bool // FilterRemoveByHashCode
	Bridge     bool // relay between generations
	ListenOnly bool // dial, tell and answer nobody anything; see Observed

	Log     *changelog.Log                   // or Follow
	Regions func() []Region                  // those bound to this endpoint
	Region  func(name string) (Region, bool) // makes one from jcs.default where that binds it here
	Clock   *cache.Clock
	Now     func() time.Time

	Dial       func(ctx context.Context, addr string) (net.Conn, error)
	OpenTime   time.Duration // JCS: OpenTimeOut
	AnswerTime time.Duration // JCS: SocketTimeOut
	Message    time.Duration // how long one message may take from its first to its last byte; 0 is 2 minutes
	Settle     time.Duration // how long a node whose listener has opened may still make its regions
	Freed      func()        // Java says of an address no more that it is a Java node's; may be nil
	Logger     *slog.Logger
}

// Links are one endpoint's connections with Java nodes. Run must be running.
type Links struct {
	c Config

	mu      sync.Mutex                // guards what follows
	inbound map[*inbound]bool         // true
	peers   map[string]*peer          // by address
	lateral map[string]bool           // configured addresses that turned out to be Lateral's
	unmet   map[string]time.Time      // configured addresses where nobody has answered yet, and when that was tried
	opening map[netip.Addr]time.Time  // hosts that are not dialled until then, see opening.go
	floors  map[origin]uint64         // the last removal of many by each
	relays  map[string]*changelog.Log // by family, see bridge.go
	watch   *observer                 // nil without ListenOnly

	counters counters
	ledger   ledger
	ahead    atomic.Int64  // bytes read ahead of who takes messages off connections
	often    *rate.Limiter // of log lines that strangers can cause
	tagged   sync.Once     // of the log line about removals of tags

	group *errgroup.Group // guarded by mu; nil while Run is not running
	work  context.Context // of group; set by Run
}

// counters of what the links did; Counters exports them.
type counters struct {
	accepted, refused, messages, skipped, unapplied, filtered, questions, misses, own atomic.Int64
	dialled, sent, untold, gaps, bytesIn, bytesOut, asked, bridged, bridgedForeign    atomic.Int64
}

// New makes Links; it starts nothing.
func New(c Config) *Links {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Message == 0 {
		c.Message = messageTime
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	l := &Links{c: c, inbound: map[*inbound]bool{}, peers: map[string]*peer{}, lateral: map[string]bool{}, unmet: map[string]time.Time{}, opening: map[netip.Addr]time.Time{},
		floors: map[origin]uint64{}, relays: map[string]*changelog.Log{}, often: rate.NewLimiter(1, 5)}
	if c.ListenOnly {
		l.watch = &observer{sources: map[int64]*source{}}
	}
	return l
}

// Follow says which log Java nodes are told of. It is called once, before Run.
func (l *Links) Follow(log *changelog.Log) { l.c.Log = log }

// Run dials Java nodes until ctx ends, and returns when every connection is
// closed.
func (l *Links) Run(ctx context.Context) error {
	g, work := errgroup.WithContext(ctx)
	l.mu.Lock()
	l.group, l.work = g, work
	for _, p := range l.peers {
		l.startLocked(p)
	}
	l.mu.Unlock()
	g.Go(func() error {
		<-work.Done()
		l.mu.Lock()
		defer l.mu.Unlock()
		l.group = nil // nobody is dialled any more
		return nil
	})
	err := g.Wait()
	l.mu.Lock()
	for in := range l.inbound {
		in.conn.Close()
	}
	l.mu.Unlock()
	return err
}

// Counters returns the counters by name.
func (l *Links) Counters() map[string]int64 {
	c := &l.counters
	return map[string]int64{
		"jcs_accepted": c.accepted.Load(), "jcs_refused": c.refused.Load(), "jcs_messages_in": c.messages.Load(), "jcs_skipped": c.skipped.Load(),
		"jcs_unapplied": c.unapplied.Load(), "jcs_filtered": c.filtered.Load(), "jcs_questions": c.questions.Load(), "jcs_misses": c.misses.Load(),
		"jcs_own": c.own.Load(), "jcs_dialled": c.dialled.Load(), "jcs_messages_out": c.sent.Load(), "jcs_untold": c.untold.Load(),
		"jcs_gaps": c.gaps.Load(), "jcs_bytes_in": c.bytesIn.Load(), "jcs_bytes_out": c.bytesOut.Load(), "jcs_asked": c.asked.Load(),
		"jcs_bridged": c.bridged.Load(), "jcs_bridged_foreign": c.bridgedForeign.Load(),
		"jcs_crossings": l.watch.crossings(),
	}
}

// warn logs, but not more often than a person could read.
func (l *Links) warn(text string, args ...any) {
	if l.often.Allow() {
		l.c.Logger.Warn("jcs: "+text, args...)
	}
}
