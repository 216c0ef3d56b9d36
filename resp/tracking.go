// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"slices"
	"strings"
	"sync"

	"lateral/cache"
	"lateral/resp/wire"
)

// tracking remembers what clients keep in caches of their own, and tells them
// when it is no longer so (CLIENT TRACKING).
type tracking struct {
	f *Front

	mu     sync.Mutex         // guards what follows
	keys   map[place][]uint64 // by id: a client that has gone must not be kept by what it read
	pairs  int                // in keys
	bytes  int                // of its names
	ids    map[uint64]*client // of modes
	modes  map[*client]trackMode
	prefix map[string]map[*client]bool // of BCAST; "" is every key
}

// A trackMode is how a client wants to be told.
type trackMode struct {
	bcast, noloop bool
	redirect      uint64 // id of the client that is told instead, 0: itself
}

// A trackState is a client's own side of it.
type trackState struct {
	on bool
	trackMode
	optin, optout bool
	prefixes      []string
	caching       int8 // CLIENT CACHING for the next command: 1 yes, -1 no
	fresh         bool // it came just now
}

func (t *tracking) init(f *Front) {
	t.f, t.keys, t.ids, t.modes, t.prefix = f, map[place][]uint64{}, map[uint64]*client{}, map[*client]trackMode{}, map[string]map[*client]bool{}
}

// before notes the keys that a command is about to read.
func (s *trackState) before(c *client, cmd *command, args [][]byte) {
	switch {
	case s.bcast || cmd.flags&(readonly|tracked) != readonly|tracked,
		s.optin && s.caching <= 0, s.optout && s.caching < 0:
		return
	}
	for i := range cmd.keys(len(args)) {
		c.f.tracking.remember(c, c.at(args[i]))
	}
}

// settle ends what CLIENT CACHING said, after the command that it was for.
func (s *trackState) settle() {
	if s.fresh {
		s.fresh = false
		return
	}
	s.caching = 0
}

func (s *trackState) forget() { s.caching, s.fresh = 0, false }

func (t *tracking) remember(c *client, p place) {
	if len(p.name) > cache.MaxKey {
		return // there is nothing and never will be
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	has := t.keys[p]
	if slices.Contains(has, c.id) {
		return
	}
	for old := range t.keys { // any of them
		if t.room(p.name, len(has) > 0) {
			break
		}
		t.tell(old, 0)
	}
	if has = t.keys[p]; len(has) == 0 {
		p = p.keep()
		t.bytes += len(p.name)
	}
	t.keys[p] = append(has, c.id)
	t.pairs++
}

// room reports whether one more may be remembered.
func (t *tracking) room(name string, known bool) bool {
	n := t.f.c.TrackedKeys
	return t.pairs < trackedPairs*n && (known || len(t.keys) < n && t.bytes+len(name) <= max(trackedBytes*n, cache.MaxKey))
}

// start has a client told from now on.
func (t *tracking) start(c *client, m trackMode, prefixes []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.modes[c], t.ids[c.id] = m, c
	for _, p := range prefixes {
		if t.prefix[p] == nil {
			t.prefix[p] = map[*client]bool{}
		}
		t.prefix[p][c] = true
	}
}

// leave ends it. Keys that the client read stay, with its number, until they
// change, make room for others, or nobody tracks any more.
func (t *tracking) leave(c *client) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, ok := t.modes[c]; !ok {
		return
	}
	delete(t.modes, c)
	delete(t.ids, c.id)
	if len(t.modes) == 0 {
		t.keys, t.pairs, t.bytes = map[place][]uint64{}, 0, 0
	}
	for _, p := range c.track.prefixes {
		if delete(t.prefix[p], c); len(t.prefix[p]) == 0 {
			delete(t.prefix, p)
		}
	}
}

// heard tells those whose copies events make stale.
func (t *tracking) heard(r *region, events []cache.Event) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.modes) == 0 {
		return
	}
	for i := range events {
		e := &events[i]
		name := e.Element.Key
		switch {
		case e.Kind == cache.Missed, e.Kind == cache.Removed && (e.Op == cache.RemoveAll || e.Op == cache.RemoveTag):
			t.flush()
		case e.Kind == cache.Removed && e.Op == cache.RemoveGroup: // no client can name those
		case e.Kind == cache.Removed && cache.IsPrefix(name):
			t.tellPrefix(r, name)
		default:
			t.tell(place{r, name}, e.Caller)
			t.broadcast(r, name, e.Caller)
		}
	}
}

// tell tells who has a key, and forgets it.
func (t *tracking) tell(p place, caller uint64) {
	has, ok := t.keys[p]
	if !ok {
		return
	}
	delete(t.keys, p)
	t.pairs -= len(has)
	t.bytes -= len(p.name)
	if key, ok := keyOf(p.name); ok {
		for _, id := range has {
			if c := t.ids[id]; c != nil {
				t.invalidate(c, []string{key}, caller)
			}
		}
	}
}

func (t *tracking) tellPrefix(r *region, name string) {
	for p := range t.keys {
		if p.r == r && strings.HasPrefix(p.name, name) {
			t.tell(p, 0)
		}
	}
	for prefix, clients := range t.prefix {
		if strings.HasPrefix(prefix, name) || strings.HasPrefix(name, prefix) {
			for c := range clients { // which keys is not known
				t.invalidate(c, nil, 0)
			}
		}
	}
}

func (t *tracking) broadcast(r *region, name string, caller uint64) {
	if len(t.prefix) == 0 {
		return
	}
	key, ok := keyOf(name)
	if !ok {
		return
	}
	for prefix, clients := range t.prefix {
		if strings.HasPrefix(key, prefix) {
			for c := range clients {
				t.invalidate(c, []string{key}, caller)
			}
		}
	}
}

// flush tells all to forget everything.
func (t *tracking) flush() {
	clear(t.keys)
	t.pairs, t.bytes = 0, 0
	for c := range t.modes {
		t.invalidate(c, nil, 0)
	}
}

// invalidated is the channel on which clients of RESP2 hear of invalidations.
const invalidated = "__redis__:invalidate"

// invalidate tells a client, or the one that it redirects to, of some keys;
// nil is all.
func (t *tracking) invalidate(c *client, keys []string, caller uint64) {
	m, ok := t.modes[c]
	if !ok || m.noloop && caller == c.caller && caller != 0 {
		return
	}
	to := c
	if m.redirect != 0 {
		if to = t.f.client(m.redirect); to == nil {
			if c.pushes.three() {
				c.pushes.add(func(w *wire.Writer) {
					w.Push(2)
					w.Bulk("tracking-redir-broken")
					w.Int(int64(m.redirect))
				})
			}
			return
		}
	}
	three := to.pushes.three()
	if !three && (m.redirect == 0 || !t.f.subs.hears(to, invalidated)) {
		return
	}
	to.pushes.add(func(w *wire.Writer) {
		if three {
			w.Push(2)
			w.Bulk("invalidate")
		} else {
			w.Push(3)
			w.Bulk("message")
			w.Bulk(invalidated)
		}
		if keys == nil {
			w.Null()
			return
		}
		w.Array(len(keys))
		for _, k := range keys {
			w.Bulk(k)
		}
	})
}
