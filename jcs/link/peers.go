// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"lateral/changelog"
	"lateral/jcs"
)

// maxPeerRegions bounds the names that one Java node can have us remember.
const maxPeerRegions = 4096

// probeRegion marks a DISPOSE as the question whether this is Lateral.
const probeRegion = "lateral?"

// ErrJava is what Probe returns of an address where a Java node listens: it is
// dialled here, and not by the mesh.
var ErrJava = errors.New("a Java node listens there: it is spoken to in JCS's own protocol, which has one connection each way")

// errOpening is what Probe returns without a try, see opening.go.
var errOpening = errors.New("a Java node has just connected from its host: it is dialled a second later, as JCS 1.3 is deaf for good if it is dialled while it opens its port")

// A peer is a Java node that we dial.
type peer struct {
	l    *Links
	addr string
	poke chan struct{}
	room chan struct{}      // for maxAsking questions
	stop context.CancelFunc // nil until started

	hurry   atomic.Bool              // see dialSoon
	acked   atomic.Uint64            // number of the last change of ours that its kernel has
	own     *feed                    // our own changes; used by the session alone, as are
	relayed map[*changelog.Log]*feed // those of other generations, guarded by l.mu

	mu         sync.Mutex // guards what follows
	gen        *jcs.Generation
	regions    map[string]bool // that it shares; nil is all
	configured bool            // named by the ccf
	requester  int64           // 0 until its datagram was heard
	heard      time.Time
	at         netip.Addr // where it was last reached
	tried      time.Time  // to dial it
	conn       net.Conn   // nil while there is none
	since      time.Time
	why        string    // there is none
	kept       []*asking // see ask.go
	over       bool
}

// Announced takes in that a Java node listens at addr and shares these regions;
// it returns true if that is news.
func (l *Links) Announced(addr string, p *jcs.Packet) (fresh bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	x := l.peers[addr]
	if x == nil {
		if len(l.peers) >= maxPeers {
			return false
		}
		x = l.newPeer(addr, p.Gen)
		x.regions = map[string]bool{}
		fresh = true
		defer l.addLocked(x)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	regions := map[string]bool{}
	for _, r := range p.Regions {
		if len(regions) < maxPeerRegions {
			regions[r] = true
		}
	}
	if x.requester != 0 && x.requester != p.Requester {
		fresh = true // another process has the address by now
	}
	if !x.configured && !maps.Equal(x.regions, regions) {
		x.regions = regions
	}
	x.gen, x.requester, x.heard = p.Gen, p.Requester, time.Now()
	if fresh || x.conn == nil && startsLate(p.Gen) {
		x.dialSoon() // whoever announces itself listens
	}
	return fresh
}

// Configure has a Java node at a configured address dialled, for all regions.
func (l *Links) Configure(addr string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.peers[addr]
	if p == nil {
		if len(l.peers) >= maxPeers {
			return
		}
		p = l.newPeer(addr, l.c.Gen)
		p.own.acked = 0 // it was known from the start, only not that it is Java's
		p.acked.Store(0)
		defer l.addLocked(p)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.configured, p.regions = true, nil
}

func (l *Links) newPeer(addr string, g *jcs.Generation) *peer {
	p := &peer{l: l, addr: addr, gen: g, tried: time.Now(), poke: make(chan struct{}, 1), room: make(chan struct{}, maxAsking),
		own: &feed{log: l.c.Log, acked: l.c.Log.Next() - 1}, relayed: map[*changelog.Log]*feed{}}
	p.acked.Store(p.own.acked)
	return p
}

// addLocked has a peer dialled, of which all is known that decides what it is
// told.
func (l *Links) addLocked(p *peer) {
	l.peers[p.addr] = p
	if l.group != nil {
		l.startLocked(p)
	}
}

func (l *Links) startLocked(p *peer) {
	if l.c.ListenOnly {
		return // what it is known for is its name; it dials us
	}
	ctx, stop := context.WithCancel(l.work)
	p.stop = stop
	l.group.Go(func() error {
		defer p.askedEnough()
		p.run(ctx)
		return nil
	})
}

// Withdrawn takes in that the Java node at addr has left.
func (l *Links) Withdrawn(addr string) { l.drop(addr, "it said goodbye") }

// Expire forgets Java nodes that were not heard for a time and have no
// connection.
func (l *Links) Expire(silence time.Duration) {
	for _, p := range l.list() {
		p.mu.Lock()
		gone := !p.configured && p.conn == nil && time.Since(p.heard) > silence
		p.mu.Unlock()
		if gone {
			l.drop(p.addr, "it was not heard for "+silence.String())
		}
	}
}

func (l *Links) drop(addr, why string) {
	if l.dropped(addr) {
		l.c.Logger.Info("jcs: a Java node is forgotten", "addr", addr, "why", why)
		l.freed()
	}
}

// dropped lets go of a peer that is not configured, if there is one.
func (l *Links) dropped(addr string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.peers[addr]
	if p == nil {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.configured {
		return false
	}
	delete(l.peers, addr)
	if p.stop != nil {
		p.stop()
	}
	return true
}

func (l *Links) list() []*peer {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.SortedFunc(maps.Values(l.peers), func(a, b *peer) int {
		if a.addr < b.addr {
			return -1
		}
		return 1
	})
}

// Java reports whether the address is known to be a Java node's.
func (l *Links) Java(addr string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.peers[addr] != nil
}

// Probe finds out who listens at a configured address. nil means that the mesh
// may dial it; ErrJava that a Java node does, which is dialled from now on.
func (l *Links) Probe(ctx context.Context, addr string) error {
	l.mu.Lock()
	known, java, tried := l.lateral[addr], l.peers[addr], l.unmet[addr]
	l.mu.Unlock()
	if known {
		return nil
	}
	if java != nil && java.connected() {
		return ErrJava
	}
	if d, _ := l.mayOpen(addrOf(addr), tried); d > 0 && startsLate(l.c.Gen) {
		return errOpening
	}
	began := time.Now()
	conn, err := l.c.Dial(ctx, addr)
	if err != nil {
		l.missed(addr)
		return err
	}
	defer conn.Close()
	away := time.Since(began) // a round trip
	hello, err := jcs.NewWriter(l.c.Gen, l.c.Serializer).Encode(l.probe())
	if err != nil {
		return err
	}
	conn.SetDeadline(time.Now().Add(probeTime + 2*away))
	var magic [len(Magic)]byte
	if _, err = conn.Write(hello); err == nil {
		_, err = io.ReadFull(conn, magic[:])
	}
	var silent net.Error
	if errors.As(err, &silent) && silent.Timeout() {
		l.Configure(addr)
		return ErrJava
	}
	if err == nil && string(magic[:]) == Magic {
		l.mu.Lock()
		l.lateral[addr] = true
		l.mu.Unlock()
	}
	return nil // whoever hangs up on a DISPOSE is no Java node
}

func (l *Links) probe() *jcs.Message {
	return &jcs.Message{Gen: l.c.Gen, Op: jcs.Dispose, Requester: l.c.Requester, Hash: jcs.NoHash, Element: jcs.Element{Region: probeRegion}}
}

func (p *peer) connected() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.conn != nil
}

func (p *peer) generation() *jcs.Generation {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.gen
}

// shares reports whether the peer wants to hear of a region.
func (p *peer) shares(region string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.regions == nil || p.regions[region]
}
