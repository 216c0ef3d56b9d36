// SPDX-License-Identifier: Apache-2.0

package memnet

import (
	"net"
	"net/netip"
	"os"
	"sync"
	"time"
)

// A Listener accepts the connections to one port of a machine.
type Listener struct {
	h       *Host
	addr    netip.AddrPort
	queue   []*conn
	closed  bool
	by      deadline
	arrived *sync.Cond
}

// Accept waits for the next connection.
func (l *Listener) Accept() (net.Conn, error) {
	l.h.n.mu.Lock()
	defer l.h.n.mu.Unlock()
	for {
		switch {
		case l.closed:
			return nil, l.err("accept", net.ErrClosed)
		case l.by.over:
			return nil, l.err("accept", os.ErrDeadlineExceeded)
		case len(l.queue) > 0:
			c := l.queue[0]
			l.queue = l.queue[1:]
			l.h.n.wakeDialsLocked() // there is room in the backlog
			return c, nil
		}
		l.arrived.Wait()
	}
}

// SetDeadline bounds present and future calls of Accept, as
// (*net.TCPListener).SetDeadline does.
func (l *Listener) SetDeadline(t time.Time) error {
	l.h.n.mu.Lock()
	defer l.h.n.mu.Unlock()
	if l.closed {
		return l.err("set", net.ErrClosed)
	}
	l.by.set(&l.h.n.mu, t, l.arrived.Broadcast)
	return nil
}

// Close frees the port and resets the connections that wait for Accept.
func (l *Listener) Close() error {
	l.h.n.mu.Lock()
	defer l.h.n.mu.Unlock()
	if l.closed {
		return l.err("close", net.ErrClosed)
	}
	l.closeLocked()
	return nil
}

func (l *Listener) closeLocked() {
	l.closed = true
	l.by.stop()
	delete(l.h.m.ports, int(l.addr.Port()))
	for _, c := range l.queue {
		c.closeLocked(true)
	}
	l.queue = nil
	l.arrived.Broadcast()
	l.h.n.wakeDialsLocked() // those who wait for the backlog are refused now
}

// Addr returns a *net.TCPAddr.
func (l *Listener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

func (l *Listener) err(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Addr: l.Addr(), Err: err}
}
