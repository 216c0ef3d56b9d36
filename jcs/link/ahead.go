// SPDX-License-Identifier: Apache-2.0

package link

import (
	"io"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// A Java node of JCS 3 or 4 waits a second for a write, and then gives the
// connection up for good, with all that it had still to say (jcs-protocol.md
// section 4). To decode and apply a message takes ten times as long as to read
// it, so who has too little of a processor must not let it wait for that: its
// bytes are read ahead.
const (
	aheadLeast = 64 << 10 // of a connection, whatever the others have
	aheadMost  = 64 << 20 // of a connection
	aheadAll   = 64 << 20 // of all connections of an endpoint, beside aheadLeast of each

	pieceLeast = 4 << 10 // what a connection holds on to while it is silent
	pieceMost  = 256 << 10
)

// ahead reads a connection ahead of who takes messages off it.
type ahead struct {
	in   io.Reader
	used *atomic.Int64 // of all connections
	more chan struct{} // something has come, or the end
	room chan struct{} // something was taken
	gone chan struct{} // nobody takes any more

	mu    sync.Mutex // guards what follows
	queue []*piece   // arrived and not taken, in order
	held  int        // their capacities
	spare *piece
	err   error // behind the queue
}

// A piece is bytes that arrived, from at on not taken yet.
type piece struct {
	b  []byte
	at int
}

// readAhead begins. stop ends it, once in has been closed.
func readAhead(in io.Reader, used *atomic.Int64) (a *ahead, stop func()) {
	a = &ahead{in: in, used: used, more: make(chan struct{}, 1), room: make(chan struct{}, 1), gone: make(chan struct{})}
	done := make(chan struct{})
	go func() {
		defer close(done)
		a.run()
	}()
	return a, func() {
		close(a.gone)
		<-done
		used.Add(-int64(a.held))
	}
}

// run reads until in ends. A piece is as long as what came last makes likely.
func (a *ahead) run() {
	p := a.piece(pieceLeast)
	for a.wait() {
		n, err := a.in.Read(p.b[:cap(p.b)])
		p.b = p.b[:n]
		if a.add(p, err) {
			p = a.piece(min(max(2*n, pieceLeast), pieceMost))
		}
		if err != nil {
			return
		}
	}
}

// piece returns an empty one.
func (a *ahead) piece(size int) *piece {
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.spare; p != nil && cap(p.b) >= size && cap(p.b) <= 4*size {
		a.spare = nil
		return p
	}
	a.spare = nil
	return &piece{b: make([]byte, 0, size)}
}

// wait returns when there is room for a piece, or false if nobody wants it.
func (a *ahead) wait() bool {
	for {
		a.mu.Lock()
		held := a.held
		a.mu.Unlock()
		if held < aheadLeast || held < aheadMost && a.used.Load() < aheadAll {
			return true
		}
		select {
		case <-a.room:
		case <-a.gone:
			return false
		}
	}
}

// add queues what was read, and reports whether the piece was kept for that.
func (a *ahead) add(p *piece, err error) (kept bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if n := len(a.queue); n > 0 && cap(a.queue[n-1].b)-len(a.queue[n-1].b) >= len(p.b) {
		a.queue[n-1].b = append(a.queue[n-1].b, p.b...)
	} else if len(p.b) > 0 {
		a.queue = append(a.queue, p)
		a.held += cap(p.b)
		a.used.Add(int64(cap(p.b)))
		kept = true
	}
	if err != nil {
		a.err = err
	}
	notify(a.more)
	return kept
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// read takes what has arrived, and waits for it until a time, if that is not
// zero. One goroutine reads.
func (a *ahead) read(b []byte, until time.Time) (int, error) {
	var late <-chan time.Time
	for {
		if n, err := a.take(b); n > 0 || err != nil {
			return n, err
		}
		if late == nil && !until.IsZero() {
			t := time.NewTimer(time.Until(until))
			defer t.Stop()
			late = t.C
		}
		select {
		case <-a.more:
		case <-late:
			return 0, os.ErrDeadlineExceeded
		}
	}
}

func (a *ahead) take(b []byte) (n int, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for n < len(b) && len(a.queue) > 0 {
		p := a.queue[0]
		k := copy(b[n:], p.b[p.at:])
		n += k
		if p.at += k; p.at == len(p.b) {
			a.queue[0] = nil
			a.queue = a.queue[1:]
			a.held -= cap(p.b)
			a.used.Add(-int64(cap(p.b)))
			p.b, p.at = p.b[:0], 0
			a.spare = p
		}
	}
	if n > 0 {
		notify(a.room)
		return n, nil
	}
	return 0, a.err
}
