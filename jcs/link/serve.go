// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"time"

	"lateral/javaser"
	"lateral/jcs"
)

// inbound is a connection that a Java node dialled.
type inbound struct {
	l     *Links
	conn  net.Conn
	since time.Time
	ser   jcs.Serializer // of the reader, for answers

	probed   bool        // it has asked whether this is Lateral; of the reader, as is
	greeting *time.Timer // until it counts as a Java node that has come; nil with JCS 3 and 4

	mu        sync.Mutex // guards what follows
	gen       *jcs.Generation
	requester int64
	regions   map[string]bool
	latest    time.Time // of the last message
	behind    time.Duration
}

// Serve reads a connection whose first bytes are not the mesh's, until it ends
// or ctx does, and closes it. head is what it opened with, or empty: a JCS 3
// node says nothing until it has something to say.
func (l *Links) Serve(ctx context.Context, conn net.Conn, head []byte) {
	defer conn.Close()
	in := &inbound{l: l, conn: conn, since: time.Now(), ser: l.c.Serializer, regions: map[string]bool{}}
	if !l.admit(in) {
		l.counters.refused.Add(1)
		l.warn("connection refused", "from", conn.RemoteAddr().String(), "cause", fmt.Sprintf("%d Java connections are open", maxInbound))
		return
	}
	defer l.leave(in)
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	err := in.run(head)
	switch {
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		l.c.Logger.Info("jcs: a Java node's connection has ended", "from", conn.RemoteAddr().String(), "generation", in.family())
	default:
		l.counters.refused.Add(1)
		l.refused(in.family(), "", "", err)
		l.warn("a Java node's connection is refused", "from", conn.RemoteAddr().String(), "generation", in.family(), "cause", err)
	}
}

func (l *Links) admit(in *inbound) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.inbound) >= maxInbound {
		return false
	}
	l.inbound[in] = true
	l.counters.accepted.Add(1)
	return true
}

func (l *Links) leave(in *inbound) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.inbound, in)
}

func (in *inbound) family() string {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.gen == nil {
		return "unknown"
	}
	return in.gen.Family
}

// run applies messages until the connection ends, and says why.
func (in *inbound) run(head []byte) error {
	widen(in.conn)
	bytes, stop := readAhead(prompt(in.conn, &in.l.counters.bytesIn), &in.l.ahead)
	defer stop()
	defer in.conn.Close()
	pace := &pacer{in: bytes, most: in.l.c.Message}
	if len(head) > 0 {
		pace.began = time.Now()
	} else {
		head = make([]byte, 4)
		if n, err := io.ReadFull(pace, head); err != nil {
			if n > 0 {
				err = io.ErrUnexpectedEOF
			}
			return err
		}
	}
	if in.l.c.ListenOnly && string(head) == Magic {
		return errObserver
	}
	if len(head) < 4 || !jcs.Opens([4]byte(head)) {
		return fmt.Errorf("it opens with % x, which is neither the mesh's protocol nor JCS's", head)
	}
	r := jcs.NewReader(pace, head, in.l.c.Serializer)
	if !r.Framed() {
		in.greeting = time.AfterFunc(greetTime, func() { in.l.came(addrOf(in.conn.RemoteAddr().String())) })
		defer in.greeting.Stop()
		pace.began = time.Time{} // JCS opens a stream at once, and has something to say later
	}
	for skipped := 0; ; {
		m, err := r.Next()
		pace.began = time.Time{}
		var skip *jcs.SkippedError
		switch {
		case err == nil:
			skipped = 0
		case errors.As(err, &skip):
			in.l.counters.skipped.Add(1)
			in.l.refused(in.family(), "", "", err)
			in.l.warn("a message makes no sense", "from", in.conn.RemoteAddr().String(), "cause", err)
			if errors.Is(err, javaser.ErrForgotten) {
				continue // no fault of the sender's
			}
			if skipped++; skipped > maxSkipped {
				return fmt.Errorf("%d messages in a row made no sense; the last: %w", skipped, err)
			}
			continue
		default:
			return err
		}
		if err := in.take(m, r.Framed()); err != nil {
			return err
		}
	}
}

// A pacer ends a connection whose message takes too long. Between messages it
// may be silent for ever: JCS says nothing while there is nothing to say. What a
// message costs while it arrives is so not kept by whoever sends a byte a minute.
type pacer struct {
	in    *ahead
	most  time.Duration
	began time.Time // of the message that is being read; zero before its first byte
}

func (p *pacer) Read(b []byte) (int, error) {
	until := time.Time{}
	if !p.began.IsZero() {
		until = p.began.Add(p.most)
	}
	n, err := p.in.read(b, until)
	if n > 0 && p.began.IsZero() {
		p.began = time.Now()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = fmt.Errorf("a message has not arrived whole within %v of its first byte", p.most)
	}
	return n, err
}

// take does what one message asks. An error is about the connection.
func (in *inbound) take(m *jcs.Message, framed bool) error {
	l := in.l
	l.counters.messages.Add(1)
	if m.Op == jcs.Dispose && m.Region == probeRegion && !l.c.ListenOnly {
		if in.probed = true; in.greeting != nil {
			in.greeting.Stop()
		}
		_, err := io.WriteString(in.conn, Magic)
		return err
	}
	if in.probed {
		// A Lateral node that has not read our answer yet. Its changes come by
		// the mesh, with their stamps; from here they would get new ones.
		return nil
	}
	in.note(m)
	switch {
	case m.Op == jcs.Dispose:
		return nil
	case m.Requester == l.c.Requester && !m.Op.Asks():
		l.counters.own.Add(1)
		return nil
	}
	if l.watch != nil {
		l.watch.take(m, in.conn.RemoteAddr().String(), in.asker())
	}
	switch {
	case m.Op.Asks():
		return in.answer(m, framed)
	}
	l.apply(m)
	return nil
}

func (in *inbound) note(m *jcs.Message) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.gen == nil {
		in.l.c.Logger.Info("jcs: a Java node has dialled us", "from", in.conn.RemoteAddr().String(), "generation", m.Gen.Family)
	}
	in.gen, in.latest = m.Gen, time.Now()
	if m.Requester != 0 {
		in.requester = m.Requester
	}
	if m.Region != "" && len(in.regions) < maxPeerRegions {
		in.regions[m.Region] = true
	}
	if m.Op == jcs.Update {
		in.behind = in.l.c.Now().Sub(m.Attr.Created)
	}
}

// asker is who sent a question, which carries no id: who spoke before it.
func (in *inbound) asker() int64 {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.requester
}

// From counts the connections that came from a host.
func (l *Links) From(ip netip.Addr) (n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for in := range l.inbound {
		if a, err := netip.ParseAddrPort(in.conn.RemoteAddr().String()); err == nil && a.Addr().Unmap() == ip.Unmap() {
			n++
		}
	}
	return n
}

// Accept serves a listener of Java's own until ctx ends.
func (l *Links) Accept(ctx context.Context, ln net.Listener) error {
	defer context.AfterFunc(ctx, func() { ln.Close() })()
	var serving sync.WaitGroup
	defer serving.Wait()
	for {
		conn, err := ln.Accept()
		switch {
		case err == nil:
			serving.Go(func() { l.Serve(ctx, conn, nil) })
		case errors.Is(err, net.ErrClosed) || ctx.Err() != nil:
			return nil
		default: // out of file descriptors, say: it passes
			pause(ctx, redialFirst)
		}
	}
}
