// SPDX-License-Identifier: Apache-2.0

package memnet

import (
	"bytes"
	"sync"
	"time"
)

// A segment is what travels on a stream: bytes, FIN or RST.
type segment struct {
	data []byte
	due  time.Time // when it arrives, if the way is open then
	fin  bool
	rst  bool
}

// A stream is one direction of a connection. Bytes are first in flight, then
// ready at the receiver, then read; size counts them until the news that they
// were read has travelled back.
type stream struct {
	to        *conn
	way, back *way

	flight []segment   // the first holds up the others: none overtakes another
	timer  *time.Timer // set while the first segment in flight is not due
	ready  bytes.Buffer
	fin    bool // everything has arrived

	size int // bytes written and, as far as the writer knows, not read
	read int // of these, bytes whose acknowledgement has not travelled back

	arrived, room *sync.Cond
}

func newStream(n *Net, to *conn, way, back *way) *stream {
	return &stream{to: to, way: way, back: back, arrived: sync.NewCond(&n.mu), room: sync.NewCond(&n.mu)}
}

// sendLocked puts a segment on its way.
func (s *stream) sendLocked(g segment) {
	g.due = time.Now().Add(s.way.delay)
	s.size += len(g.data)
	s.way.traffic.Bytes += uint64(len(g.data))
	s.flight = append(s.flight, g)
	s.pumpLocked()
}

// pumpLocked lets everything arrive that is due and not blocked.
func (s *stream) pumpLocked() {
	now := time.Now()
	for len(s.flight) > 0 {
		g := s.flight[0]
		if wait := g.due.Sub(now); wait > 0 {
			s.wakeIn(wait)
			break
		}
		if s.way.blocked && !g.rst {
			break // TCP would repeat it until it arrives
		}
		if !s.arriveLocked(g) {
			break
		}
		if len(s.flight) > 0 { // a reset in answer may have emptied it
			s.flight = s.flight[1:]
		}
	}
	s.arrived.Broadcast()
}

// arriveLocked hands one segment to the receiver. False means that nobody
// noticed, so the segment is to be repeated.
func (s *stream) arriveLocked(g segment) bool {
	switch {
	case g.rst:
		if !s.way.blocked { // RST is not repeated: a dropped one is lost
			s.to.abortLocked()
		}
	case g.fin:
		s.fin = true
	case !s.to.gone():
		s.ready.Write(g.data)
	case s.back.blocked:
		return false
	default:
		s.to.resetPeerLocked()
	}
	return true
}

// wakeIn pumps again when the first segment is due.
func (s *stream) wakeIn(d time.Duration) {
	if s.timer != nil {
		s.timer.Reset(d) // a reset may be due before the bytes it replaced
		return
	}
	mu := s.arrived.L
	s.timer = time.AfterFunc(d, func() {
		mu.Lock()
		defer mu.Unlock()
		s.timer = nil
		s.pumpLocked()
	})
}

// releaseLocked gives the writer the room of bytes that were read, if the
// acknowledgement gets through. It takes no time: only data is delayed.
func (s *stream) releaseLocked() {
	if s.back.blocked || s.read == 0 {
		return
	}
	s.size -= s.read
	s.read = 0
	s.room.Broadcast()
}

// probeLocked is the probe of a writer that waits for room: a receiver that is
// gone answers it with RST.
func (s *stream) probeLocked() {
	if s.size >= Buffer && s.to.gone() && !s.way.blocked && !s.back.blocked {
		s.to.resetPeerLocked()
	}
}

// loseLocked drops everything that was not read.
func (s *stream) loseLocked() {
	s.flight = nil
	s.ready.Reset()
	s.fin = false // else the reader would take the rest for complete
}
