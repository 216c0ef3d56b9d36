// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/binary"
	"errors"
	"net"
	"time"

	"lateral/changelog"
)

// write is the loop that sends. What waits in several places goes in this
// order: small frames, changes, one frame of a sync; so that neither a sync
// nor a burst of changes holds up the others.
func (l *link) write(ctx context.Context) error {
	beat := time.AfterFunc(l.m.c.Heartbeat, func() { l.beatDue.Store(true); l.wake() })
	defer beat.Stop()
	l.beaten = time.Now()
	var (
		cur   *changelog.Cursor
		names int
		buf   = make([]byte, 0, 512)
		space [5][]byte
		lease []byte
		front []byte
	)
	for {
		if cap(buf) > maxKept {
			buf = nil
		}
		buf = l.small(buf[:0], beat)
		if cur == nil {
			cur, buf = l.position(buf)
		}
		var records []byte
		if cur != nil {
			var err error
			if records, cur, buf, err = l.changes(cur, &names, buf); err != nil {
				return err
			}
		}
		frame := l.takeBulk()
		lease = l.grant(lease[:0], cur) // behind the changes that it speaks of
		front = front[:0]
		if len(buf)+len(lease)+len(frame) > 0 && time.Since(l.beaten) >= l.m.c.Heartbeat/2 {
			front = l.beat(front, beat) // it rides on what is sent anyway
		}
		front = l.front(front, next(cur))
		if len(buf)+len(lease)+len(frame)+len(front) == 0 { // records come with a header in buf
			if l.farewellSent() {
				return l.hangUp()
			}
			l.idle(ctx, cur)
			if ctx.Err() != nil {
				return ctx.Err()
			}
			continue
		}
		pieces := append(net.Buffers(space[:0]), buf, records, lease, frame, front)
		n, err := pieces.WriteTo(l.conn)
		l.m.counters.bytesOut.Add(n)
		if err != nil {
			return cause(err)
		}
	}
}

// small collects what waits in the queues and flags.
func (l *link) small(buf []byte, beat *time.Timer) []byte {
	l.mu.Lock()
	for i, f := range l.queue {
		buf = append(buf, f...)
		l.queue[i] = nil
	}
	l.queue, l.queued = l.queue[:0], 0
	if l.farewell != "" && l.farewell != sent {
		buf = appendFrame(buf, frameGoaway, []byte(l.farewell))
		l.farewell = sent
	}
	l.mu.Unlock()
	if l.moreDue.Swap(false) {
		buf = l.shares(buf)
	}
	if l.rowDue.Swap(false) {
		buf = l.rows(buf)
	}
	if l.holdDue.Swap(false) {
		buf = l.holds(buf)
	}
	if l.askDue.Swap(false) {
		buf = l.asks(buf)
	}
	if l.ackDue.Swap(false) {
		buf = binary.BigEndian.AppendUint64(appendHeader(buf, frameAck, 8), l.peer.received.Load())
	}
	if l.beatDue.Swap(false) {
		buf = l.beat(buf, beat)
	}
	return buf
}

// rows appends what the peer has not been told of our links.
func (l *link) rows(buf []byte) []byte {
	f, told, more := l.m.row.tell(l.told.row, l)
	l.told.row = told
	if more {
		l.rowDue.Store(true)
		l.wake()
	}
	if f == nil {
		return buf
	}
	return appendJSON(buf, frameRow, f)
}

// next is the number of the change that a cursor reads next, 0 without one.
func next(cur *changelog.Cursor) uint64 {
	if cur == nil {
		return 0
	}
	return cur.Seq()
}

// sent marks a goodbye that is in the buffer or beyond.
const sent = "sent"

func (l *link) farewellSent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.farewell == sent
}

// hangUp closes our half, so that the goodbye is not lost in a reset, and
// leaves it to the read loop to end when the peer has closed its half.
func (l *link) hangUp() error {
	half, ok := l.conn.(interface{ CloseWrite() error })
	if !ok {
		return errors.New("goodbye")
	}
	l.in.timeout.Store(0)
	l.conn.SetReadDeadline(time.Now().Add(farewellTime))
	half.CloseWrite()
	return nil
}

func (l *link) takeBulk() []byte {
	select {
	case f := <-l.bulk:
		return f
	default:
		return nil
	}
}

// idle waits until there is something to write.
func (l *link) idle(ctx context.Context, cur *changelog.Cursor) {
	if cur == nil {
		select {
		case <-l.poke:
		case <-ctx.Done():
		}
		return
	}
	cur.Wait(ctx, l.poke)
}

// beat appends a heartbeat: our clock, and when we saw the peer's last one. The
// next is due in the time of one.
func (l *link) beat(buf []byte, due *time.Timer) []byte {
	l.beaten = time.Now()
	due.Reset(l.m.c.Heartbeat)
	l.frontDue.Store(true)
	l.wantRound()
	l.mu.Lock()
	e := l.echo
	l.mu.Unlock()
	now := l.m.c.Now()
	held := int64(0)
	if e.theirs != 0 {
		held = int64(now.Sub(e.received))
	}
	buf = appendHeader(buf, frameBeat, 24)
	buf = binary.BigEndian.AppendUint64(buf, uint64(now.UnixNano()))
	buf = binary.BigEndian.AppendUint64(buf, uint64(e.theirs))
	return binary.BigEndian.AppendUint64(buf, uint64(held))
}
