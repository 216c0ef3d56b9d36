// SPDX-License-Identifier: Apache-2.0

package region

import (
	"context"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"lateral/cache"
)

// watchers are those who hear of every event. Without any a writer pays one
// load for them.
type watchers struct {
	mu  sync.Mutex // of changes to all
	all atomic.Pointer[[]*Watcher]
}

// A Watcher is a bounded queue of events; see cache.Watcher. One goroutine at a
// time may call Next.
type Watcher struct {
	r     *Region
	room  int
	wake  chan struct{} // has one when there is something
	spare []cache.Event // of Next: what it returned last

	mu    sync.Mutex // guards what follows; nothing else is locked under it
	queue []cache.Event
}

// MaxWatch is the most events that a watcher may ask to be held for it: each
// keeps its value in memory.
const MaxWatch = 1 << 20

// Watch opens a queue of at most room events of this region. Close it.
func (r *Region) Watch(room int) *Watcher {
	w := &Watcher{r: r, room: min(max(room, 1), MaxWatch), wake: make(chan struct{}, 1)}
	r.watchers.mu.Lock()
	defer r.watchers.mu.Unlock()
	var all []*Watcher
	if p := r.watchers.all.Load(); p != nil {
		all = slices.Clone(*p)
	}
	all = append(all, w)
	r.watchers.all.Store(&all)
	return w
}

// Close ends the queue. A Next that waits goes on waiting for its context.
func (w *Watcher) Close() {
	r := w.r
	r.watchers.mu.Lock()
	defer r.watchers.mu.Unlock()
	p := r.watchers.all.Load()
	if p == nil {
		return
	}
	all := slices.DeleteFunc(slices.Clone(*p), func(o *Watcher) bool { return o == w })
	if len(all) == 0 {
		r.watchers.all.Store(nil)
		return
	}
	r.watchers.all.Store(&all)
}

// Next is that of cache.Watcher.
func (w *Watcher) Next(ctx context.Context) ([]cache.Event, error) {
	clear(w.spare)
	for {
		w.mu.Lock()
		got := w.queue
		if len(got) > 0 {
			w.queue, w.spare = w.spare[:0], got
		}
		w.mu.Unlock()
		if len(got) > 0 {
			return got, nil
		}
		select {
		case <-w.wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// add queues an event. When there is no room, all that is queued goes: after a
// Missed the watcher knows nothing for certain anyway.
func (w *Watcher) add(e *cache.Event) {
	w.mu.Lock()
	if e.Kind == cache.Missed || len(w.queue) >= w.room {
		clear(w.queue)
		w.queue = append(w.queue[:0], cache.Event{Kind: cache.Missed})
	}
	if e.Kind != cache.Missed {
		w.queue = append(w.queue, *e)
	}
	w.mu.Unlock()
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Doubt tells the watchers that what they know of the region may be wrong.
func (r *Region) Doubt() {
	if r.watched() {
		r.hear(cache.Event{Kind: cache.Missed})
	}
}

// watched reports whether anybody listens, so that nothing is built for nobody.
func (r *Region) watched() bool { return r.watchers.all.Load() != nil }

// hear tells the watchers. It is called under the element's lock, after the
// element can be read.
func (r *Region) hear(e cache.Event) {
	if p := r.watchers.all.Load(); p != nil {
		for _, w := range *p {
			w.add(&e)
		}
	}
}

// hearWritten tells of a put. The element is taken from memory, whose strings
// are its own: those of the command may be parts of a large frame.
func (r *Region) hearWritten(c *cache.Command, h *held, hash uint64, found bool) {
	if !r.watched() {
		return
	}
	e := h.Element
	if kept, ok := r.mem.peek(c.Key, hash); ok {
		e = kept.Element
	}
	r.hear(cache.Event{Kind: cache.Written, Element: e, Found: found, Origin: c.Origin, Caller: c.Caller})
}

func (r *Region) hearRemoved(c *cache.Command, op cache.Op, key string, s cache.Stamp, found bool) {
	if r.watched() {
		r.hear(cache.Event{Kind: cache.Removed, Op: op, Element: cache.Element{Key: strings.Clone(key), Stamp: s, State: cache.Tombstone},
			Found: found, Origin: c.Origin, Caller: c.Caller})
	}
}

// hearGone tells of a value that left memory unasked.
func (r *Region) hearGone(kind cache.EventKind, h *held) {
	if h.State == cache.Live && r.watched() {
		r.hear(cache.Event{Kind: kind, Element: cache.Element{Key: h.Key, Stamp: h.Stamp}})
	}
}
