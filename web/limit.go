// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net"
	"sync"
)

// Limits of connections by TCP. A browser has six, a stream among them.
const (
	maxConns      = 512
	maxConnsOfOne = 64 // of one address: it alone crowds out nobody else
)

// A limited listener closes what is too many at once.
type limited struct {
	net.Listener
	most, ofOne int

	mu  sync.Mutex // guards what follows
	all int
	of  map[string]int
}

func limit(ln net.Listener, most, ofOne int) net.Listener {
	return &limited{Listener: ln, most: most, ofOne: ofOne, of: map[string]int{}}
}

func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		host, _, err := net.SplitHostPort(c.RemoteAddr().String())
		if err == nil && l.take(host) {
			return &counted{Conn: c, leave: sync.OnceFunc(func() { l.leave(host) })}, nil
		}
		c.Close()
	}
}

func (l *limited) take(host string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all >= l.most || l.of[host] >= l.ofOne {
		return false
	}
	l.all++
	l.of[host]++
	return true
}

func (l *limited) leave(host string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all--
	if l.of[host]--; l.of[host] <= 0 {
		delete(l.of, host)
	}
}

// A counted connection leaves when it is closed.
type counted struct {
	net.Conn
	leave func()
}

func (c *counted) Close() error {
	c.leave()
	return c.Conn.Close()
}
