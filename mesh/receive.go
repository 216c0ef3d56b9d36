// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync/atomic"
	"time"

	"lateral/cache"
	"lateral/changelog"
)

// input reads a connection that must not be silent for longer than timeout.
type input struct {
	*bufio.Reader
	conn    net.Conn
	timeout atomic.Int64 // ns; 0: the caller has set a deadline
}

func newInput(conn net.Conn) *input {
	in := &input{conn: conn}
	in.Reader = bufio.NewReaderSize(readFunc(in.readConn), 64<<10)
	return in
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func (in *input) readConn(p []byte) (int, error) {
	if t := in.timeout.Load(); t > 0 {
		in.conn.SetReadDeadline(time.Now().Add(time.Duration(t)))
	}
	return in.conn.Read(p)
}

// read is the loop that applies what arrives. It returns why the link ended.
func (l *link) read() error {
	l.in.timeout.Store(int64(l.m.c.LinkTimeout))
	var buf []byte
	for {
		t, p, err := readFrame(l.in, buf)
		if err != nil {
			return l.readError(err)
		}
		l.m.counters.framesIn.Add(1)
		l.m.counters.bytesIn.Add(int64(headerSize + len(p)))
		if err := l.handle(t, p); err != nil {
			return err
		}
		if buf = p; cap(buf) > maxKept {
			buf = nil // one huge value must not keep its memory for the life of the link
		}
	}
}

// maxKept is the largest read buffer that a link keeps between frames.
const maxKept = 1 << 20

func (l *link) readError(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the peer closed the connection without a goodbye: its process has ended, or a firewall cut it")
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("nothing was heard for %v: the process is stopped or the network drops packets", l.m.c.LinkTimeout)
	case errors.Is(err, ErrProtocol):
		l.m.counters.bad.Add(1)
	}
	return err
}

// errGoodbye ends a link whose peer said goodbye.
type errGoodbye struct{ goaway }

func (e errGoodbye) Error() string { return fmt.Sprintf("the peer said: %.*q", maxReason, e.Reason) }

func (l *link) handle(t frameType, p []byte) error {
	s := &scan{s: string(p)}
	switch t {
	case frameChanges:
		return l.applyChanges(s)
	case frameAck:
		l.peer.ack(min(s.uint64(), l.m.c.Log.Next()-1))
	case frameBeat:
		l.heartbeat(s)
	case frameResume:
		return l.takeResume(s)
	case frameNames:
		return l.takeNames(s)
	case frameGap:
		l.gap(s.uint64())
	case frameRow:
		return l.takeRow(p)
	case frameGet:
		return l.answer(s)
	case frameReply:
		return l.m.gets.answered(l, s)
	case frameElements:
		return l.applyElements(s)
	case frameRoot, frameSame, frameSums, frameMine, frameKeys, frameWant, frameNext, frameDone:
		return l.queueSync(t, s.s)
	case frameGoaway:
		var g goaway
		if err := decodeJSON(t, p, &g); err != nil {
			return err
		}
		if g.Leaving {
			l.peer.mu.Lock()
			l.peer.left = true
			l.peer.mu.Unlock()
		}
		return errGoodbye{g}
	default:
		return fmt.Errorf("%w: a second %s", ErrProtocol, t)
	}
	return s.err(t)
}

func (l *link) takeResume(s *scan) error {
	met := s.take(1)
	r := resume{met: met == "\x01", read: s.uint64()}
	if err := s.err(frameResume); err != nil {
		return err
	}
	select {
	case l.resumeAt <- r:
	default:
		return fmt.Errorf("%w: a second resume", ErrProtocol)
	}
	l.wake()
	if !l.peer.met.Load() {
		l.syncShared() // it may hold what nobody's log has any more
	}
	return nil
}

func (l *link) takeNames(s *scan) error {
	if from := s.uvarint(); from != uint64(len(l.regions)) {
		return fmt.Errorf("%w: names from number %d, expected %d", ErrProtocol, from, len(l.regions))
	}
	for len(s.s) > 0 && !s.bad {
		if len(l.regions) >= maxNames {
			return fmt.Errorf("%w: names of more than %d regions", ErrProtocol, maxNames)
		}
		l.regions = append(l.regions, boundRegion{name: s.text(cache.MaxRegion)})
	}
	return s.err(frameNames)
}

// region returns the region with a number of the peer's log, nil if it is not
// bound to this endpoint.
func (l *link) region(n uint64) (Region, error) {
	if n >= uint64(len(l.regions)) {
		return nil, fmt.Errorf("%w: a change in region number %d, %d have names", ErrProtocol, n, len(l.regions))
	}
	b := &l.regions[n]
	if !b.known {
		b.known = true
		if r, ok := l.m.c.Region(b.name); ok {
			b.Region = r
		}
	}
	return b.Region, nil
}

func (l *link) applyChanges(s *scan) error {
	seq := s.uint64()
	p := l.peer
	if seq > p.received.Load()+1 && p.met.Load() {
		return fmt.Errorf("%w: changes from number %d on, expected %d", ErrProtocol, seq, p.received.Load()+1)
	}
	now := time.Now().UnixMilli()
	owner := cache.NodeID(l.peerHello.Node)
	for rest := s.s; rest != ""; seq++ {
		c, number, more, err := changelog.Decode(rest, owner, l.lastAttr)
		if err != nil {
			return fmt.Errorf("%w: change %d: %w", ErrProtocol, seq, err)
		}
		rest = more
		if seq <= p.received.Load() && p.met.Load() {
			continue // it came by the link before this one
		}
		r, err := l.region(number)
		if err != nil {
			return err
		}
		l.apply(now, r, &c, cache.FromLateral)
		p.received.Store(seq)
	}
	p.met.Store(true)
	l.ackDue.Store(true)
	l.wake()
	return nil
}

// apply hands a change to a region. What a region refuses is counted: it must
// not end the link.
func (l *link) apply(now int64, r Region, c *cache.Change, o cache.Origin) {
	if r == nil || !l.m.c.Receive {
		l.m.counters.unapplied.Add(1)
		return
	}
	l.lastAttr = r.Attributes()
	e := &c.Element
	_, err := r.Apply(now, cache.Command{Op: c.Op, Origin: o, Key: e.Key, Value: e.Value, Attr: e.Attr,
		Stamp: e.Stamp, Hash: c.Hash, Accessed: e.Accessed})
	if err != nil {
		l.m.counters.unapplied.Add(1)
		l.m.c.Logger.Warn("a peer's change was refused", "peer", l.name(), "region", r.Name(), "error", err)
	}
}

// gap: the peer's log no longer has what we have not read. Values come back by
// a sync; where only removals travel, what is held may be stale, so it goes.
func (l *link) gap(next uint64) {
	l.peer.received.Store(next - 1)
	l.peer.met.Store(true)
	l.ackDue.Store(true)
	l.wake()
	dropped := l.m.dropStale()
	l.m.c.Logger.Info("changes of a peer were missed: a sync brings back values, invalidated regions start empty",
		"peer", l.name(), "dropped", dropped)
	l.syncShared()
}

// dropStale empties the regions in which a removal may have been missed.
func (m *Mesh) dropStale() (n int) {
	for _, r := range m.c.Regions() {
		if r.Digest() == nil {
			n += r.Gap()
		}
	}
	return n
}

func (l *link) heartbeat(s *scan) {
	theirs, echoed, held := int64(s.uint64()), int64(s.uint64()), int64(s.uint64())
	if s.bad {
		return
	}
	now := time.Now()
	l.mu.Lock()
	l.echo = echo{theirs: theirs, received: now}
	l.mu.Unlock()
	if echoed == 0 {
		return
	}
	if trip := now.UnixNano() - echoed - held; trip >= 0 {
		l.peer.skew.Store(theirs + trip/2 - now.UnixNano())
	}
}

func (l *link) name() string {
	h := &l.peerHello
	return fmt.Sprintf("%.64s/%.64s.%.64s@%s", h.Host, h.Service, h.Endpoint, l.conn.RemoteAddr())
}
