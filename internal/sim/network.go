// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"time"

	"lateral/beacon"
	"lateral/internal/memnet"
)

// outlet is the network of one process for as long as that lives.
type outlet struct {
	host *memnet.Host
	dead atomic.Bool
	slow *atomic.Int64 // ns before each read, of the machine
}

func (o *outlet) Listen(_ string, port int) (net.Listener, error) {
	l, err := o.host.Listen(port)
	if err != nil {
		return nil, err
	}
	return listener{l, o}, nil
}

func (o *outlet) Dial(ctx context.Context, addr string) (net.Conn, error) {
	if o.dead.Load() {
		return nil, net.ErrClosed
	}
	c, err := o.host.Dial(ctx, addr)
	if err != nil {
		return nil, err
	}
	if o.dead.Load() { // it died while it dialled
		c.Close()
		return nil, net.ErrClosed
	}
	return &slowConn{c.(halfCloser), o}, nil
}

func (o *outlet) Multicast(beacon.Config) (beacon.Conn, func(context.Context) error, error) {
	return nil, nil, errors.New("sim: nodes find each other by their lists")
}

type listener struct {
	net.Listener
	o *outlet
}

func (l listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &slowConn{c.(halfCloser), l.o}, nil
}

// halfCloser is what links use of a TCP connection.
type halfCloser interface {
	net.Conn
	CloseWrite() error
}

// slowConn belongs to a process that may be slow to read.
type slowConn struct {
	halfCloser
	o *outlet
}

func (c *slowConn) Read(p []byte) (int, error) {
	if d := c.o.slow.Load(); d > 0 {
		time.Sleep(time.Duration(d))
	}
	return c.halfCloser.Read(p)
}
