// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"time"

	"lateral/cache"
	"lateral/changelog"
	"lateral/jcs"
)

// run keeps a connection to the peer for as long as ctx lasts.
func (p *peer) run(ctx context.Context) {
	wait := redialFirst
	p.feedsFor(p.generation()) // from now on, however long it takes to reach it
	for ctx.Err() == nil {
		if p.opened(ctx); ctx.Err() != nil {
			return
		}
		began := time.Now()
		err := p.connect(ctx)
		if errors.Is(err, errLateral) {
			p.l.turned(p)
			return
		}
		p.ended(err)
		if time.Since(began) > redialMost {
			wait = redialFirst
		}
		p.rest(ctx, time.Duration(float64(p.pauseAfter(err, wait))*(0.75+rand.Float64()/2)))
		wait = min(2*wait, redialMost)
	}
}

func (p *peer) ended(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if why := err.Error(); why != p.why {
		p.l.c.Logger.Info("jcs: no connection to a Java node", "addr", p.addr, "generation", p.gen.Family, "why", why)
		p.why = why
	}
	p.conn = nil
}

// turned takes in that a configured address is Lateral's after all.
func (l *Links) turned(p *peer) {
	l.mu.Lock()
	if l.peers[p.addr] == p {
		delete(l.peers, p.addr)
	}
	l.lateral[p.addr] = true
	l.mu.Unlock()
	l.c.Logger.Info("jcs: a Lateral node listens where a Java node did", "addr", p.addr)
	l.freed()
}

func (l *Links) freed() {
	if l.c.Freed != nil {
		l.c.Freed()
	}
}

// connect dials, and writes what the peer is to hear until that fails.
func (p *peer) connect(ctx context.Context) error {
	p.mu.Lock()
	p.tried = time.Now()
	p.mu.Unlock()
	dctx, cancel := context.WithTimeout(ctx, p.l.c.OpenTime)
	defer cancel()
	conn, err := p.l.c.Dial(dctx, p.addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	p.l.counters.dialled.Add(1)
	g := p.generation()
	p.mu.Lock()
	p.conn, p.since, p.why, p.at = conn, time.Now(), "", addrOf(conn.RemoteAddr().String())
	p.mu.Unlock()
	p.l.c.Logger.Info("jcs: connected to a Java node", "addr", p.addr, "generation", g.Family)
	s := &session{peer: p, g: g, conn: conn, w: jcs.NewWriter(g, p.l.c.Serializer), look: firstLook}
	work, stop := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		stop(s.read())
	}()
	err = s.write(work)
	stop(err)
	conn.Close()
	<-done
	if cause := context.Cause(work); cause != nil {
		err = cause
	}
	return err
}

// A session is one connection that we dialled.
type session struct {
	*peer
	g    *jcs.Generation
	conn net.Conn
	w    *jcs.Writer

	feeds   []*feed
	look    time.Duration // see firstLook
	written int64         // bytes
	flight  []flight      // written, and not known to have arrived
}

// A flight is where in the connection's bytes a change of a feed ends.
type flight struct {
	end  int64
	feed *feed
	seq  uint64
}

var errLateral = errors.New("a Lateral node listens there")

// read notices the end at once. Nothing is asked on this connection, so a Java
// node has nothing to say.
func (s *session) read() error {
	in := &magicReader{conn: s.conn}
	_, err := io.Copy(io.Discard, in)
	switch {
	case in.magic:
		return errLateral
	case err == nil:
		return errors.New("the Java node closed the connection: its process has ended, or it did not understand us")
	}
	return err
}

// A magicReader notices the answer of a Lateral node.
type magicReader struct {
	conn  net.Conn
	magic bool
}

func (r *magicReader) Read(b []byte) (int, error) {
	n, err := r.conn.Read(b)
	if n >= 1 && b[0] == Magic[0] && n <= len(Magic) && string(b[:n]) == Magic[:n] {
		r.magic = true
		return 0, io.EOF
	}
	return n, err
}

// write follows the log.
func (s *session) write(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { s.conn.SetDeadline(time.Unix(1, 0)) })()
	if err := s.hello(); err != nil {
		return err
	}
	if err := s.settled(ctx); err != nil {
		return err
	}
	s.feeds = s.feedsFor(s.g)
	for _, f := range s.feeds {
		if err := s.begin(f); err != nil {
			return err
		}
	}
	for {
		if err := s.next(ctx); err != nil {
			return err
		}
	}
}

// settled waits until the Java node has made its regions; questions are put
// meanwhile (ask.go). JCS listens, and announces, before it enters the regions of its
// configuration: what it is told in between goes into a region made for the
// message, which the configured one then replaces (bytecode of 2.2.1 and 3.2.1:
// CompositeCacheConfigurator.parseRegions calls parseRegion, which opens the
// listener, and then CompositeCacheManager.addCache, which is a plain put into
// the map that LateralTCPListener asks by getCache). Nothing tells whether a
// node that can be reached has only just begun to listen, so each connection
// waits. The log keeps what does.
func (s *session) settled(ctx context.Context) error {
	if s.l.c.Settle == 0 {
		return nil
	}
	select {
	case <-time.After(s.l.c.Settle):
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// hello asks a configured peer whether it is Lateral by now.
func (s *session) hello() error {
	s.mu.Lock()
	ask := s.configured
	s.mu.Unlock()
	if !ask {
		return nil
	}
	return s.send(s.l.probe())
}

// begin puts the cursor behind what the peer is known to have.
func (s *session) begin(f *feed) (err error) {
	from := f.acked + 1
	f.cur, err = f.log.Cursor(from)
	for errors.Is(err, changelog.ErrGap) {
		next := f.log.Next()
		if f.cur, err = f.log.Cursor(next); err == nil {
			s.arrived(f, next-1) // as far as it ever will; a gap is counted once
			s.l.counters.gaps.Add(1)
			s.l.ledger.note(cause{kind: cache.LossUntold, from: f.from, to: s.g.Family, why: "the node was away for longer than the log holds"}, int64(next-from), "", s.l.c.Now())
			s.l.c.Logger.Warn("jcs: a Java node was away for longer than the log holds: it keeps what it has, and JCS has no way to tell it",
				"addr", s.addr, "changes_lost", next-from)
		}
	}
	return err
}

// next writes what there is, or waits until there is something.
func (s *session) next(ctx context.Context) error {
	wrote := false
	for _, f := range s.feeds {
		records, first, count, err := f.cur.Read()
		switch {
		case errors.Is(err, changelog.ErrGap):
			f.acked = f.cur.Seq() - 1
			err = s.begin(f)
			wrote = true
		case count > 0:
			wrote = true
			err = s.changes(ctx, f, string(records), first)
		}
		if err != nil {
			return err
		}
	}
	if wrote {
		return nil
	}
	own := s.feeds[0].cur
	if s.settle(); len(s.flight) == 0 {
		s.look = firstLook
		own.Wait(ctx, s.poke)
		return ctx.Err()
	}
	look, cancel := context.WithTimeout(ctx, s.look) // has it arrived by now?
	defer cancel()
	s.look = min(2*s.look, lastLook)
	own.Wait(look, s.poke)
	return ctx.Err()
}

// How often the kernel is asked about what is on its way, while there is
// nothing else to do.
const (
	firstLook = 2 * time.Millisecond
	lastLook  = time.Second
)

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// arrived notes that the peer's kernel has everything of a feed up to a change.
func (s *session) arrived(f *feed, seq uint64) {
	if seq > f.acked {
		f.acked = seq
		if f == s.own {
			s.acked.Store(seq)
		}
	}
}

// settle asks the kernel how much has been acknowledged.
func (s *session) settle() {
	if len(s.flight) == 0 {
		return
	}
	unacked, _, ok := queued(s.conn)
	if !ok {
		unacked = 0 // this system does not say: written is all that is known
	}
	n := 0
	for n < len(s.flight) && s.flight[n].end <= s.written-int64(unacked) {
		n++
	}
	for _, f := range s.flight[:n] {
		s.arrived(f.feed, f.seq)
	}
	s.flight = append(s.flight[:0], s.flight[n:]...)
}

// put writes bytes of whole messages, and keeps frames apart.
func (s *session) put(ctx context.Context, b []byte, f *feed, seq uint64) error {
	if s.g.Framed {
		if err := s.clear(ctx); err != nil {
			return err
		}
	}
	n, err := s.conn.Write(b)
	s.written += int64(n)
	s.l.counters.bytesOut.Add(int64(n))
	if err != nil {
		return fmt.Errorf("after %d of %d bytes: %w", n, len(b), err)
	}
	if f != nil {
		s.flight = append(s.flight, flight{s.written, f, seq})
		if len(s.flight) > maxFlight {
			s.settle()
		}
	}
	return nil
}

// maxFlight is how many messages are kept in mind before the kernel is asked.
const maxFlight = 256

// clear waits until the kernel has sent all that was written: then the next
// frame begins a segment, and its length can't be split. While the peer does
// not read, this waits, and the peer falls behind in the log.
func (s *session) clear(ctx context.Context) error {
	for wait := 20 * time.Microsecond; ; wait = min(2*wait, 5*time.Millisecond) {
		_, unsent, ok := queued(s.conn)
		if !ok || unsent == 0 {
			return nil
		}
		pause(ctx, wait)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
}
