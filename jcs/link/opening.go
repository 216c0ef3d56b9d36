// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"errors"
	"maps"
	"net/netip"
	"syscall"
	"time"

	"lateral/jcs"
)

// A JCS 1.3 node is not dialled while it opens its port. It opens it in one
// thread and makes those for connections in another, so whoever connects in
// between ends the first: NullPointerException, and the node is deaf from then on
// (bytecode of 1.3, LateralTCPListener.init: receiver.start, then new
// PooledExecutor). Nothing tells a port that has just been opened from another.
// But JCS dials the TcpServers of its file first, and announces itself last
// (LateralTCPCacheFactory.createCache), so whoever is listed there hears of the
// start just before, and whoever hears its datagrams just after.
const (
	// openingTime is for how long no JCS 1.3 node of a host is dialled from which
	// a connection has come: milliseconds on a quiet machine. One that waits for
	// other peers of its list, which do not answer, takes longer.
	openingTime = time.Second
	// greetTime is for how long a connection may yet be a Lateral node's question
	// who listens here, which comes with its first bytes.
	greetTime = 2 * time.Millisecond
	// openingMost is after which time without a try it is dialled all the same:
	// nobody can keep us from dialling by dialling us.
	openingMost = 10 * time.Second
	// refusedLeast is the pause after a dial that such a node has refused.
	refusedLeast = 2 * time.Second
)

// startsLate reports whether a generation opens its port before it can take
// connections.
func startsLate(g *jcs.Generation) bool { return g.Family == jcs.JCS13.Family }

// came takes in that a Java node which may be of JCS 1.3 has dialled us: what
// listens at its host, and is not connected, is dialled a little later.
func (l *Links) came(from netip.Addr) {
	now := time.Now()
	var unmet []string
	l.mu.Lock()
	maps.DeleteFunc(l.opening, func(_ netip.Addr, until time.Time) bool { return now.After(until) })
	_, extended := l.opening[from]
	if extended || len(l.opening) < maxPeers {
		l.opening[from] = now.Add(openingTime)
	}
	if !extended {
		for addr := range l.unmet {
			if l.peers[addr] == nil && !l.lateral[addr] && addrOf(addr) == from {
				unmet = append(unmet, addr)
			}
		}
	}
	l.mu.Unlock()
	for _, p := range l.list() {
		if p.host() == from && !p.connected() {
			p.dialSoon() // its pause may be a long one; run waits for openingTime
		}
	}
	for _, addr := range unmet {
		l.start(context.Background(), func(ctx context.Context) {
			if pause(ctx, openingTime); ctx.Err() == nil {
				l.Probe(ctx, addr) // what it finds out is remembered
			}
		})
	}
}

// missed notes that nobody could be reached at a configured address.
func (l *Links) missed(addr string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, ok := l.unmet[addr]; ok || len(l.unmet) < maxPeers {
		l.unmet[addr] = time.Now()
	}
}

// mayOpen is for how long an address that was tried last at a time is not
// dialled, as its host has just dialled us, and since when.
func (l *Links) mayOpen(host netip.Addr, tried time.Time) (d time.Duration, since time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	until, ok := l.opening[host]
	if !ok {
		return 0, since
	}
	return min(time.Until(until), time.Until(tried.Add(openingMost))), until.Add(-openingTime)
}

// opened waits for a JCS 1.3 node that may be opening its port.
func (p *peer) opened(ctx context.Context) {
	for ctx.Err() == nil && startsLate(p.generation()) {
		d, since := p.l.mayOpen(p.host(), p.triedLast())
		if d <= 0 || p.heardAfter(since) {
			return
		}
		p.rest(ctx, d)
	}
}

// rest waits before the next dial; less if there is a reason to dial at once.
func (p *peer) rest(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			return
		case <-p.poke: // a change for its session, when there is one, or that:
			if p.hurry.Swap(false) {
				return
			}
		}
	}
}

// dialSoon ends a rest.
func (p *peer) dialSoon() {
	p.hurry.Store(true)
	p.wake()
}

// pauseAfter is how long to rest after a connection that has failed.
func (p *peer) pauseAfter(err error, wait time.Duration) time.Duration {
	if errors.Is(err, syscall.ECONNREFUSED) && startsLate(p.generation()) {
		return max(wait, refusedLeast)
	}
	return wait
}

func (p *peer) triedLast() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tried
}

func (p *peer) heardAfter(t time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard.After(t)
}

// host is where the peer was last reached, or is to be.
func (p *peer) host() netip.Addr {
	if a := addrOf(p.addr); a.IsValid() {
		return a
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

// addrOf is the host of an address; none if that is a name.
func addrOf(addr string) netip.Addr {
	a, _ := netip.ParseAddrPort(addr)
	return a.Addr().Unmap()
}
