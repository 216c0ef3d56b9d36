// SPDX-License-Identifier: Apache-2.0

package mesh

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
	"lateral/converge"
)

// A Region is what the mesh needs of a region that is bound to this endpoint.
type Region interface {
	converge.Replica
	Name() string
	Mode() Mode
	Apply(now int64, c cache.Command) (cache.Reply, error)
	Get(now int64, key string) (cache.Element, bool)
	Warm(keys []string) // they are about to be applied
	Attributes() *cache.Attributes
	Digest() *converge.Digest // nil where values do not travel
	// Gap is told that removals by peers may have been missed: what is held
	// may be stale.
	Gap() int
}

// A Mode is how a region is kept coherent, as its String says.
type Mode interface{ String() string }

// A Peer is another endpoint, as discovery and the mesh tell each other of it.
type Peer struct {
	ID, Node                cache.NodeID // ID is 0 while only an address is known
	Host, Service, Endpoint string
	PID                     int
	Addrs                   []string // "host:port" to dial, most promising first
	Receive                 bool     // false: it has no listener
	Heard                   time.Time
	Source                  string
	Stale                   bool
}

// A Directory knows who should be linked with. The room discover is one.
type Directory interface {
	Peers() []Peer
	Peer(id cache.NodeID) (Peer, bool)
	Changed() <-chan struct{}
	Learn(p Peer)                          // a hello or another peer's row told of it
	Bind(addr string, id cache.NodeID)     // dialling addr led to id
	Linked(id cache.NodeID, up bool)       // a link came or went
	Left(id cache.NodeID)                  // it said goodbye
	Retract(id cache.NodeID)               // no peer speaks of it any more: if only rows told of it, it is forgotten
	Unreachable(addr string, reason error) // a dial failed
}

// Config is what a Mesh is made from. Zero durations take the defaults.
type Config struct {
	ID, Node                cache.NodeID
	Cluster, Group          string
	Host, Service, Endpoint string
	PID                     int
	Advertise               string
	Receive                 bool
	Siblings                []cache.Sibling // the process's other endpoints

	Listener net.Listener // nil with Receive=false
	Dial     func(ctx context.Context, addr string) (net.Conn, error)
	Log      *changelog.Log
	Clock    Clock // nil: stamps are not waited for, and removals are remembered for their whole retention

	Directory Directory
	Regions   func() []Region                  // those bound to this endpoint
	Region    func(name string) (Region, bool) // makes one from jcs.default where that binds it here

	Started time.Time // what leases are counted from, the same for all endpoints of a process; zero: now

	Heartbeat   time.Duration // 1 s
	LinkTimeout time.Duration // 5 s: silence after which a link is dead
	OpenTimeout time.Duration // 2 s: connect and hello (JCS: OpenTimeOut)
	GetTimeout  time.Duration // 1 s: answer to a get (JCS: SocketTimeOut)
	SyncEvery   time.Duration // 60 s: comparison of digests with each peer
	DialGrace   time.Duration // 300 ms: how long the larger id leaves dialling to the smaller; < 0: not at all
	MaxSkew     time.Duration // 0: not checked. A peer whose clock is further ahead gets no link
	Retention   time.Duration // 90 days: silence after which what a member holds is valid no more

	Now func() time.Time // the wall clock: of stamps, lifetimes and beats; nil is time.Now
	// Message is handed what peers publish to the clients of this node; it must
	// not block. nil: nobody listens.
	Message func(channel, message string)

	Logger *slog.Logger

	// Survey sends, listens and dials for a while, and says whom this endpoint
	// hears and reaches; see Mesh.Survey. nil: it is not asked.
	Survey func(ctx context.Context) cache.Surveyed
	// Linking is called before a link is up, with what the peer may not remember
	// of each region, and what was before; it may write to a disk.
	// nil: nobody has to know.
	Linking func(forgot map[string]Forgotten, m Meeting)

	// Guard proves who accepted connections are from; Dial does it for those
	// that are dialled. nil: all is plain, and whoever connects is believed.
	Guard Guard
	// Refuse is told whose connection is refused for want of a proof, and why.
	Refuse func(addr netip.Addr, why error)

	// Other is handed connections that open with something else than Magic, or
	// that say nothing for OpenTimeout; head is what was read already. It
	// returns when it is done with it. nil refuses them.
	Other func(ctx context.Context, conn net.Conn, head []byte)
}

// A Guard puts a connection under protection before a word is said on it, in
// the time that its deadline leaves. Errors say in words what is wrong.
type Guard interface {
	Server(ctx context.Context, raw net.Conn) (net.Conn, error)
}

// A Mesh is one endpoint's links to all others of its group, and the lateral
// auxiliary of the regions bound to it. Run must be running.
type Mesh struct {
	c    Config
	self identity

	mu       sync.Mutex // guards what follows; never held while a link is waited for
	peers    map[cache.NodeID]*peer
	pursuits map[string]context.CancelFunc
	failures map[string]string       // pursuit → why the last dial failed
	seats    map[string]cache.NodeID // address → who was linked there last
	synced   map[string]*Traffic     // region → what syncs moved
	closing  bool

	dials    atomic.Uint64
	dialling chan struct{} // see turn
	rowPoke  chan struct{} // our row has changed
	row      ownRow
	names    names
	frontier *converge.Frontier
	looked   atomic.Int64 // Age when it was last seen whether somebody is expected
	apart    atomic.Bool  // there is a member that was never linked with
	gets     gets
	ackers   ackers
	fills    fills
	touches  touches
	samples  samples
	leases   leases
	counters counters
	strange  strangers     // connections that have not said hello
	eager    handshakes    // who may have us compute one
	often    *rate.Limiter // of log lines that strangers can cause
	group    *errgroup.Group
	work     context.Context // of group; set by Run
}

// counters of what links did; exported by Status.
type counters struct {
	dialled, accepted, refused, bad, duplicates, gaps, resumes, fallen atomic.Int64
	syncs, syncBytesIn, syncBytesOut, framesIn, bytesIn, bytesOut      atomic.Int64
	unapplied, touchesOut, touchesIn, touchesDropped                   atomic.Int64
	skewed                                                             atomic.Int64
	messagesOut, messagesIn, messagesDropped                           atomic.Int64
}

// New makes a mesh; it starts nothing.
func New(c Config) *Mesh {
	def := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	def(&c.Heartbeat, time.Second)
	def(&c.LinkTimeout, 5*time.Second)
	def(&c.OpenTimeout, 2*time.Second)
	def(&c.GetTimeout, time.Second)
	def(&c.SyncEvery, time.Minute)
	def(&c.DialGrace, 300*time.Millisecond)
	def(&c.Retention, 90*24*time.Hour)
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Started.IsZero() {
		c.Started = time.Now()
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	m := &Mesh{c: c, frontier: converge.NewFrontier(c.ID), seats: map[string]cache.NodeID{}, peers: map[cache.NodeID]*peer{}, pursuits: map[string]context.CancelFunc{},
		failures: map[string]string{}, rowPoke: make(chan struct{}, 1), dialling: make(chan struct{}, maxDialling), synced: map[string]*Traffic{}}
	m.self = identity{ID: id(c.ID), Node: id(c.Node), Host: c.Host, Service: c.Service, Endpoint: c.Endpoint, PID: c.PID, Advertise: c.Advertise}
	if c.Listener != nil {
		if a, ok := c.Listener.Addr().(*net.TCPAddr); ok {
			m.self.Port = a.Port
		}
	}
	m.often = rate.NewLimiter(1, 5)
	m.samples.due.Store(true)
	m.touches.poke = make(chan struct{}, 1)
	m.fills.active, m.fills.filled, m.fills.ready = map[string]*fill{}, map[string]bool{}, map[string]bool{}
	m.fills.since = map[string]time.Time{}
	m.gets.waiting = map[uint64]chan<- got{}
	m.leases.members, m.leases.holds, m.leases.begin = map[cache.NodeID]*fellow{}, map[uint64]*hold{}, make(chan struct{})
	return m
}

// Run accepts, dials and serves links until ctx ends. Then it flushes what the
// peers have not acknowledged, for at most a second, says goodbye, closes every
// link and returns when all of them are gone.
func (m *Mesh) Run(ctx context.Context) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	g, work := errgroup.WithContext(work)
	m.group, m.work = g, work
	m.waiting()
	g.Go(func() error { return m.c.Log.Run(work) })
	g.Go(func() error { return m.pursueAll(work) })
	g.Go(func() error { return m.publishRows(work) })
	g.Go(func() error { return m.publishTouches(work) })
	g.Go(func() error { return m.renew(work.Done()) })
	if m.c.Listener != nil {
		g.Go(func() error { return m.accept(work) })
	}
	g.Go(func() error { return m.forgetSilent(work) })
	g.Go(func() error {
		select {
		case <-ctx.Done():
		case <-work.Done():
			return nil
		}
		m.farewell(work)
		stop()
		return nil
	})
	err := g.Wait()
	m.closeAll()
	return err
}

// leaving is the reason of a goodbye for good.
const leaving = "this node is shutting down"

func (m *Mesh) isClosing() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.closing
}

// flushTime bounds how long a shutdown waits for peers to acknowledge.
const flushTime = time.Second

// farewell waits until the peers have what was written here, then tells them
// that this node leaves.
func (m *Mesh) farewell(ctx context.Context) {
	m.mu.Lock()
	m.closing = true
	m.mu.Unlock()
	if m.c.Listener != nil {
		m.c.Listener.Close()
	}
	ctx, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	m.endHolds(ctx)
	last := m.c.Log.Next() - 1
	for _, p := range m.linked() {
		p.waitAcked(ctx, last)
	}
	m.stopServing()
	m.closeAll()
}

// goodbye is what a peer is told when this node leaves: among others whether
// there are changes that it has not acknowledged.
func (m *Mesh) goodbye(p *peer, h *hello) goaway {
	return goaway{Reason: leaving, Leaving: !m.holding(), Unread: h.Receive && p.acked.Load() < m.Logged()}
}

// closeAll says goodbye on every link and waits until they are gone, which
// takes as long as the slowest, at most twice farewellTime. While a key is
// held it does not say so: its source may yet change, and who takes this node
// for dead serves nothing strict until its successor is there.
func (m *Mesh) closeAll() {
	var links []*link
	for _, p := range m.linked() {
		if l := p.link(); l != nil {
			l.goaway(m.goodbye(p, &l.peerHello))
			links = append(links, l)
		}
	}
	for _, l := range links {
		<-l.done
	}
}

// peer returns what is remembered of an id.
func (m *Mesh) peer(id cache.NodeID) *peer {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := m.peers[id]
	if p == nil {
		p = &peer{m: m, id: id, adopting: make(chan struct{}, 1), news: make(chan struct{})}
		m.peers[id] = p
	}
	p.touched = time.Now()
	return p
}

// linked returns the peers with a link.
func (m *Mesh) linked() []*peer {
	m.mu.Lock()
	defer m.mu.Unlock()
	out := make([]*peer, 0, len(m.peers))
	for _, p := range m.peers {
		if p.link() != nil {
			out = append(out, p)
		}
	}
	return out
}

// Note appends a change to the log, from where every link reads it.
func (m *Mesh) Note(c cache.Change) {
	m.samples.take(m.c.Log.Next)
	m.c.Log.Append(&c)
}

// Tell has peers be sent what was noted with more to follow (cache.Change.More).
func (m *Mesh) Tell() { m.c.Log.Tell() }
