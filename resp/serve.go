// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Run serves clients of some listeners until ctx ends, then closes these and
// every connection and returns when all of them are gone.
func (f *Front) Run(ctx context.Context, listeners ...net.Listener) error {
	g, ctx := errgroup.WithContext(ctx)
	if f.c.Mesh != nil {
		stop := f.c.Mesh.Hear(func(channel, message string) { f.subs.publish(channel, message) })
		defer stop()
	}
	g.Go(func() error { <-ctx.Done(); f.loops.close(); return nil })
	g.Go(func() error { return f.ears.run(ctx) })
	g.Go(func() error { return f.tend(ctx) })
	for _, ln := range listeners {
		g.Go(func() error { <-ctx.Done(); ln.Close(); return nil })
		g.Go(func() error {
			var served sync.WaitGroup
			defer served.Wait()
			defer f.closeClients()
			return f.accept(ctx, ln, &served)
		})
	}
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return err
	}
	return nil
}

// pauses after accept failed, as net/http has them.
const (
	firstPause = 5 * time.Millisecond
	lastPause  = time.Second
)

func (f *Front) accept(ctx context.Context, ln net.Listener, served *sync.WaitGroup) error {
	pause := firstPause
	for {
		conn, err := ln.Accept()
		switch {
		case ctx.Err() != nil || errors.Is(err, net.ErrClosed):
			if conn != nil {
				conn.Close()
			}
			return nil
		case err != nil: // out of descriptors, most likely
			f.c.Logger.Warn("a RESP client cannot be accepted", "error", err, "again in", pause)
			wait(ctx, pause)
			pause = min(2*pause, lastPause)
			continue
		}
		pause = firstPause
		c := f.admit(ctx, conn)
		if c == nil {
			full(conn)
			continue
		}
		if f.loops.add(c) {
			continue
		}
		served.Go(func() {
			c.converse()
			c.end()
			f.leave(c)
		})
	}
}

func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// admit makes a client of a connection, unless there are too many.
func (f *Front) admit(ctx context.Context, conn net.Conn) *client {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.clients) >= f.options.clients(f.c.MaxClients) {
		if len(f.strangers) == 0 {
			f.count.refused.Add(1)
			return nil
		}
		f.crowdOutLocked(f.strangers[0])
	}
	f.count.connections.Add(1)
	f.lastID++
	c := newClient(ctx, f, f.lastID, conn)
	f.clients[c.id] = c
	if !c.authed {
		f.outsideLocked(c)
	}
	return c
}

// full tells that there is no room. Under TLS nothing is said: that would take
// a handshake, and who says nothing himself would keep all others waiting.
func full(conn net.Conn) {
	if _, secured := conn.(*tls.Conn); !secured {
		conn.SetDeadline(time.Now().Add(100 * time.Millisecond))
		io.WriteString(conn, "-ERR max number of clients reached\r\n") // he may have gone
	}
	cut(conn)
}

func (f *Front) leave(c *client) {
	f.mu.Lock()
	delete(f.clients, c.id)
	f.insideLocked(c)
	f.mu.Unlock()
	f.subs.leave(c)
	f.tracking.leave(c)
	if c.sock != nil {
		c.sock.release()
	}
}

// grip makes a connection one that a loop can serve, unless most of its
// requests would wait, or it is none of the kernel's.
func (f *Front) grip(conn net.Conn) *sock {
	if r := f.databases[0].base; r.acks || r.waits || r.asks {
		return nil
	}
	return grip(conn)
}

func (f *Front) closeClients() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.clients {
		c.conn.Close()
	}
}

// all returns the clients, in no order.
func (f *Front) all() []*client {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := make([]*client, 0, len(f.clients))
	for _, c := range f.clients {
		out = append(out, c)
	}
	return out
}

func (f *Front) client(id uint64) *client {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.clients[id]
}

// maxOutside is for how many seconds a client may do without its password.
const maxOutside = 10

// tend looks once a second for clients that have been idle, do not read or do not
// come in.
func (f *Front) tend(ctx context.Context) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		now := int64(time.Since(f.started) / time.Second)
		f.second.Store(now)
		idle := int64(f.options.idle(f.c.IdleTimeout) / time.Second)
		for _, c := range f.all() {
			since, outside := c.writing.Load(), c.outside.Load()
			switch {
			case outside != 0 && now-outside >= maxOutside:
				c.conn.Close()
			case since != 0 && now-since > int64(f.c.SendTimeout/time.Second):
				f.count.slow.Add(1)
				f.c.Logger.Info("a RESP client does not read what it asked for", "client", c.addr(), "for", f.c.SendTimeout)
				c.conn.Close()
			case idle > 0 && now-c.active.Load() > idle && !c.listens.Load() && !c.waits.Load():
				c.conn.Close()
			}
		}
	}
}
