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
)

// input reads a connection that must not be silent for longer than timeout. Its
// buffer is large only while much comes: most links of a large mesh carry
// heartbeats, and a node has hundreds.
type input struct {
	*bufio.Reader
	conn    net.Conn
	timeout atomic.Int64 // ns; 0: somebody has set a deadline
	filled  bool         // the connection had as much as there was room for
	calm    int          // frames in a row since that was so
}

const (
	smallInput = 4 << 10
	largeInput = 64 << 10
	// calmAfter is after how many frames without much to read a link is calm.
	calmAfter = 64
)

func newInput(conn net.Conn) *input {
	in := &input{conn: conn}
	in.Reader = bufio.NewReaderSize(readFunc(in.readConn), smallInput)
	return in
}

// fit gives the buffer the size that the connection is worth, between two
// frames, and reports whether it is calm.
func (in *input) fit() (calm bool) {
	if in.calm++; in.filled {
		in.filled, in.calm = false, 0
	}
	calm = in.calm >= calmAfter
	size := in.Size()
	switch {
	case in.Buffered() > 0:
	case calm && size > smallInput:
		in.Reader = bufio.NewReaderSize(readFunc(in.readConn), smallInput)
	case in.calm == 0 && size < largeInput:
		in.Reader = bufio.NewReaderSize(readFunc(in.readConn), largeInput)
	}
	return calm
}

type readFunc func(p []byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func (in *input) readConn(p []byte) (int, error) {
	if t := in.timeout.Load(); t > 0 {
		in.conn.SetReadDeadline(time.Now().Add(time.Duration(t)))
		if in.timeout.Load() == 0 { // the last deadline was set meanwhile
			in.conn.SetReadDeadline(time.Now().Add(farewellTime))
		}
	}
	n, err := in.conn.Read(p)
	in.filled = in.filled || n == len(p) && n >= smallInput/2
	return n, err
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
		if buf = p; l.in.fit() && cap(buf) > smallInput || cap(buf) > maxKept {
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
	}
	return cause(err)
}

// errGoodbye ends a link whose peer said goodbye.
type errGoodbye struct{ goaway }

func (e errGoodbye) Error() string { return "the peer said: " + clean(e.Reason, maxReason) }

func (l *link) handle(t frameType, p []byte) error {
	s := &scan{s: string(p)}
	switch t {
	case frameChanges:
		return l.applyChanges(s)
	case frameAck:
		l.peer.ack(min(s.uint64(), l.m.c.Log.Next()-1))
	case frameBeat:
		return l.heartbeat(s)
	case frameResume:
		return l.takeResume(s)
	case frameNames:
		return l.takeNames(s)
	case frameGap:
		return l.gap(s)
	case frameRow:
		return l.takeRow(p)
	case frameShares:
		return l.takeShares(p)
	case frameReckon:
		return l.takeReckon(s)
	case frameFront:
		return l.takeFront(s)
	case frameReplay:
		return l.takeReplay(s)
	case frameGet:
		return l.answer(s)
	case frameReply:
		return l.m.gets.answered(l, s)
	case frameTake:
		return l.takeBallot(s)
	case frameVote:
		return l.takeVote(s)
	case frameLook:
		return l.takeLook(s, p)
	case frameSaw:
		return l.takeSaw(s, p)
	case frameMessage:
		return l.takeMessage(s)
	case frameTouches:
		return l.takeTouches(s)
	case frameElements:
		return l.applyElements(s)
	case frameRoot, frameSame, frameCells, frameOn, frameKeys, frameWant, frameNext, frameWhich,
		frameRound, frameEnd, frameEnded, frameFill, frameShare, frameLater:
		return l.queueSync(t, s.s)
	case frameAsk:
		return l.takeAsk(s)
	case frameLease:
		return l.takeLease(s)
	case frameHold:
		return l.takeHold(s)
	case frameHeld:
		return l.takeHeld(s)
	case frameRelease:
		return l.takeRelease(s)
	case frameGoaway:
		var g goaway
		if err := decodeJSON(t, p, &g); err != nil {
			return err
		}
		if g.Leaving {
			l.m.frontier.Died(l.peer.id)
			l.peer.mu.Lock()
			l.peer.left = true
			l.peer.mu.Unlock()
		}
		if g.Leaving && g.Unread {
			l.m.c.Logger.Info("a peer leaves with changes that it could not hand over: invalidated regions start empty",
				"peer", l.name(), "dropped", l.m.dropStale())
		}
		return errGoodbye{g}
	default:
		return fmt.Errorf("%w: a second %s", ErrProtocol, t)
	}
	return s.err(t)
}

func (l *link) heartbeat(s *scan) error {
	theirs, echoed, held := int64(s.uint64()), int64(s.uint64()), int64(s.uint64())
	if err := s.err(frameBeat); err != nil {
		return err
	}
	now := l.m.c.Now()
	l.mu.Lock()
	l.echo = echo{theirs: theirs, received: now}
	l.mu.Unlock()
	if echoed == 0 {
		return nil
	}
	if trip := now.UnixNano() - echoed - held; trip >= 0 {
		l.peer.canary.note(time.Duration(trip), false)
		l.peer.skew.Store(theirs + trip/2 - now.UnixNano())
	}
	// However long this was under way, the peer's clock is ahead by so much at
	// least; by more, if half of a trip is added, may be the delay of a busy host.
	return l.m.ahead("its clock", time.Unix(0, theirs).UnixMilli(), now.UnixMilli())
}

func (l *link) name() string {
	h := &l.peerHello
	return fmt.Sprintf("%.64s/%.64s.%.64s@%s", h.Host, h.Service, h.Endpoint, l.conn.RemoteAddr())
}
