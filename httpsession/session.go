// SPDX-License-Identifier: Apache-2.0

package httpsession

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"maps"
	"strconv"
	"sync"
	"time"

	"lateral"
	"lateral/cache"
	"lateral/fields"
)

// began is the field that holds when a session began, ms since 1970. No field
// of the program's has an empty name.
const began = ""

// A Session is that of one request. Its methods may be called by many
// goroutines until the handler returns.
type Session struct {
	s *Sessions

	mu    sync.Mutex // guards what follows
	came  string     // the id that the browser has
	id    string     // "" is none yet
	token string     // of the last write that is known
	held  map[string]string
	since int64 // when it began, 0 where it has not

	writes map[string]*string // what the request changed; nil takes a field away
	old    string             // the id before Renew
	ended  bool
	late   bool // the answer has begun
}

// load reads the session of an id; one that is not there leaves an empty one.
func (s *Sessions) load(ctx context.Context, id, token string) (*Session, error) {
	ses := &Session{s: s, came: id, held: map[string]string{}, writes: map[string]*string{}}
	if id == "" {
		return ses, nil
	}
	rep, err := s.store.Do(lateral.WithToken(ctx, token), cache.Command{Op: cache.Get, Key: keyOf(id)})
	if err != nil {
		return nil, err
	}
	if !rep.Found || rep.Element.Value.Form != cache.FormHash {
		return ses, nil
	}
	h, err := fields.Decode(rep.Element.Value.Bytes, rep.Element.Stamp)
	if err != nil {
		return nil, fmt.Errorf("httpsession: region %s: %w", s.store.Name(), err)
	}
	if since := beganAt(&h); since != 0 && s.store.Now() < since+s.c.Life.Milliseconds() {
		ses.id, ses.token, ses.since, ses.held = id, token, since, maps.Collect(h.All())
		delete(ses.held, began)
	}
	return ses, nil
}

// beganAt is 0 for what has lost its beginning: a field that was written while
// the session ended elsewhere remains of it alone, and is no session.
func beganAt(h *fields.Hash) int64 {
	text, _ := h.Get(began)
	ms, _ := strconv.ParseInt(text, 10, 64)
	return ms
}

// Get returns a value of the session.
func (ses *Session) Get(name string) (value string, ok bool) {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	value, ok = ses.held[name]
	return value, ok
}

// All offers what the session holds, in no order.
func (ses *Session) All() iter.Seq2[string, string] {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	return maps.All(maps.Clone(ses.held))
}

// Exists reports whether the browser has a session, or will have one.
func (ses *Session) Exists() bool {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	return !ses.ended && (ses.id != "" || len(ses.writes) > 0)
}

// Set changes a value; it is written when the answer begins. The first makes a
// session. After the answer has begun it returns ErrLate. The name "" is taken.
func (ses *Session) Set(name, value string) error { return ses.write(name, &value) }

// Remove takes a value away.
func (ses *Session) Remove(name string) error { return ses.write(name, nil) }

func (ses *Session) write(name string, value *string) error {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	switch {
	case name == began:
		return errors.New("httpsession: a value without a name")
	case ses.late:
		return ErrLate
	case value == nil && ses.id == "" && ses.writes[name] == nil:
		return nil // there is nothing to be taken away
	}
	if ses.writes[name] = value; value == nil {
		delete(ses.held, name)
	} else {
		ses.held[name] = *value
	}
	ses.ended = false
	return nil
}

// Renew gives the session a new id and takes the old one out of use
// everywhere: to be called whenever the rights of its user change, so that an
// id that somebody planted or saw before is worth nothing. Its lifetime begins
// anew.
func (ses *Session) Renew() error {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	if ses.late {
		return ErrLate
	}
	if ses.id != "" {
		ses.old, ses.id, ses.token, ses.since = ses.id, "", "", 0
	}
	for name, value := range ses.held { // of the new one, everything is new
		ses.writes[name] = &value
	}
	return nil
}

// End removes the session everywhere, with the cookie.
func (ses *Session) End() error {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	if ses.late {
		return ErrLate
	}
	// Of one that is not there, too: its end may not have been acknowledged.
	ses.old = cmp.Or(ses.id, ses.old, ses.came)
	ses.id, ses.token, ses.since, ses.ended = "", "", 0, true
	clear(ses.held)
	clear(ses.writes)
	return nil
}

// commit writes what has changed, once. changed says that the browser is to
// be told of id and token.
func (ses *Session) commit(ctx context.Context) (changed bool, err error) {
	ses.mu.Lock()
	defer ses.mu.Unlock()
	if ses.late {
		return false, nil
	}
	ses.late = true
	if ses.old != "" { // first: what is in use twice is worse than what is gone
		if _, err := ses.s.do(ctx, cache.Command{Op: cache.Remove, Key: keyOf(ses.old)}); err != nil {
			return false, err
		}
	}
	if len(ses.writes) == 0 {
		return ses.ended || ses.old != "", nil
	}
	now := ses.s.store.Now()
	if ses.id == "" {
		ses.id, ses.since = newID(), now
	}
	token, err := ses.put(ctx, now)
	if err == nil && token == "" { // it ended elsewhere meanwhile, and stays so
		ses.id = ""
	}
	ses.token = token
	return true, err
}

// put writes the changes into what is there now.
func (ses *Session) put(ctx context.Context, now int64) (token string, err error) {
	key, fresh := keyOf(ses.id), ses.since == now
	for range maxTries {
		e, found := ses.s.store.Get(ses.s.store.Now(), key)
		var h fields.Hash
		cmd := cache.Command{Op: cache.Put, Key: key, Attr: ses.s.lasting(ses.since, now), Seen: &cache.Stamp{}}
		if found {
			if h, err = fields.Decode(e.Value.Bytes, e.Stamp); err != nil {
				return "", err
			}
			cmd.Seen = &e.Stamp
		} else if !fresh {
			return "", nil
		}
		if fresh {
			h.Set(began, strconv.FormatInt(now, 10))
		}
		for name, value := range ses.writes {
			if value == nil {
				h.Remove(name, true)
			} else if _, err := h.Set(name, *value); err != nil {
				return "", err
			}
		}
		cmd.Value = h.Value()
		rep, err := ses.s.do(ctx, cmd)
		if err != nil || !rep.Conflict {
			return cache.Token{Stamp: rep.Stamp}.String(), err
		}
	}
	return "", ErrBusy
}

// do carries out a write and waits as the region's settings say.
func (s *Sessions) do(ctx context.Context, c cache.Command) (cache.Reply, error) {
	rep, err := s.store.Do(ctx, c)
	if err == nil && !rep.Conflict && s.store.Acks() {
		err = s.store.Await(ctx)
	}
	return rep, err
}

// lasting are the lifetimes of a session that began at some time.
func (s *Sessions) lasting(since, now int64) *cache.Attributes {
	a := *s.store.Attributes()
	a.Eternal, a.MaxIdle = false, s.c.Idle
	a.MaxLife = max(s.c.Life-time.Duration(now-since)*time.Millisecond, time.Millisecond)
	return &a
}
