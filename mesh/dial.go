// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"time"

	"lateral/cache"
)

const (
	minBackoff = 50 * time.Millisecond
	maxBackoff = 2 * time.Second
	// maxMissed is in its place for a peer that there was a link with. When a
	// network heals that peer is back without a word, and a pause is all that
	// keeps the two from being equal again. A hundred nodes that miss a killed
	// one refuse themselves some 300 connections a second, on its host.
	maxMissed = 300 * time.Millisecond
)

// pursueAll keeps one pursuit going for every peer that the directory names.
func (m *Mesh) pursueAll(ctx context.Context) error {
	for {
		known := m.c.Directory.Peers()
		m.supersede(known)
		m.census() // before anybody is dialled
		wanted := map[string]Peer{}
		for _, p := range known {
			if p.ID != m.c.ID && len(p.Addrs) > 0 && (p.Receive || p.ID == 0) {
				wanted[key(p)] = p
			}
		}
		m.letGo(wanted)
		m.mu.Lock()
		for k, p := range wanted {
			if m.pursuits[k] == nil && !m.closing {
				one, cancel := context.WithCancel(ctx)
				m.pursuits[k] = cancel
				m.group.Go(func() error { m.pursue(ctx, one, k, p.ID); return nil })
			}
		}
		m.mu.Unlock()
		rest := time.Now().Add(time.Duration(len(wanted)) * pursuePausePerPeer)
		select {
		case <-ctx.Done():
			return nil
		case <-m.c.Directory.Changed():
		}
		if d := time.Until(rest); d > 0 {
			pause(ctx, d)
		}
	}
}

// letGo ends the pursuits of whom nobody wants, and what was said of them.
func (m *Mesh) letGo(wanted map[string]Peer) {
	explained := false
	m.mu.Lock()
	for k, cancel := range m.pursuits {
		if _, ok := wanted[k]; !ok {
			cancel()
			explained = explained || m.failures[k] != ""
			delete(m.pursuits, k)
			delete(m.failures, k)
		}
	}
	m.mu.Unlock()
	if explained {
		m.rowChanged()
	}
}

// pursuePausePerPeer gathers the news of the directory where one follows the
// other: while a cluster of N starts there are N, and what follows from each is
// looked up among all.
const pursuePausePerPeer = 20 * time.Microsecond

func key(p Peer) string {
	if p.ID != 0 {
		return p.ID.String()
	}
	return p.Addrs[0]
}

// addrs returns where a pursued peer may be reached by now.
func (m *Mesh) addrs(k string, id cache.NodeID) []string {
	if id != 0 {
		p, _ := m.c.Directory.Peer(id)
		return p.Addrs
	}
	for _, p := range m.c.Directory.Peers() {
		if len(p.Addrs) > 0 && key(p) == k {
			return p.Addrs
		}
	}
	return nil
}

// called is the name of a pursued peer for people, as far as it is known.
func (m *Mesh) called(k string) string {
	for _, p := range m.c.Directory.Peers() {
		if len(p.Addrs) > 0 && key(p) == k && p.Host != "" {
			return fmt.Sprintf("%.64s/%.64s.%.64s@%s", p.Host, p.Service, p.Endpoint, p.Addrs[0])
		}
	}
	return k
}

// supersede looks for peers that the directory has forgotten. One that had a
// link and never said goodbye may have taken unsent removals with it.
func (m *Mesh) supersede(known []Peer) {
	believed := make(map[cache.NodeID]bool, len(known))
	for _, p := range known {
		believed[p.ID] = true
	}
	var lost []*peer
	m.mu.Lock()
	for id, p := range m.peers {
		if believed[id] || p.link() != nil {
			continue
		}
		if p.mourn() {
			lost = append(lost, p)
		}
		if time.Since(p.touched) > keepForgotten && m.frontier.Ended(id) { // until then it is waited for, by its name
			delete(m.peers, id)
		}
	}
	m.mu.Unlock()
	for _, p := range lost {
		m.c.Logger.Info("a peer is gone without a goodbye: what it removed last is unknown, invalidated regions start empty",
			"peer", p.name(), "dropped", m.dropStale())
	}
}

// keepForgotten is how long a peer without a link that nobody believes in is
// remembered: it may be about to say hello.
const keepForgotten = time.Minute

// mourn reports, once, that a peer had a link and did not say goodbye.
func (p *peer) mourn() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.left || p.known.ID == 0 {
		return false
	}
	p.left = true
	return true
}

// wasLinked reports whether there ever was a link with a peer.
func (p *peer) wasLinked() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.known.ID != 0
}

func (p *peer) name() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return fmt.Sprintf("%.64s/%.64s.%.64s", p.known.Host, p.known.Service, p.known.Endpoint)
}

// pursue keeps a link to one peer: dials when there is none, with a back-off
// that is jittered so that a restarted cluster does not dial in step.
//
// A dial that has begun goes on when the pursuit ends, until all does: its peer may have become
// known by its id meanwhile, and is pursued by that name from now on.
func (m *Mesh) pursue(all, ctx context.Context, k string, id cache.NodeID) {
	backoff := minBackoff
	m.firstMove(ctx, id)
	for ctx.Err() == nil {
		if id != 0 {
			m.peer(id).waitGone(ctx)
			if ctx.Err() != nil {
				return
			}
		}
		if m.isClosing() {
			return
		}
		began := time.Now()
		addrs := m.addrs(k, id)
		if len(addrs) == 0 { // the directory has let go of it: pursueAll is about to
			pause(ctx, maxBackoff)
			continue
		}
		t := m.turn(ctx)
		if t == nil {
			return
		}
		if id != 0 && m.peer(id).link() != nil {
			t.over()
			continue
		}
		l, err := m.dialAny(all, addrs, t)
		t.over()
		switch {
		case err != nil && ctx.Err() != nil:
			return
		case err == nil:
			m.note(k, "")
			m.serveLink(l)
			select {
			case <-l.done:
			case <-ctx.Done():
			}
		case errors.Is(err, errSelf), errors.Is(err, cache.ErrClosed):
			return
		case errors.Is(err, errDuplicate):
			m.note(k, "")
		default:
			m.note(k, err.Error())
		}
		if time.Since(began) > m.c.LinkTimeout {
			backoff = minBackoff
		}
		most := maxBackoff
		if id != 0 && m.peer(id).wasLinked() {
			most = m.missedAtMost()
		}
		backoff = min(backoff, most)
		pause(ctx, backoff/2+rand.N(backoff))
		backoff = min(2*backoff, most)
	}
}

func pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}

// waitLinked gives a peer some time to dial us.
func (m *Mesh) waitLinked(ctx context.Context, id cache.NodeID, d time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	p := m.peer(id)
	for p.link() == nil && ctx.Err() == nil {
		p.mu.Lock()
		news, active := p.news, p.active
		p.mu.Unlock()
		if active != nil {
			return
		}
		select {
		case <-news:
		case <-ctx.Done():
		}
	}
}

// note remembers why a pursuit has no link, for status, and logs a change.
func (m *Mesh) note(k, reason string) {
	m.mu.Lock()
	old := m.failures[k]
	if m.pursuits[k] == nil {
		m.mu.Unlock()
		return
	}
	m.failures[k] = reason
	m.mu.Unlock()
	if reason != "" && reason != old {
		m.c.Logger.Warn("no link", "peer", m.called(k), "cause", reason)
	}
	if reason != old {
		m.rowChanged()
	}
}

// dialAny tries addresses in turn until one leads to an adopted link.
func (m *Mesh) dialAny(ctx context.Context, addrs []string, t *leave) (l *link, err error) {
	for _, a := range addrs {
		if l, err = m.dial(ctx, a, t); err == nil || errors.Is(err, errSelf) || errors.Is(err, errDuplicate) {
			return l, err
		}
		m.c.Directory.Unreachable(a, err)
	}
	return nil, err
}

// dial connects, says hello and adopts the link. From its adoption on, the link
// belongs to the caller, who must serve it: neither the time to open it nor
// the end of ctx, which may come of what dialling it taught us, cuts it then.
func (m *Mesh) dial(ctx context.Context, addr string, t *leave) (*link, error) {
	m.counters.dialled.Add(1)
	dctx, cancel := context.WithTimeout(ctx, m.c.OpenTimeout)
	defer cancel()
	conn, err := m.c.Dial(dctx, addr)
	if err != nil {
		return nil, dialError(addr, err)
	}
	t.connected(m.c.OpenTimeout / 2)
	stop := context.AfterFunc(dctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	l, err := m.introduce(conn)
	if !stop() && err == nil {
		err = dctx.Err()
	}
	switch {
	case errors.Is(err, errSelf):
		m.c.Directory.Bind(addr, m.c.ID)
	case errors.Is(err, errDuplicate):
		m.turnedAway(addr, err)
	case err == nil:
		conn.SetDeadline(time.Time{})
		switch err = m.adopt(l); {
		case errors.Is(err, errDuplicate):
			m.turnAway(conn, goaway{Reason: err.Error(), Duplicate: true})
		case errors.Is(err, cache.ErrClosed): // else the peer took this for a death
			m.turnAway(conn, m.goodbye(m.peer(cache.NodeID(l.peerHello.ID)), &l.peerHello))
		}
		m.c.Directory.Bind(addr, cache.NodeID(l.peerHello.ID))
	}
	if err != nil {
		conn.Close()
		return nil, dialError(addr, err)
	}
	return l, nil
}

// turnedAway takes in that there is a link already with whoever listens at an address: it has
// said no hello then, but who it is. Without that, an address that the configuration gives by
// name, or that a former life of the peer had, would be dialled, and missed, for ever.
func (m *Mesh) turnedAway(addr string, err error) {
	var who linkedAlready
	if errors.As(err, &who) && m.hasLink(who.id) {
		m.c.Directory.Bind(addr, who.id)
	}
}

// linkedAlready is errDuplicate as a peer says it; id is 0 if it is older than that.
type linkedAlready struct{ id cache.NodeID }

func (linkedAlready) Error() string { return errDuplicate.Error() }
func (linkedAlready) Unwrap() error { return errDuplicate }

func dialError(addr string, err error) error {
	switch {
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded):
		return fmt.Errorf("%s does not answer: the host is down, its process is stopped or a firewall drops TCP to that port", addr)
	case isRefused(err):
		return fmt.Errorf("%s refuses connections: nothing listens on that port", addr)
	}
	return fmt.Errorf("%s: %w", addr, cause(err))
}

// cause takes the addresses off a network error: the local port is another
// each time, and would make every line of a repeated failure news.
func cause(err error) error {
	var op *net.OpError
	if errors.As(err, &op) && op.Err != nil {
		return op.Err
	}
	return err
}

// introduce is the dialler's side of the two hellos.
func (m *Mesh) introduce(conn net.Conn) (*link, error) {
	own := m.hello(m.dials.Add(1))
	conn.SetDeadline(time.Now().Add(m.c.OpenTimeout))
	if _, err := conn.Write(appendJSON([]byte(Magic), frameHello, own)); err != nil {
		return nil, err
	}
	in := newInput(conn)
	h, err := m.readHello(in)
	if err != nil {
		return nil, err
	}
	if err := m.check(h); err != nil {
		return nil, err
	}
	return m.newLink(conn, true, own, h, in), nil
}

// readHello reads the peer's first frame: its hello, or why it refuses us.
func (m *Mesh) readHello(in *input) (*hello, error) {
	t, p, err := readFrame(in, nil)
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the peer closed the connection instead of saying hello")
	case err != nil:
		return nil, fmt.Errorf("hello: %w", err)
	case t == frameGoaway:
		var g goaway
		if err := decodeJSON(t, p, &g); err != nil {
			return nil, err
		}
		if g.Duplicate {
			return nil, linkedAlready{cache.NodeID(g.ID)}
		}
		return nil, errGoodbye{g}
	case t != frameHello:
		return nil, fmt.Errorf("%w: a %s frame instead of a hello", ErrProtocol, t)
	}
	var h hello
	if err := decodeJSON(t, p, &h); err != nil {
		return nil, err
	}
	return &h, nil
}
