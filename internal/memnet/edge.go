// SPDX-License-Identifier: Apache-2.0

package memnet

import (
	"context"
	"net"
	"sync/atomic"

	"lateral/beacon"
)

// An Edge is a process as the network of a node (lateral.Network), for as long
// as it lives.
type Edge struct {
	h    *Host
	dead atomic.Bool
}

// Edge returns a new process on the machine of h as a node's network.
func (h *Host) Edge() *Edge { return &Edge{h: h.Process()} }

// Listen opens a port of the machine; it has only one address.
func (e *Edge) Listen(_ string, port int) (net.Listener, error) { return e.h.Listen(port) }

// Dial is that of Host. A process that has died dials nobody.
func (e *Edge) Dial(ctx context.Context, addr string) (net.Conn, error) {
	if e.dead.Load() {
		return nil, net.ErrClosed
	}
	c, err := e.h.Dial(ctx, addr)
	if err == nil && e.dead.Load() { // it died while it dialled
		c.Close()
		return nil, net.ErrClosed
	}
	return c, err
}

// Multicast joins a group.
func (e *Edge) Multicast(c beacon.Config) (beacon.Conn, func(context.Context) error, error) {
	g, err := e.h.Multicast(c.Group)
	return g, nil, err
}

// Die has nothing of the process reach the network any more, whatever its
// goroutines go on to do: see Host.Kill.
func (e *Edge) Die() {
	e.dead.Store(true)
	e.h.Kill()
}

// Dead reports whether Die was called.
func (e *Edge) Dead() bool { return e.dead.Load() }
