// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"time"
)

// accept takes connections until the listener is closed.
func (m *Mesh) accept(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { m.c.Listener.Close() })()
	wait := 5 * time.Millisecond
	for {
		conn, err := m.c.Listener.Accept()
		switch {
		case err == nil:
			wait = 5 * time.Millisecond
		case errors.Is(err, net.ErrClosed):
			return nil
		default: // out of file descriptors, say: it passes
			m.c.Logger.Error("accept", "error", err, "retry", wait)
			pause(ctx, wait)
			wait = min(2*wait, time.Second)
			continue
		}
		if !m.strange.add(conn) {
			m.counters.refused.Add(1)
			conn.Close()
			continue
		}
		m.group.Go(func() error { m.serve(ctx, conn); return nil })
	}
}

// serve is the listener's side of a connection.
func (m *Mesh) serve(ctx context.Context, conn net.Conn) {
	m.counters.accepted.Add(1)
	undo := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	l, err := m.welcome(ctx, conn)
	undo()
	m.strange.remove(conn)
	if err != nil {
		m.refused(conn, err)
		conn.Close()
		return
	}
	if l != nil {
		m.serveLink(l)
	}
}

// serveLink runs an adopted link for as long as the mesh runs, whoever
// dialled it.
func (m *Mesh) serveLink(l *link) { m.group.Go(func() error { l.run(m.work); return nil }) }

// refused counts a connection that came to nothing and logs it, but not more
// often than a person could read.
func (m *Mesh) refused(conn net.Conn, err error) {
	switch {
	case errors.Is(err, errDuplicate), errors.Is(err, errSelf):
		return
	case errors.Is(err, errKnock):
		m.counters.refused.Add(1)
		m.c.Logger.Debug("somebody looked whether this port is open", "from", conn.RemoteAddr().String())
		return
	case errors.Is(err, net.ErrClosed):
		err = errCrowded
	}
	m.counters.refused.Add(1)
	if un := (unproven{}); errors.As(err, &un) && m.c.Refuse != nil {
		if a := addrOf(conn); a.IsValid() {
			m.c.Refuse(a, un.error)
		}
	}
	if errors.Is(err, ErrProtocol) {
		m.counters.bad.Add(1)
	}
	if m.often.Allow() {
		m.c.Logger.Warn("connection refused", "from", conn.RemoteAddr().String(), "cause", cause(err), "refused_so_far", m.counters.refused.Load())
	}
}

// errKnock is a connection that was closed without a word: somebody looked
// whether the port is open, as lateral doctor does.
var errKnock = errors.New("it was closed without a word")

// welcome reads the dialler's hello, answers it and adopts the link. nil, nil
// means that another protocol took the connection over.
func (m *Mesh) welcome(ctx context.Context, conn net.Conn) (_ *link, e error) {
	conn.SetDeadline(time.Now().Add(m.c.OpenTimeout))
	var head [len(Magic)]byte
	n, err := io.ReadFull(conn, head[:])
	if n == 0 && errors.Is(err, io.EOF) {
		return nil, errKnock
	}
	if n == 0 && m.c.Other != nil && errors.Is(err, os.ErrDeadlineExceeded) && ctx.Err() == nil {
		return nil, m.other(ctx, conn, nil) // a Java node says nothing until it has something to say
	} else if err != nil {
		return nil, fmt.Errorf("said %d bytes and no more: %w", n, cause(err))
	}
	raw := conn
	switch safe, err := m.prove(ctx, conn, head); {
	case err != nil:
		return nil, err
	case safe != nil:
		conn = safe
		defer func() {
			if e != nil {
				safe.Close()
			}
		}()
	case string(head[:]) != Magic && m.c.Other == nil:
		return nil, fmt.Errorf("%w: it opens with % x; %s", ErrProtocol, head, guess(head))
	case string(head[:]) != Magic:
		return nil, m.other(ctx, conn, head[:])
	}
	in := newInput(conn)
	h, err := m.readHello(in)
	if err != nil {
		return nil, err
	}
	own := m.hello(0)
	if err := m.check(h); err != nil {
		if errors.Is(err, errSelf) {
			conn.Write(appendJSON(nil, frameHello, own)) // by which the dialler sees that it is
		} else {
			m.turnAway(conn, goaway{Reason: "refused: " + err.Error()})
		}
		return nil, err
	}
	if !m.strange.known(raw) {
		return nil, errCrowded
	}
	conn.SetDeadline(time.Time{})
	l := m.newLink(conn, false, own, h, in)
	l.queueFrame(appendJSON(nil, frameHello, own)) // the first thing that the link sends
	if err := m.adopt(l); err != nil {
		m.turnAway(conn, goaway{Reason: err.Error(), Duplicate: errors.Is(err, errDuplicate), ID: m.self.ID})
		return nil, err
	}
	return l, nil
}

// other leaves a connection to another protocol until it ends. How many it may
// hold is that protocol's to bound.
func (m *Mesh) other(ctx context.Context, conn net.Conn, head []byte) error {
	conn.SetDeadline(time.Time{})
	m.strange.remove(conn)
	m.c.Other(ctx, conn, head)
	return nil
}

// turnAway tells the other side why there will be no link.
func (m *Mesh) turnAway(conn net.Conn, g goaway) {
	conn.SetWriteDeadline(time.Now().Add(farewellTime))
	conn.Write(appendJSON(nil, frameGoaway, g))
}

// guess names what a connection that is not ours looks like.
func guess(head [4]byte) string {
	switch {
	case head == [4]byte{0xac, 0xed, 0, 5}:
		return "that is a Java object stream: a JCS 1.3 or 2 node, which is not spoken to here"
	case head[0] == 0 && head[1] < 0x10:
		return "that looks like a frame of JCS 3 or 4, which is not spoken here"
	case string(head[:]) == "GET " || string(head[:]) == "POST":
		return "that is HTTP; the mesh port serves none"
	}
	return "that is no protocol that this port knows"
}

func isRefused(err error) bool { return errors.Is(err, syscall.ECONNREFUSED) }
