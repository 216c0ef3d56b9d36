// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

const (
	maxAsking = 64               // questions to one Java node at one time
	maxIdle   = 2                // connections kept for the next question
	idleTime  = 30 * time.Second // for how long
)

// errBusy: as many questions wait for one node as may.
var errBusy = fmt.Errorf("%d questions wait for its answers already", maxAsking)

// Fetch asks the connected Java nodes whether they hold an element, all at
// once, and returns the first that one has. A miss costs AnswerTime where the
// nodes are JCS 2 to 4, which do not answer it.
func (l *Links) Fetch(ctx context.Context, region, key string) (cache.Element, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, l.c.AnswerTime)
	defer cancel()
	answers := make(chan *cache.Element, maxPeers) // nil is a miss
	open := 0
	for _, p := range l.list() {
		if p.connected() && p.shares(region) && l.start(ctx, func(ctx context.Context) { answers <- p.get(ctx, region, key) }) {
			open++
		}
	}
	for ; open > 0; open-- {
		select {
		case e := <-answers:
			if e != nil {
				return *e, true, nil
			}
		case <-ctx.Done():
			return cache.Element{}, false, nil // a miss, as in JCS
		}
	}
	return cache.Element{}, false, nil
}

// start runs f while Run does, and reports whether it does. The context of f
// ends with ctx, and with Run.
func (l *Links) start(ctx context.Context, f func(context.Context)) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.group == nil {
		return false
	}
	work := l.work
	l.group.Go(func() error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(work, cancel)()
		f(ctx)
		return nil
	})
	return true
}

// get asks for one element; nil is a miss, whatever the cause.
func (p *peer) get(ctx context.Context, region, key string) *cache.Element {
	g := p.generation()
	k, err := g.JavaKey(region, key)
	if err != nil {
		return nil
	}
	v, err := p.ask(ctx, g, jcs.Message{Op: jcs.Get, Element: jcs.Element{Region: region, Key: k}})
	if v == nil || err != nil {
		return nil
	}
	e, err := p.element(v)
	if err != nil || e.Key != key {
		return nil
	}
	return e
}

// element reads one that the peer answers with.
func (p *peer) element(v javaser.Value) (*cache.Element, error) {
	je, err := jcs.ParseElement(v)
	if err != nil {
		return nil, err
	}
	key, _, err := jcs.KeyOf(je.Key)
	if err != nil {
		return nil, err
	}
	value, err := jcs.ValueOf(je.Value)
	if err != nil {
		return nil, err
	}
	if je.Attr == nil {
		return nil, fmt.Errorf("%w: an element without attributes", jcs.ErrProtocol)
	}
	a := je.Attr.Cache()
	return &cache.Element{Key: key, Value: value, Attr: &a, Accessed: je.Attr.Accessed.UnixMilli(),
		Stamp: cache.StampAt(je.Attr.Created.UnixMilli(), cache.NodeID(p.id()))}, nil
}

func (p *peer) id() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requester
}

// An asking is a connection to a Java node for one question after the other.
// Answers have no number, and a miss may have none: after a question that was
// not answered it is closed.
type asking struct {
	conn    net.Conn
	g       *jcs.Generation
	w       *jcs.Writer
	answers *jcs.Replies
	expire  *time.Timer // while it is idle
}

// ask puts a question and returns the answer, of which nil is a miss. It has a
// connection of its own: changes are told meanwhile, and JCS 2, which closes
// each connection on which it has answered, goes on hearing them.
func (p *peer) ask(ctx context.Context, g *jcs.Generation, m jcs.Message) (javaser.Value, error) {
	select {
	case p.room <- struct{}{}:
		defer func() { <-p.room }()
	default:
		return nil, errBusy
	}
	p.l.counters.asked.Add(1)
	if m.Hash = jcs.NoHash; g == jcs.JCS4 && m.Op != jcs.GetKeySet {
		m.Requester = p.l.c.Requester
	}
	for {
		a := p.idle(g)
		fresh := a == nil
		if fresh {
			var err error
			if a, err = p.dialAsking(ctx, g); err != nil {
				return nil, err
			}
		}
		v, err := a.put(ctx, &m, &p.l.counters)
		if err == nil && g != jcs.JCS2 {
			p.keep(a)
			return v, nil
		}
		a.conn.Close()
		if err == nil || fresh || ctx.Err() != nil {
			return v, err
		}
		// The node has closed the kept one since.
	}
}

func (p *peer) dialAsking(ctx context.Context, g *jcs.Generation) (*asking, error) {
	dctx, cancel := context.WithTimeout(ctx, p.l.c.OpenTime)
	defer cancel()
	conn, err := p.l.c.Dial(dctx, p.addr)
	if err != nil {
		return nil, err
	}
	return &asking{conn: conn, g: g, w: jcs.NewWriter(g, p.l.c.Serializer), answers: jcs.NewReplies(conn, g.Framed, p.l.c.Serializer)}, nil
}

// errSilent: nothing tells a miss from a node that does not know the question.
var errSilent = errors.New("it has not answered in time")

func (a *asking) put(ctx context.Context, m *jcs.Message, c *counters) (javaser.Value, error) {
	stop := context.AfterFunc(ctx, func() { a.conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	b, err := a.w.Encode(m)
	if err != nil {
		return nil, err
	}
	n, err := a.conn.Write(b)
	c.bytesOut.Add(int64(n))
	var v javaser.Value
	if err == nil {
		v, err = a.answers.Next()
	}
	if err == nil && !stop() {
		err = os.ErrDeadlineExceeded // it answered, but the connection is spoilt for the next
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		err = errSilent
	}
	return v, err
}

// idle returns a kept connection of the generation, nil if there is none.
func (p *peer) idle(g *jcs.Generation) *asking {
	p.mu.Lock()
	defer p.mu.Unlock()
	for n := len(p.kept); n > 0; n = len(p.kept) {
		a := p.kept[n-1]
		p.kept = p.kept[:n-1]
		if a.expire.Stop() && a.g == g {
			return a
		}
		a.conn.Close()
	}
	return nil
}

// keep keeps a connection for the next question, for a while.
func (p *peer) keep(a *asking) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.over || len(p.kept) >= maxIdle {
		a.conn.Close()
		return
	}
	a.expire = time.AfterFunc(idleTime, func() { a.conn.Close() }) // and stays in kept: whoever takes it next sees
	p.kept = append(p.kept, a)
}

// askedEnough closes what was kept, and has nothing kept any more.
func (p *peer) askedEnough() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, a := range p.kept {
		a.expire.Stop()
		a.conn.Close()
	}
	p.kept, p.over = nil, true
}
