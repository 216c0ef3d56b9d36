// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"lateral/cache"
)

const (
	// surveyTime is how long an endpoint listens in a survey. Members begin at
	// different times, by what a question takes to travel, and each asks several
	// times in it.
	surveyTime = 2 * time.Second
	// dialTime is how long a connection may take: a first packet that is lost is
	// sent again after a second.
	dialTime = 1500 * time.Millisecond
	// maxDialled bounds the addresses dialled in one survey, and dialAtOnce how
	// many at one time.
	maxDialled = 512
	dialAtOnce = 32
)

// A survey is one endpoint's part of a survey. Who asks while one is made gets
// the same: however many ask, what is sent and dialled is that of one.
type survey struct {
	mu   sync.Mutex // guards now
	now  chan struct{}
	last cache.Surveyed // of the one whose now is closed
}

// Survey has all members of each of this node's groups send, listen and dial at
// one time, over the links that there are, and returns what each heard and
// reached. It takes some seconds, and is bounded: per member a few announcements
// and one connection to each other, closed at once. Endpoints that only listen
// have no part in it.
func (n *Node) Survey(ctx context.Context) []cache.Survey {
	members := slices.DeleteFunc(slices.Clone(n.endpoints), func(e *endpoint) bool { return e.c.ListenOnly })
	out := make([]cache.Survey, len(members))
	var all sync.WaitGroup
	for i, e := range members {
		all.Go(func() { out[i] = e.mesh.Survey(ctx) })
	}
	all.Wait()
	return out
}

// surveyed is this endpoint's own part.
func (e *endpoint) surveyed(ctx context.Context) cache.Surveyed {
	s := &e.survey
	s.mu.Lock()
	if now := s.now; now != nil {
		s.mu.Unlock()
		select {
		case <-now:
		case <-ctx.Done():
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.last
	}
	now := make(chan struct{})
	s.now = now
	s.mu.Unlock()
	word := e.lookAround(e.n.life) // others may wait for it, too: it does not end with who asked first
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last, s.now = word, nil
	close(now)
	return word
}

// lookAround listens and dials.
func (e *endpoint) lookAround(ctx context.Context) (out cache.Surveyed) {
	out.Party = cache.Party{Host: e.n.host, Service: e.n.service, Endpoint: e.name, PID: e.n.pid}
	out.Receive = e.c.Receive
	if e.listener != nil {
		out.Addr = e.listener.Addr().String()
	}
	var both sync.WaitGroup
	both.Go(func() { out.Reached = e.dialAll(ctx) })
	if e.conn != nil {
		for _, h := range e.disc.Listen(ctx, surveyTime) {
			out.Heard = append(out.Heard, cache.SurveyedPacket{ID: h.ID.String(), Interface: h.Interface, From: h.Addr.String(), Packets: h.Packets})
		}
		for _, s := range e.conn.Status() {
			x := cache.SurveyedInterface{Name: s.Interface, MTU: s.MTU, Reason: s.Reason}
			if s.Addr.IsValid() {
				x.Addr = s.Addr.String()
			}
			out.Interfaces = append(out.Interfaces, x)
		}
	}
	both.Wait()
	return out
}

// dialAll connects to every member at each of its addresses, measures the way
// and hangs up.
func (e *endpoint) dialAll(ctx context.Context) []cache.SurveyedDial {
	var all []cache.SurveyedDial
	for _, m := range e.disc.Members() {
		for _, a := range m.Addrs {
			if len(all) < maxDialled && !(m.ID == 0 && e.javaNode(m.Addrs)) {
				d := cache.SurveyedDial{Addr: a}
				if m.ID != 0 {
					d.ID = m.ID.String()
				}
				all = append(all, d)
			}
		}
	}
	measuring, cancel := context.WithTimeout(ctx, surveyTime) // of the rest nothing is known
	defer cancel()
	room := make(chan struct{}, dialAtOnce)
	var each sync.WaitGroup
	for i := range all {
		each.Go(func() {
			room <- struct{}{}
			defer func() { <-room }()
			e.dialOne(ctx, measuring, &all[i])
		})
	}
	each.Wait()
	return all
}

func (e *endpoint) dialOne(ctx, measuring context.Context, d *cache.SurveyedDial) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	begin := time.Now()
	conn, err := e.n.network.Dial(ctx, d.Addr)
	d.Took = time.Since(begin)
	if err != nil {
		d.How, d.Why = dialFailure(err), err.Error()
		if op := (*net.OpError)(nil); errors.As(err, &op) && op.Err != nil {
			d.Why = op.Err.Error() // without the addresses
		}
		return
	}
	defer conn.Close()
	d.Local = hostOf(conn.LocalAddr())
	if d.ID != "" { // a member, and so not a Java node
		e.measure(measuring, conn, d)
	}
}

func dialFailure(err error) cache.DialFailure {
	ne := net.Error(nil)
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		return cache.DialRefused
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &ne) && ne.Timeout():
		return cache.DialSilent
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return cache.DialUnreachable
	}
	return cache.DialFailed
}

// hostOf is an address without its port.
func hostOf(a net.Addr) string {
	ap, err := netip.ParseAddrPort(a.String())
	if err != nil {
		return a.String()
	}
	return ap.Addr().Unmap().String()
}
