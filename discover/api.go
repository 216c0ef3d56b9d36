// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"lateral/cache"
)

// The defaults of Config. MemberTimeout is that of JCS
// (UDPDiscoveryService: 180 s).
const (
	DefaultAnnounceInterval = 10 * time.Second
	DefaultMemberTimeout    = 180 * time.Second
)

// A Discoverer knows the members of one discovery group and cluster. Its
// methods may be called by several goroutines at once, before, during and
// after Run; they never block on the network.
type Discoverer struct {
	cfg     Config
	changed chan struct{} // room for one: Members differs
	wake    chan struct{} // room for one: a packet may be due earlier
	again   chan struct{} // room for one: DNS is to be asked again

	mu    sync.Mutex // guards what follows; nothing blocks under it
	table *table
	pace  pace
	ask   bool   // the next packet solicits, whoever is known
	seq   uint32 // of the last packet sent
	said  bool   // somebody may know us: a goodbye is due
	rand  *rand.Rand
	grump grumble

	listening []*listening
}

// New returns a Discoverer that does nothing until Run; Members already lists
// the static addresses.
func New(c Config) *Discoverer {
	if c.AnnounceInterval <= 0 {
		c.AnnounceInterval = DefaultAnnounceInterval
	}
	if c.MemberTimeout <= 0 {
		c.MemberTimeout = DefaultMemberTimeout
	}
	if c.Resolver == nil {
		c.Resolver = net.DefaultResolver
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64()))
	}
	t := newTable(c.Self, c.AnnounceInterval, c.MemberTimeout)
	t.plant(c.Static)
	return &Discoverer{
		cfg:     c,
		changed: make(chan struct{}, 1),
		wake:    make(chan struct{}, 1),
		again:   make(chan struct{}, 1),
		table:   t,
		pace:    pace{interval: c.AnnounceInterval},
		rand:    c.Rand,
	}
}

// Run announces us, listens and resolves until ctx ends, says goodbye, closes
// Conn and returns nil. It returns an error at once if what we would say of
// ourselves can't be said (names too long, no id) or the configuration names
// an address that can't be dialled, and later if Conn was closed under it. It
// is called once.
func (d *Discoverer) Run(ctx context.Context) error { return d.run(ctx) }

// Members returns everyone believed in except ourselves, sorted by host,
// service, endpoint and id. The result belongs to the caller.
func (d *Discoverer) Members() []Member {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.table.list(time.Now())
}

// Changed is poked after every change to who is a member or how to reach one.
// It has room for one poke, for one reader.
func (d *Discoverer) Changed() <-chan struct{} { return d.changed }

// Learn takes in what a hello (Source Link) or another member (Source Peer)
// said of a member: ID, names and Addrs. Heard, if not zero, is when that was
// known to be so: for Peer the time the other heard of it, by our clock (send
// ages, not times). Hearsay never brings back who left, nor takes an address
// from somebody else; a hello does both. Loopback addresses are believed: a
// caller that got them over a link that is not loopback takes them out first.
func (d *Discoverer) Learn(m Member) {
	d.do(func(now time.Time) bool { return d.table.learn(now, m) })
}

// Bind says that dialling addr, as Members gave it, led to this endpoint. If
// that is ourselves, the address is not offered again: a configured one never,
// another one for MemberTimeout, unless somebody else announces it.
func (d *Discoverer) Bind(addr string, id cache.NodeID) {
	d.do(func(now time.Time) bool { return d.table.bind(now, addr, id) })
}

// Linked says that a link with the member has come up or is gone. A member
// with a link is never forgotten. The member need not be known yet.
func (d *Discoverer) Linked(id cache.NodeID, up bool) {
	d.do(func(now time.Time) bool { return d.table.linked(now, id, up) })
}

// Left says that the member took its leave on a link. It is forgotten at once,
// unless the configuration names it: then its address is left.
func (d *Discoverer) Left(id cache.NodeID) {
	d.do(func(now time.Time) bool { return d.table.left(now, id) })
}

// Retract says that no other member speaks any more of one: if that is all that was known of
// it (Source Peer) it is forgotten, until it is heard of anew.
func (d *Discoverer) Retract(id cache.NodeID) {
	d.do(func(time.Time) bool { return d.table.retract(id) })
}

// Port is the TCP port that is announced.
func (d *Discoverer) Port() int { return d.cfg.Self.Port }

// Knows reports whether an endpoint of that id has announced itself, or did so
// before it left.
func (d *Discoverer) Knows(id cache.NodeID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	_, gone := d.table.gone[id]
	return gone || d.table.members[id] != nil || id == d.cfg.Self.ID
}

// Member returns what is known of one member; ok is false if it is not believed
// in.
func (d *Discoverer) Member(id cache.NodeID) (m Member, ok bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if e := d.table.members[id]; e != nil {
		return d.table.member(time.Now(), e), true
	}
	return Member{}, false
}

// Solicit has everybody asked within 50 ms to announce themselves.
func (d *Discoverer) Solicit() {
	d.mu.Lock()
	d.ask = true
	d.mu.Unlock()
	d.Announce()
}

// Announce has an announcement sent within 50 ms, as an answer would be.
func (d *Discoverer) Announce() {
	d.mu.Lock()
	d.pace.ask(time.Now(), d.rand.Float64())
	d.mu.Unlock()
	poke(d.wake)
}

// Refresh asks DNS again soon, as after a failed dial; at most once a second.
func (d *Discoverer) Refresh() { poke(d.again) }

// Reconsider has Changed tell as if Members differed: who takes some of them
// for something else does not any more.
func (d *Discoverer) Reconsider() { poke(d.changed) }

// Heard returns the packet counters.
func (d *Discoverer) Heard() Counts {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.table.counts
}

// Foreigners returns the clusters of others that were heard in this group, by
// the address of who last announced them; at most maxForeigners are remembered.
func (d *Discoverer) Foreigners() map[netip.Addr]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return maps.Clone(d.grump.foreigners)
}

// do makes a change to the table, logs what it had to say and pokes if there
// was a change.
func (d *Discoverer) do(change func(now time.Time) bool) {
	d.mu.Lock()
	changed := change(time.Now())
	notes := d.table.notes
	d.table.notes = nil
	d.mu.Unlock()
	for _, n := range notes {
		d.cfg.Log.Log(context.Background(), n.level, n.text, n.args...)
	}
	if changed {
		poke(d.changed)
	}
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
