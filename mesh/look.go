// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"lateral/cache"
	"lateral/converge"
)

// lookVersion is the first that answers looks.
const lookVersion = 4

const (
	// maxLooks is how many looks of one link are worked on at once: each may
	// pass over a whole region.
	maxLooks = 4
	// maxLookKeys bounds the keys of one look: what is known of each is about
	// 600 bytes of JSON.
	maxLookKeys = 512
	// maxLookBytes bounds the keys of one frame, either way; base64 adds a third.
	maxLookBytes = 2 << 20
	// settlePatience bounds how long a settle waits.
	settlePatience = 5 * time.Second
	// maxLookLevel is of the largest sketch that a look asks for: 384 KiB.
	maxLookLevel = 14
)

// Kinds of looks.
const (
	lookSum    = "sum"    // sum of a digest, and a sketch if it differs
	lookFind   = "find"   // keys of words
	lookKeys   = "keys"   // what is known of keys
	lookSettle = "settle" // answer when all that you have written is everywhere
	lookSurvey = "survey" // whom do you hear and reach? Of is whom to ask, if not you
)

// look is a question, saw its answer.
type look struct {
	Kind   string   `json:"kind"`
	Region string   `json:"region,omitempty"`
	From   int      `json:"from,omitempty"` // buckets
	To     int      `json:"to,omitempty"`
	Sum    [2]id    `json:"sum,omitzero"` // of the asker's digest there
	Level  int      `json:"level,omitempty"`
	Salt   id       `json:"salt,omitzero"`
	Words  []byte   `json:"words,omitempty"`
	Keys   [][]byte `json:"keys,omitempty"`
	Of     id       `json:"of,omitzero"`
}

type saw struct {
	Error    string        `json:"error,omitempty"`
	Sum      [2]id         `json:"sum,omitzero"`
	Elements int           `json:"elements,omitempty"`
	Sketch   []byte        `json:"sketch,omitempty"`
	Keys     [][]byte      `json:"keys,omitempty"`
	More     bool          `json:"more,omitempty"` // there are more keys than a frame holds
	Known    []cache.Known `json:"known,omitempty"`

	Survey *cache.Surveyed `json:"survey,omitempty"`
}

// A Knower is a Region that tells what it knows of a key.
type Knower interface {
	Known(now int64, key string) cache.Known
	Size() int // elements of any state
}

var (
	errTooOld = errors.New("it speaks an older version of the protocol, which cannot be asked")
	errGone   = errors.New("its link ended while it was asked")
	errSilent = errors.New("it did not answer in time")
)

// inspect asks one peer and waits for the answer.
func (l *link) inspect(ctx context.Context, q look) (*saw, error) {
	if l.peerHello.Version < lookVersion {
		return nil, errTooOld
	}
	ctx, cancel := context.WithTimeout(ctx, settlePatience+time.Second)
	defer cancel()
	answers := make(chan got, 1)
	g := &l.m.gets
	number := g.ask(answers)
	defer g.forget(number)
	if !g.on(l, number) {
		return nil, errGone
	}
	l.queueFrame(appendJSONOf(frameLook, number, q))
	select {
	case a := <-answers:
		switch {
		case a.saw == nil:
			return nil, errGone
		case a.saw.Error != "":
			return nil, errors.New(clean(a.saw.Error, maxReason))
		}
		return a.saw, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: %w", errSilent, ctx.Err())
	}
}

// appendJSONOf makes a frame of a number and JSON.
func appendJSONOf(t frameType, number uint64, v any) []byte {
	p, err := json.Marshal(v)
	if err != nil { // none of our types can fail
		panic(err)
	}
	return appendFrame(nil, t, append(binary.BigEndian.AppendUint64(nil, number), p...))
}

// takeLook answers a peer's look, beside the read loop.
func (l *link) takeLook(s *scan, p []byte) error {
	number := s.uint64()
	if err := s.err(frameLook); err != nil {
		return err
	}
	var q look
	if err := decodeJSON(frameLook, p[8:], &q); err != nil {
		return err
	}
	if l.looks.Add(1) > maxLooks {
		l.looks.Add(-1)
		l.queueFrame(appendJSONOf(frameSaw, number, saw{Error: "it is busy with other looks"}))
		return nil
	}
	l.m.group.Go(func() error {
		defer l.looks.Add(-1)
		a, err := l.m.see(l.m.work, &q)
		if err != nil {
			a = &saw{Error: err.Error()}
		}
		l.queueFrame(appendJSONOf(frameSaw, number, a))
		return nil
	})
	return nil
}

func (l *link) takeSaw(s *scan, p []byte) error {
	number := s.uint64()
	if err := s.err(frameSaw); err != nil {
		return err
	}
	a := new(saw)
	if err := decodeJSON(frameSaw, p[8:], a); err != nil {
		a = &saw{Error: err.Error()} // people ask again; the link is for more than them
	}
	l.m.gets.deliver(l, number, got{saw: a})
	return nil
}

// see answers a look from this node.
func (m *Mesh) see(ctx context.Context, q *look) (*saw, error) {
	if q.Kind == lookSettle {
		ctx, cancel := context.WithTimeout(ctx, settlePatience)
		defer cancel()
		return &saw{}, m.delivered(ctx)
	}
	if q.Kind == lookSurvey {
		s, err := m.surveyed(ctx, cache.NodeID(q.Of))
		return &saw{Survey: s}, err
	}
	r := m.held(q.Region) // a question makes no region
	k, knows := r.(Knower)
	switch {
	case r == nil:
		return nil, fmt.Errorf("it has no region %.100s", q.Region)
	case !knows:
		return nil, fmt.Errorf("its region %.100s cannot tell", q.Region)
	case q.Kind == lookKeys:
		return m.knows(k, q.Keys)
	case r.Digest() == nil:
		return nil, fmt.Errorf("in its region %.100s values do not travel", q.Region)
	case q.From < 0 || q.From > q.To || q.To > converge.Buckets || q.Level < 0 || q.Level > maxLookLevel:
		return nil, fmt.Errorf("a look at buckets %d to %d of %d by a sketch of level %d", q.From, q.To, converge.Buckets, q.Level)
	}
	p := part{r, converge.Range{From: q.From, To: q.To}}
	switch q.Kind {
	case lookSum:
		sum := r.Digest().Sum(p.g)
		a := &saw{Sum: [2]id{id(sum[0]), id(sum[1])}, Elements: k.Size()}
		if a.Sum != q.Sum {
			a.Sketch = appendWords(nil, p.sketch(q.Level, uint64(q.Salt)))
		}
		return a, nil
	case lookFind:
		return m.finds(p, q)
	}
	return nil, fmt.Errorf("a look of kind %.40q", q.Kind)
}

func (m *Mesh) knows(k Knower, keys [][]byte) (*saw, error) {
	if len(keys) > maxLookKeys {
		return nil, fmt.Errorf("a look at %d keys, at most %d are allowed", len(keys), maxLookKeys)
	}
	a := &saw{Known: make([]cache.Known, len(keys))}
	now := m.c.Now().UnixMilli()
	for i, key := range keys {
		a.Known[i] = k.Known(now, string(key))
	}
	return a, nil
}

func (m *Mesh) finds(p part, q *look) (*saw, error) {
	words := readWords(&scan{s: string(q.Words)}, converge.CellsOf(maxLookLevel))
	a, room := &saw{}, maxLookBytes
	for _, e := range converge.Find(p.r.Digest(), p.r, p.g, uint64(q.Salt), words, offered(m.c.Now())) {
		if room -= len(e.Key); room < 0 || len(a.Keys) >= maxSuspects {
			a.More = true
			break
		}
		a.Keys = append(a.Keys, []byte(e.Key))
	}
	return a, nil
}

// delivered returns when all that was written here before the call is with
// everybody linked, or something newer in its place; or when ctx ends.
func (m *Mesh) delivered(ctx context.Context) error {
	if err := m.logged(ctx); err != nil {
		return err
	}
	last := m.Logged()
	for _, p := range m.linked() {
		if err := p.waitHolds(ctx, last); err != nil {
			return err
		}
	}
	return nil
}

// logged returns when all that has a stamp by now is in the log: a removal of
// many shows in the region before that.
func (m *Mesh) logged(ctx context.Context) error {
	if m.c.Clock == nil {
		return nil
	}
	after := cache.StampAt(m.c.Now().UnixMilli()+1, 0).Time
	for m.c.Clock.Settled(m.c.Now().UnixMilli()) < after {
		if pause(ctx, time.Millisecond); ctx.Err() != nil {
			return fmt.Errorf("writers on %s do not end: %w", m.name(), ctx.Err())
		}
	}
	return nil
}

// name is how people know this endpoint.
func (m *Mesh) name() string { return m.c.Host + "/" + m.c.Service + "." + m.c.Endpoint }

// waitHolds waits until a peer has a change and all before it: by the log, or,
// of what fell off it, by a round of syncs that began after that.
func (p *peer) waitHolds(ctx context.Context, last uint64) error {
	for {
		p.mu.Lock()
		news, l, healed := p.news, p.active, p.lost.to <= p.healed
		p.mu.Unlock()
		switch {
		case l == nil:
			return fmt.Errorf("%s is no longer linked with %s", p.name(), p.m.name())
		case !l.peerHello.Receive, p.acked.Load() >= last && healed:
			return nil
		}
		select {
		case <-news:
		case <-ctx.Done():
			return fmt.Errorf("%s has acknowledged %d of %d changes of %s in time", p.name(), p.acked.Load(), last, p.m.name())
		}
	}
}
