// SPDX-License-Identifier: Apache-2.0

package memnet

import (
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
)

// A conn is one end of a connection.
type conn struct {
	n             *Net
	owner         *Host
	local, remote netip.AddrPort
	peer          *conn
	in, out       *stream

	closed  bool // by its owner, or with it
	reset   bool // by the peer, or by Cut
	ended   bool // FIN was sent
	writing bool // a Write is under way: others wait, so that each is whole
	abrupt  bool // SetLinger(0)
	heard   bool // something was read

	readBy, writeBy deadline
}

// gone reports that this end takes no more data: what arrives is answered
// with RST.
func (c *conn) gone() bool { return c.closed || c.reset }

// LocalAddr returns a *net.TCPAddr.
func (c *conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr returns a *net.TCPAddr.
func (c *conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// Read returns what has arrived, waiting until something has.
func (c *conn) Read(p []byte) (int, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	for {
		switch {
		case c.closed:
			return 0, c.err("read", net.ErrClosed)
		case c.readBy.over:
			return 0, c.err("read", os.ErrDeadlineExceeded)
		case len(p) == 0:
			return 0, nil
		case c.in.ready.Len() > 0:
			k, _ := c.in.ready.Read(p) // not empty: no error
			c.in.read += k
			c.heard = true
			c.in.releaseLocked()
			return k, nil
		case c.in.fin:
			return 0, io.EOF
		case c.reset:
			return 0, c.err("read", os.NewSyscallError("read", syscall.ECONNRESET))
		}
		c.in.arrived.Wait()
	}
}

// Write waits until all of p has a place in the buffer.
func (c *conn) Write(p []byte) (int, error) {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	for c.writing {
		if err := c.writeErr(); err != nil {
			return 0, err
		}
		c.out.room.Wait()
	}
	c.writing = true
	defer func() {
		c.writing = false
		c.out.room.Broadcast()
	}()
	for done := 0; ; {
		if err := c.writeErr(); err != nil {
			return done, err
		}
		if done == len(p) {
			return done, nil
		}
		if room := Buffer - c.out.size; room > 0 {
			k := min(room, len(p)-done)
			c.out.sendLocked(segment{data: append([]byte(nil), p[done:done+k]...)})
			if done += k; done == len(p) {
				return done, nil // a reset that these bytes provoked is the next call's
			}
			continue
		}
		c.out.room.Wait()
	}
}

func (c *conn) writeErr() error {
	switch {
	case c.closed:
		return c.err("write", net.ErrClosed)
	case c.writeBy.over:
		return c.err("write", os.ErrDeadlineExceeded)
	case c.ended, c.reset && c.in.fin:
		return c.err("write", os.NewSyscallError("write", syscall.EPIPE))
	case c.reset:
		return c.err("write", os.NewSyscallError("write", syscall.ECONNRESET))
	}
	return nil
}

// Close ends both directions. The peer still gets what was written, unless
// there are unread bytes here or SetLinger(0) was called.
func (c *conn) Close() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.err("close", net.ErrClosed)
	}
	c.closeLocked(c.abrupt)
	return nil
}

func (c *conn) closeLocked(abrupt bool) {
	if c.closed {
		return
	}
	c.closed = true
	switch {
	case c.reset:
	case abrupt, c.in.ready.Len() > 0:
		c.resetPeerLocked()
	case !c.ended:
		c.out.sendLocked(segment{fin: true})
	}
	c.ended = true
	c.in.ready.Reset()
	c.readBy.stop()
	c.writeBy.stop()
	c.wakeLocked()
	delete(c.owner.conns, c)
	c.n.forgetLocked(c)
}

// CloseWrite sends FIN and goes on reading, as (*net.TCPConn).CloseWrite does.
func (c *conn) CloseWrite() error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.err("close", net.ErrClosed)
	}
	if !c.ended && !c.reset {
		c.ended = true
		c.out.sendLocked(segment{fin: true})
	}
	c.wakeLocked()
	return nil
}

// SetLinger with 0 makes Close send RST and drop what is in flight; any other
// value restores the default.
func (c *conn) SetLinger(sec int) error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	c.abrupt = sec == 0
	return nil
}

// resetPeerLocked sends RST instead of whatever is still in flight.
func (c *conn) resetPeerLocked() {
	if len(c.out.flight) > 0 && c.out.flight[0].rst {
		return // under way: a second one would only arrive later
	}
	c.out.flight = nil
	c.out.sendLocked(segment{rst: true})
}

// abortLocked is the arrival of RST.
func (c *conn) abortLocked() {
	if c.reset {
		return
	}
	c.reset = true
	c.out.flight = nil
	c.wakeLocked()
}

func (c *conn) wakeLocked() {
	c.in.arrived.Broadcast()
	c.out.room.Broadcast()
}

// SetDeadline sets both deadlines.
func (c *conn) SetDeadline(t time.Time) error { return c.setDeadlines(t, &c.readBy, &c.writeBy) }

// SetReadDeadline bounds present and future calls of Read.
func (c *conn) SetReadDeadline(t time.Time) error { return c.setDeadlines(t, &c.readBy) }

// SetWriteDeadline bounds present and future calls of Write.
func (c *conn) SetWriteDeadline(t time.Time) error { return c.setDeadlines(t, &c.writeBy) }

func (c *conn) setDeadlines(t time.Time, ds ...*deadline) error {
	c.n.mu.Lock()
	defer c.n.mu.Unlock()
	if c.closed {
		return c.err("set", net.ErrClosed)
	}
	for _, d := range ds {
		d.set(&c.n.mu, t, c.wakeLocked)
	}
	return nil
}

func (c *conn) err(op string, err error) error {
	return &net.OpError{Op: op, Net: "tcp", Source: c.LocalAddr(), Addr: c.RemoteAddr(), Err: err}
}

// A deadline turns a time into a condition. It is guarded by the lock it is
// set with.
type deadline struct {
	over  bool
	timer *time.Timer
	gen   int // a timer that was stopped too late finds another number
}

// set replaces the deadline and calls wake, under mu, when it is over; the
// zero time is none.
func (d *deadline) set(mu *sync.Mutex, t time.Time, wake func()) {
	d.stop()
	d.over = false
	if t.IsZero() {
		return
	}
	wait := time.Until(t)
	if wait <= 0 {
		d.over = true
		wake()
		return
	}
	gen := d.gen
	d.timer = time.AfterFunc(wait, func() {
		mu.Lock()
		defer mu.Unlock()
		if d.gen == gen {
			d.over = true
			wake()
		}
	})
}

func (d *deadline) stop() {
	d.gen++
	if d.timer != nil {
		d.timer.Stop()
		d.timer = nil
	}
}
