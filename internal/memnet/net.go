// SPDX-License-Identifier: Apache-2.0

package memnet

import (
	"cmp"
	"encoding/binary"
	"hash/fnv"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Limits, in the order of those of Linux.
const (
	Buffer  = 256 << 10 // bytes written and not yet read, per direction
	Backlog = 128       // connections that wait for Accept, per listener
	Packets = 256       // datagrams that wait for Read, per multicast socket
	MaxSend = 65507     // bytes of one datagram over IPv4
)

// A Net is a set of hosts and the ways between them. Its methods may be called
// by many goroutines at once.
type Net struct {
	mu       sync.Mutex // guards everything in this package but what says otherwise
	seed     uint64
	machines map[netip.Addr]*machine
	names    map[string]netip.Addr
	ways     map[[2]netip.Addr]*way
	conns    []*conn // one per connection that somebody still holds: its dialling end
	groups   []*Group
	changed  chan struct{} // closed, and replaced, whenever a dial may go on
}

// A way is one direction between two hosts.
type way struct {
	blocked bool
	delay   time.Duration
	loss    float64 // probability, datagrams only
	rnd     *rand.Rand
	traffic Traffic
}

// Traffic counts what was sent from one host to another.
type Traffic struct {
	Bytes     uint64 // of connections, whether or not they arrived yet
	Datagrams uint64 // one per member of the group
	Lost      uint64 // datagrams that will not arrive
}

// New returns a network with no host on it, seeded with 1.
func New() *Net {
	return &Net{
		seed:     1,
		machines: make(map[netip.Addr]*machine),
		names:    make(map[string]netip.Addr),
		ways:     make(map[[2]netip.Addr]*way),
		changed:  make(chan struct{}),
	}
}

// Seed decides which datagrams are lost. It is to be called before the first
// is sent.
func (n *Net) Seed(seed uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.seed = seed
	for k, w := range n.ways {
		w.rnd = n.randFor(k)
	}
}

// Block drops silently whatever goes from one host to the other.
func (n *Net) Block(from, to netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wayLocked(from, to).blocked = true
}

// Partition blocks both ways between a and b.
func (n *Net) Partition(a, b netip.Addr) {
	n.Block(a, b)
	n.Block(b, a)
}

// Heal opens both ways between a and b: what was held up arrives.
func (n *Net) Heal(a, b netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wayLocked(a, b).blocked = false
	n.wayLocked(b, a).blocked = false
	n.flowLocked()
}

// HealAll opens every way.
func (n *Net) HealAll() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range n.ways {
		w.blocked = false
	}
	n.flowLocked()
}

// SetDelay sets how long whatever is sent from now on takes from one host to
// the other. Bytes of one connection never overtake each other.
func (n *Net) SetDelay(from, to netip.Addr, d time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wayLocked(from, to).delay = d
}

// SetLoss sets the probability, 0 to 1, that a datagram from one host to the
// other is lost. Connections lose nothing: TCP repeats.
func (n *Net) SetLoss(from, to netip.Addr, p float64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.wayLocked(from, to).loss = p
}

// Cut breaks every connection between a and b at once: both ends see a reset,
// and bytes that were written and not yet read are lost.
func (n *Net) Cut(a, b netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range slices.Clone(n.conns) {
		l, r := c.local.Addr(), c.remote.Addr()
		if l == a && r == b || l == b && r == a {
			c.in.loseLocked()
			c.out.loseLocked()
			c.abortLocked()
			c.peer.abortLocked()
		}
	}
}

// Traffic returns what was sent from one host to the other so far.
func (n *Net) Traffic(from, to netip.Addr) Traffic {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.wayLocked(from, to).traffic
}

// A Link is an established connection: who dialled, and whom.
type Link struct {
	Dialler, Listener netip.AddrPort
	Answered          bool // each end has read something of the other's
}

// Established returns the connections of which neither end is closed or
// reset, in order of their addresses: what ss shows on a real host. One that
// waits for Accept counts, as it does there.
func (n *Net) Established() []Link {
	n.mu.Lock()
	defer n.mu.Unlock()
	var ls []Link
	for _, c := range n.conns {
		if !c.gone() && !c.peer.gone() {
			ls = append(ls, Link{c.local, c.remote, c.heard && c.peer.heard})
		}
	}
	slices.SortFunc(ls, func(a, b Link) int {
		return cmp.Or(a.Dialler.Compare(b.Dialler), a.Listener.Compare(b.Listener))
	})
	return ls
}

// flowLocked moves on whatever waited for an open way.
func (n *Net) flowLocked() {
	for _, c := range slices.Clone(n.conns) {
		for _, s := range []*stream{c.out, c.in} {
			s.releaseLocked()
			s.pumpLocked()
			s.probeLocked()
		}
	}
	n.wakeDialsLocked()
}

func (n *Net) wakeDialsLocked() {
	close(n.changed)
	n.changed = make(chan struct{})
}

// forgetLocked drops a connection that neither end holds any more.
func (n *Net) forgetLocked(c *conn) {
	if !c.closed || !c.peer.closed {
		return
	}
	n.conns = slices.DeleteFunc(n.conns, func(d *conn) bool {
		if d != c && d != c.peer {
			return false
		}
		d.owner.m.freeLocked(int(d.local.Port()))
		return true
	})
}

func (n *Net) wayLocked(from, to netip.Addr) *way {
	k := [2]netip.Addr{from, to}
	w := n.ways[k]
	if w == nil {
		w = &way{rnd: n.randFor(k)}
		n.ways[k] = w
	}
	return w
}

// randFor gives each way its own sequence, so that the losses of one do not
// depend on how goroutines that use another are scheduled.
func (n *Net) randFor(k [2]netip.Addr) *rand.Rand {
	h := fnv.New64a()
	b, _ := k[0].MarshalBinary() // never fails
	h.Write(binary.AppendUvarint(b, n.seed))
	b, _ = k[1].MarshalBinary()
	h.Write(b)
	return rand.New(rand.NewPCG(n.seed, h.Sum64()))
}
