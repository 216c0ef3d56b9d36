// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"

	"lateral/cache"
	"lateral/region"
)

// flights are the misses of one region that are under way: one per key, for
// all who ask.
//
// They differ by ticket, too: who asks after an invalidation must not be
// handed what was asked for before it.
type flights struct {
	mu sync.Mutex // guards what follows, and flight.waiting; taken before an element's lock
	of map[flightKey]*flight
}

type flightKey struct {
	key  string
	t    region.Ticket
	load bool // from the source; else from the auxiliaries only

	alone uint64 // a number of its own, where nobody may join; else 0
}

// A flight is one miss. Its result is written before done is closed.
type flight struct {
	done    chan struct{}
	waiting int
	stop    context.CancelFunc

	e        cache.Element
	found    bool
	err      error
	panicked *PanicError
}

// A PanicError is a loader's panic. The caller who handed the loader in
// panics with it; others who waited for the same key are returned it.
type PanicError struct {
	Value any // nil if the loader ended its goroutine instead (runtime.Goexit)
	Stack []byte
}

// Error says what the loader panicked with, and where.
func (p *PanicError) Error() string {
	if p.Value == nil {
		return "the loader ended its goroutine"
	}
	return fmt.Sprintf("the loader panicked: %v\n\n%s", p.Value, p.Stack)
}

type work func(ctx context.Context) (cache.Element, bool, error)

// join waits for the flight of k, starting it with do if there is none, unless
// peek finds by then what a flight before has left. The work goes on for as
// long as anybody waits for it; closed ends all waiting.
func (f *flights) join(ctx context.Context, closed <-chan struct{}, k flightKey, peek func() (cache.Element, bool), do work) (cache.Element, bool, error) {
	if err := ctx.Err(); err != nil {
		return cache.Element{}, false, err
	}
	f.mu.Lock()
	l := f.of[k]
	owner := l == nil
	if owner {
		if e, ok := peek(); ok {
			f.mu.Unlock()
			return e, true, nil
		}
		l = f.startLocked(ctx, k, do)
	}
	l.waiting++
	f.mu.Unlock()
	select {
	case <-l.done:
		if owner && l.panicked != nil && l.panicked.Value != nil {
			panic(l.panicked)
		}
		return l.e, l.found, l.err
	case <-ctx.Done():
		f.leave(k, l)
		return cache.Element{}, false, ctx.Err()
	case <-closed:
		f.leave(k, l)
		return cache.Element{}, false, cache.ErrClosed
	}
}

func (f *flights) startLocked(ctx context.Context, k flightKey, do work) *flight {
	ctx, stop := context.WithCancel(context.WithoutCancel(ctx))
	l := &flight{done: make(chan struct{}), stop: stop}
	if f.of == nil {
		f.of = map[flightKey]*flight{}
	}
	f.of[k] = l
	go f.run(ctx, k, l, do)
	return l
}

// run does the work, whatever becomes of it.
func (f *flights) run(ctx context.Context, k flightKey, l *flight, do work) {
	returned := false
	defer func() {
		if !returned {
			l.panicked = &PanicError{Value: recover(), Stack: debug.Stack()}
			l.err = l.panicked
		}
		f.mu.Lock()
		f.forgetLocked(k, l)
		f.mu.Unlock()
		l.stop()
		close(l.done)
	}()
	l.e, l.found, l.err = do(ctx)
	returned = true
}

// leave is for who does not wait any longer. What nobody waits for is
// cancelled, and whoever asks next starts anew.
func (f *flights) leave(k flightKey, l *flight) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if l.waiting--; l.waiting == 0 {
		l.stop()
		f.forgetLocked(k, l)
	}
}

func (f *flights) forgetLocked(k flightKey, l *flight) {
	if f.of[k] == l {
		delete(f.of, k)
	}
}
