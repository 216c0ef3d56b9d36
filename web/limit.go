// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"
)

// Limits of connections by TCP. A browser has six, a stream among them. Beyond
// them the oldest makes room on which nobody was let in yet.
const (
	maxConns      = 512
	maxConnsOfOne = 64 // of one address: it alone crowds out nobody else
)

// A limited listener bounds how many connections there are at once.
type limited struct {
	net.Listener
	most, ofOne int

	mu    sync.Mutex // guards what follows
	conns []*counted // oldest first
}

// A counted connection is one of a limited listener, until it is closed.
type counted struct {
	net.Conn
	of   *limited
	host string
	in   bool // somebody was let in on it: it makes room for nobody; guarded by of.mu
}

func limit(ln net.Listener, most, ofOne int) *limited {
	return &limited{Listener: ln, most: most, ofOne: ofOne}
}

// Accept closes who is too many, which is an older stranger where there is one.
func (l *limited) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
		if c := (&counted{Conn: conn, of: l, host: host}); err == nil && l.take(c) {
			return c, nil
		}
		conn.Close()
	}
}

// take finds a place for a connection.
func (l *limited) take(c *counted) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	var ofOne, ofAll *counted // the oldest strangers
	for _, o := range l.conns {
		if !o.in && ofAll == nil {
			ofAll = o
		}
		if o.host != c.host {
			continue
		}
		if n++; !o.in && ofOne == nil {
			ofOne = o
		}
	}
	first := ofAll
	switch {
	case n >= l.ofOne:
		first = ofOne
	case len(l.conns) < l.most:
		l.conns = append(l.conns, c)
		return true
	}
	if first == nil {
		return false
	}
	first.Conn.Close()
	l.conns = append(slices.Delete(l.conns, slices.Index(l.conns, first), slices.Index(l.conns, first)+1), c)
	return true
}

// Close is that of net.Conn.
func (c *counted) Close() error {
	c.of.mu.Lock()
	if i := slices.Index(c.of.conns, c); i >= 0 {
		c.of.conns = slices.Delete(c.of.conns, i, i+1)
	}
	c.of.mu.Unlock()
	return c.Conn.Close()
}

type connKey struct{}

// withConn has the requests of a connection know it.
func withConn(ctx context.Context, conn net.Conn) context.Context {
	if t, ok := conn.(*tls.Conn); ok {
		conn = t.NetConn()
	}
	return context.WithValue(ctx, connKey{}, conn)
}

// letIn notes that somebody is in who may be.
func letIn(r *http.Request) {
	if c, ok := r.Context().Value(connKey{}).(*counted); ok {
		c.of.mu.Lock()
		c.in = true
		c.of.mu.Unlock()
	}
}
