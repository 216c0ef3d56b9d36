// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lateral/cache"
	"lateral/secret"
)

// A Region is what the front needs of one. Its methods may be called by many
// goroutines at once.
type Region interface {
	Name() string
	Mode() string                  // local, invalidate, replicate
	Attributes() *cache.Attributes // of elements put without their own
	Acks() bool                    // writes are to be acknowledged by peers: Await
	Asks() bool                    // a miss in memory may be found elsewhere: Do
	Waits() bool                   // a write returns only when peers have heard of it (Strict)
	Now() int64                    // ms since 1970, on the clock that lifetimes are judged by
	Len() int

	// Get looks in memory, at a time that Now has told lately. The key may be
	// changed when it returns.
	Get(now int64, key string) (cache.Element, bool)
	// Warm prepares for Get and Do with some keys.
	Warm(keys []string)
	// Do carries out a command, a Get in memory and beyond. It does not wait
	// for acknowledgements.
	Do(ctx context.Context, c cache.Command) (cache.Reply, error)
	// Put stores a value under a key that it follows in one string, without
	// waiting for acknowledgements; caller is for those who watch, more as in
	// cache.Command.
	Put(ctx context.Context, whole string, keyLen int, attr *cache.Attributes, caller uint64, more bool) error
	// Tell has peers be sent what was written with more to follow.
	Tell()
	// Scan returns about n keys in the order of some hash, from a place in it
	// on, and the next place, 0 at the end.
	Scan(from uint64, n int) (keys []string, next uint64)
	Watch(room int) (cache.Watcher, error)

	// Await waits until what was written before is acknowledged by as many
	// peers as the region's settings say; the error is cache.ErrNotReplicated.
	Await(ctx context.Context) error
	// Acked waits until what was written before is acknowledged by want peers,
	// or ctx ends, and returns how many have it.
	Acked(ctx context.Context, want int) int
}

// A Mesh carries messages to the clients of other nodes, at most once each.
type Mesh interface {
	// Publish sends to every linked node and returns to how many.
	Publish(channel, message string) int
	// Hear has messages of other nodes handed to f, which does not block.
	Hear(f func(channel, message string)) (stop func())
}

// Config is what a Front is made from. Zero numbers take the defaults.
type Config struct {
	Open func(region string) (Region, error)
	Mesh Mesh // nil: messages stay on this node
	Map  Map

	Door    *secret.Door // judges passwords; nil lets everyone in
	Service string       // for INFO
	Version string
	Node    string // id, for INFO and HELLO

	MaxClients  int           // 10,000 (Redis: maxclients)
	IdleTimeout time.Duration // 0: none (Redis: timeout)
	SendTimeout time.Duration // 60 s: for how long a client may not read what is written to it
	PushLimit   int           // 8 MiB: what may wait for a subscriber (Redis: client-output-buffer-limit pubsub)
	AnswerLimit int           // 256 MiB: an answer made of many values
	TrackedKeys int           // 1,000,000 keys in client caches (Redis: tracking-table-max-keys)

	Logger *slog.Logger
}

// Defaults, which are those of Redis but for the time and the answers.
const (
	defaultMaxClients  = 10_000
	defaultSendTimeout = time.Minute
	defaultPushLimit   = 8 << 20
	defaultAnswerLimit = 256 << 20
	defaultTrackedKeys = 1_000_000
)

// A Front serves RESP clients. Run must be running.
type Front struct {
	c         Config
	regions   []*region
	databases map[int]*database
	table     table
	prefixes  []prefix // longest first

	// gate is held by every command that touches data: shared, or alone by one
	// that is atomic over several keys. Lock order: a client's mu, gate, then a
	// region's own, then that of tracked keys or subscribers, then a client's
	// push queue.
	gate sync.RWMutex

	started time.Time
	second  atomic.Int64 // since started; so that a command need not read the clock

	mu        sync.Mutex // guards what follows; taken last of all
	clients   map[uint64]*client
	strangers strangers
	lastID    uint64

	paused   atomic.Pointer[pause] // nil: nobody waits
	subs     subscribers
	scripts  scripts
	options  options
	tracking tracking
	ears     ears
	loops    loops
	count    counts
	reset    atomic.Pointer[cache.RespStatus] // at the last CONFIG RESETSTAT
	nonce    uint64                           // of this front among those of a node

	failed func(text string) // count's, once for all clients
}

// region is a region with what the front keeps of it.
type region struct {
	Region
	number     int
	acks, asks bool
	waits      bool
	own        *cache.Attributes
	traced     bool // removals of fields must leave a trace: values travel
}

// New makes a front; it starts nothing. An error says which mapping is wrong.
func New(c Config) (*Front, error) {
	c.MaxClients = cmp.Or(c.MaxClients, defaultMaxClients)
	c.SendTimeout = cmp.Or(c.SendTimeout, defaultSendTimeout)
	c.PushLimit = cmp.Or(c.PushLimit, defaultPushLimit)
	c.AnswerLimit = cmp.Or(c.AnswerLimit, defaultAnswerLimit)
	c.TrackedKeys = cmp.Or(c.TrackedKeys, defaultTrackedKeys)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Front{c: c, table: newTable(), databases: map[int]*database{}, clients: map[uint64]*client{}, started: time.Now(), nonce: uint64(rand.Uint32())}
	f.count.init(f.table)
	f.failed = f.count.failed
	f.subs.init()
	f.scripts.init()
	f.tracking.init(f)
	f.ears.init(f)
	f.loops.init(f)
	if len(c.Map) == 0 {
		return nil, errors.New("no region is mapped to a database; say which, as in --resp-map 0=SessionCache")
	}
	byName := map[string]*region{}
	for _, m := range c.Map {
		r := byName[m.Region]
		if r == nil {
			in, err := c.Open(m.Region)
			if err != nil {
				return nil, fmt.Errorf("database %s: %w", m.from(), err)
			}
			r = &region{Region: in, number: len(f.regions), acks: in.Acks(), asks: in.Asks(), waits: in.Waits(), own: in.Attributes(), traced: in.Mode() == "replicate"}
			byName[m.Region] = r
			f.regions = append(f.regions, r)
		}
		if m.Prefix != "" {
			f.prefixes = append(f.prefixes, prefix{m.Prefix, r})
			continue
		}
		f.databases[m.Database] = &database{index: m.Database, base: r}
	}
	if f.databases[0] == nil {
		return nil, errors.New("database 0, which every client starts with, is mapped to no region; add 0=REGION")
	}
	slices.SortFunc(f.prefixes, func(a, b prefix) int {
		return cmp.Or(cmp.Compare(len(b.text), len(a.text)), strings.Compare(a.text, b.text))
	})
	for _, d := range f.databases {
		d.regions = []*region{d.base}
		for _, p := range f.prefixes {
			if !slices.Contains(d.regions, p.region) {
				d.regions = append(d.regions, p.region)
			}
		}
	}
	return f, nil
}

// Listen opens what clients connect to: "host:port", or the path of a unix
// socket, which has a slash and takes the place of one that nobody listens to.
func Listen(addr string) (net.Listener, error) {
	if strings.Contains(addr, "/") {
		return listenUnix(addr)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("RESP address %s cannot be opened: %w: clients could not reach this service; give --resp HOST:PORT, an address of this host whose port no other process has", addr, err)
	}
	return ln, nil
}
