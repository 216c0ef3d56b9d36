// SPDX-License-Identifier: Apache-2.0

package link

import (
	"context"
	"time"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

// A question is put to a Java node by its session.
type question struct {
	region, key string
	answer      chan *cache.Element // has room for one; nil is a miss
}

// Fetch asks the connected Java nodes whether they hold an element, all at
// once, and returns the first that one has. A miss costs AnswerTime where the
// nodes are JCS 2 to 4, which do not answer it.
func (l *Links) Fetch(ctx context.Context, region, key string) (cache.Element, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, l.c.AnswerTime)
	defer cancel()
	q := &question{region: region, key: key, answer: make(chan *cache.Element, maxPeers)}
	open := 0
	for _, p := range l.list() {
		if !p.connected() || !p.shares(region) {
			continue
		}
		select {
		case p.asks <- q:
			open++
		default: // it has questions enough
			continue
		}
		p.wake()
	}
	for ; open > 0; open-- {
		select {
		case e := <-q.answer:
			if e != nil {
				return *e, true, nil
			}
		case <-ctx.Done():
			return cache.Element{}, false, nil // a miss, as in JCS
		}
	}
	return cache.Element{}, false, nil
}

// ask puts the questions that wait, one after the other, as answers have no
// number.
func (s *session) ask(ctx context.Context) error {
	for {
		select {
		case q := <-s.asks:
			e, err := s.question(ctx, q)
			q.answer <- e
			if err != nil {
				return err
			}
		default:
			return nil
		}
	}
}

func (s *session) question(ctx context.Context, q *question) (*cache.Element, error) {
	key, err := s.g.JavaKey(q.region, q.key)
	if err != nil {
		return nil, nil
	}
	select {
	case <-s.replies: // of a question that nobody waits for any more
	default:
	}
	s.l.counters.asked.Add(1)
	m := &jcs.Message{Op: jcs.Get, Hash: jcs.NoHash, Element: jcs.Element{Region: q.region, Key: key}}
	if s.g == jcs.JCS4 {
		m.Requester = s.l.c.Requester
	}
	if err := s.send(m); err != nil {
		return nil, err
	}
	late := time.NewTimer(s.l.c.AnswerTime)
	defer late.Stop()
	for {
		select {
		case v := <-s.replies:
			e, mine := s.reply(v, q)
			if mine {
				return e, nil
			}
		case <-late.C:
			return nil, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

// reply reads an answer; mine is false for that to an earlier question.
func (s *session) reply(v javaser.Value, q *question) (e *cache.Element, mine bool) {
	if v == nil {
		return nil, true
	}
	je, err := jcs.ParseElement(v)
	if err != nil {
		return nil, true
	}
	key, _, err := jcs.KeyOf(je.Key)
	if err != nil || key != q.key || je.Region != q.region {
		return nil, false
	}
	value, err := jcs.ValueOf(je.Value)
	if err != nil || je.Attr == nil {
		return nil, true
	}
	a := je.Attr.Cache()
	return &cache.Element{Key: key, Value: value, Attr: &a, Accessed: je.Attr.Accessed.UnixMilli(),
		Stamp: cache.StampAt(je.Attr.Created.UnixMilli(), cache.NodeID(s.id()))}, true
}

func (p *peer) id() int64 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.requester
}
