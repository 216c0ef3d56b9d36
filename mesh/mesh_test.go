// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lateral/cache"
	"lateral/changelog"
	"lateral/converge"
	"lateral/internal/memnet"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// book is a Directory of what the test writes into it and what links teach.
type book struct {
	mu      sync.Mutex // guards what follows
	peers   map[cache.NodeID]Peer
	fixed   []Peer // known by address only
	up      map[cache.NodeID]int
	bound   map[string]cache.NodeID
	trace   []string
	changed chan struct{}
	self    cache.NodeID
	closed  bool // learns from nobody
}

func newBook(self cache.NodeID) *book {
	return &book{self: self, peers: map[cache.NodeID]Peer{}, up: map[cache.NodeID]int{}, bound: map[string]cache.NodeID{}, changed: make(chan struct{}, 1)}
}

func (b *book) poke() {
	select {
	case b.changed <- struct{}{}:
	default:
	}
}

func (b *book) Peers() []Peer {
	b.mu.Lock()
	defer b.mu.Unlock()
	out := slices.Clone(b.fixed)
	for _, p := range b.peers {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Peer) int { return int(int64(a.ID) - int64(b.ID)) })
	return out
}

func (b *book) Peer(id cache.NodeID) (Peer, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.peers[id]
	return p, ok
}

func (b *book) Changed() <-chan struct{} { return b.changed }

func (b *book) Learn(p Peer) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if old, ok := b.peers[p.ID]; b.closed || p.ID == b.self || ok && len(old.Addrs) > 0 {
		return
	}
	b.peers[p.ID] = p
	b.poke()
}

func (b *book) Bind(addr string, id cache.NodeID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bound[addr] = id
	b.fixed = slices.DeleteFunc(b.fixed, func(p Peer) bool { return p.Addrs[0] == addr })
	if _, ok := b.peers[id]; !ok && id != b.self {
		b.peers[id] = Peer{ID: id, Addrs: []string{addr}, Receive: true}
	}
	b.poke()
}

func (b *book) Linked(id cache.NodeID, up bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.trace = append(b.trace, fmt.Sprint(id, up))
	if up {
		b.up[id]++
	} else {
		b.up[id] = 0
	}
}

func (b *book) Left(id cache.NodeID) { b.forget(id) }

func (b *book) Retract(id cache.NodeID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if p := b.peers[id]; p.Source == "peer" {
		delete(b.peers, id)
		b.poke()
	}
}

func (b *book) forget(id cache.NodeID) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.peers, id)
	b.poke()
}

func (b *book) Unreachable(string, error) {}

func (b *book) linked(id cache.NodeID) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.up[id] > 0
}

// shelf is a region as plain as can be. With a digest it keeps the larger stamp.
type shelf struct {
	name   string
	digest *converge.Digest
	attr   cache.Attributes

	mu      sync.Mutex // guards what follows
	held    map[string]cache.Element
	applied []string
	gaps    int
	warmed  []string
}

type modeText string

func (m modeText) String() string { return string(m) }

func newShelf(name string, replicated bool) *shelf {
	s := &shelf{name: name, held: map[string]cache.Element{}, attr: cache.DefaultAttributes}
	if replicated {
		s.digest = converge.New(1)
	}
	return s
}

func (s *shelf) Name() string                  { return s.name }
func (s *shelf) Attributes() *cache.Attributes { return &s.attr }
func (s *shelf) Digest() *converge.Digest      { return s.digest }
func (s *shelf) Mode() Mode {
	if s.digest == nil {
		return modeText("invalidate")
	}
	return modeText("replicate")
}

func (s *shelf) Known(_ int64, key string) cache.Known {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.held[key]
	k := cache.Known{State: cache.KnownLive, Stamp: e.Stamp}
	if !ok {
		k.State = cache.KnownAbsent
	}
	return k
}

func (s *shelf) Size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.held)
}

func (s *shelf) Gap() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gaps++
	n := len(s.held)
	s.held = map[string]cache.Element{}
	return n
}

func (s *shelf) Apply(_ int64, c cache.Command) (cache.Reply, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.applied = append(s.applied, c.Op.String()+" "+c.Key)
	e := cache.Element{Key: c.Key, Value: c.Value, Attr: c.Attr, Stamp: c.Stamp, Accessed: c.Accessed}
	if c.Op == cache.Remove {
		e.State = cache.Tombstone
	}
	s.keepLocked(e)
	return cache.Reply{}, nil
}

func (s *shelf) keepLocked(e cache.Element) {
	old, ok := s.held[e.Key]
	switch {
	case s.digest == nil && e.State == cache.Tombstone:
		delete(s.held, e.Key)
		return
	case s.digest != nil && ok && e.Stamp.Compare(old.Stamp) <= 0:
		return
	case s.digest != nil && ok:
		s.digest.Remove(e.Key, old.Stamp)
	}
	if s.digest != nil {
		s.digest.Add(e.Key, e.Stamp)
	}
	s.held[e.Key] = e
}

func (s *shelf) Get(_ int64, key string) (cache.Element, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.held[key]
	return e, ok && e.State == cache.Live
}

func (s *shelf) Each(yield func(cache.Element) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.held {
		if !yield(e) {
			return
		}
	}
}

func (s *shelf) Lookup(key string) (cache.Element, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.held[key]
	return e, ok
}

func (s *shelf) Shared(key string) (cache.Element, bool) { return s.Lookup(key) }

func (s *shelf) Warm(keys []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(keys) > 1 { // as the product
		s.warmed = append(s.warmed, keys...)
	}
}

func (s *shelf) ops() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.applied)
}

// station is one endpoint on the in-memory network.
type station struct {
	*Mesh
	t     *testing.T
	id    cache.NodeID
	book  *book
	host  *memnet.Host
	addr  string
	clock cache.Clock
	user  *shelf // invalidated
	state *shelf // replicated
	stop  context.CancelFunc
	ended chan struct{}
	dead  atomic.Bool
}

func at(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(n)}) }

func newStation(t *testing.T, n *memnet.Net, host int, id cache.NodeID, edit ...func(*Config)) *station {
	t.Helper()
	s := &station{t: t, id: id, book: newBook(id), host: n.Host(at(host)).Process(), user: newShelf("User", false),
		state: newShelf("State", true), ended: make(chan struct{})}
	s.clock.Node = id << 8
	l, err := s.host.Listen(0)
	if err != nil {
		t.Fatal(err)
	}
	s.addr = l.Addr().String()
	regions := []Region{s.user, s.state}
	c := Config{ID: id, Node: id << 8, Cluster: "default", Group: "224.0.0.1:6780", Host: fmt.Sprint("h", host), Service: fmt.Sprint("s", uint64(id)), Endpoint: "LTCP",
		PID: 7, Receive: true, Listener: l, Dial: s.reach, Log: changelog.New(id<<8, 1<<20), Directory: s.book,
		Regions: func() []Region { return regions },
		Region: func(name string) (Region, bool) {
			for _, r := range regions {
				if r.Name() == name {
					return r, true
				}
			}
			return nil, false
		},
		Logger: slog.New(slog.NewTextHandler(testLog{t, fmt.Sprint(uint64(id))}, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	for _, e := range edit {
		e(&c)
	}
	if !c.Receive {
		l.Close()
		c.Listener, s.addr = nil, ""
	}
	s.Mesh = New(c)
	return s
}

type testLog struct {
	t    *testing.T
	name string
}

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s %s %s", time.Now().Format("05.000"), l.name, strings.TrimSpace(string(p)))
	return len(p), nil
}

// run starts the station; the end of the test ends it.
func (s *station) run() {
	var ctx context.Context
	ctx, s.stop = context.WithCancel(context.Background())
	s.t.Cleanup(s.close)
	go func() {
		defer close(s.ended)
		if err := s.Run(ctx); err != nil {
			s.t.Error(err)
		}
	}()
}

// reach is the network's, for as long as the process lives.
func (s *station) reach(ctx context.Context, addr string) (net.Conn, error) {
	if s.dead.Load() {
		return nil, net.ErrClosed
	}
	return s.host.Dial(ctx, addr)
}

// kill ends the process the hard way: nothing of it reaches the network any more.
func (s *station) kill() {
	s.dead.Store(true)
	s.host.Kill()
}

func (s *station) close() {
	s.stop()
	<-s.ended
}

func (s *station) knows(others ...*station) {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	for _, o := range others {
		p := Peer{ID: o.id, Node: o.id << 8, Host: "?", Receive: o.addr != ""}
		if o.addr != "" {
			p.Addrs = []string{o.addr}
		}
		s.book.peers[o.id] = p
	}
	s.book.poke()
}

func (s *station) put(r *shelf, key, value string) cache.Stamp {
	st := s.clock.Next(time.Now().UnixMilli())
	e := cache.Element{Key: key, Value: cache.Value{Bytes: value}, Attr: &cache.DefaultAttributes, Stamp: st, Accessed: st.UnixMilli()}
	r.mu.Lock()
	r.keepLocked(e)
	r.mu.Unlock()
	s.Note(cache.Change{Op: cache.Put, Region: r.name, Element: e})
	return st
}

func (s *station) remove(r *shelf, key string) {
	e := cache.Element{Key: key, Stamp: s.clock.Next(time.Now().UnixMilli()), State: cache.Tombstone}
	r.mu.Lock()
	r.keepLocked(e)
	r.mu.Unlock()
	s.Note(cache.Change{Op: cache.Remove, Region: r.name, Element: e})
}

// settled waits until both say that they are linked, for at most d.
func settled(t *testing.T, d time.Duration, stations ...*station) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		synctest.Wait()
		missing := ""
		for _, a := range stations {
			for _, b := range stations {
				if a != b && (a.Mesh.peer(b.id).link() == nil || !a.book.linked(b.id)) {
					missing = fmt.Sprintf("%d has no link to %d", a.id, b.id)
				}
			}
		}
		if missing == "" {
			return time.Since(began)
		}
		if time.Since(began) > d {
			t.Fatalf("after %v: %s", d, missing)
		}
		time.Sleep(time.Millisecond)
	}
}

// stranger dials a station as a test wants it and speaks raw.
func stranger(t *testing.T, n *memnet.Net, host int, to *station) net.Conn {
	t.Helper()
	c, err := n.Host(at(host)).Process().Dial(t.Context(), to.addr)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (s *station) countersOf() map[string]int64 { return s.counters.export() }

func setLog(c *Config, limit int) { c.Log = changelog.New(c.Node, limit) }
