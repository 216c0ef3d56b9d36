// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"lateral/cache"
)

// ears listen to what happens in the regions, once a client tracks keys or
// notifications are on. Before that, writers pay nothing for them.
type ears struct {
	f    *Front
	open chan ear // opened, not yet listened to

	mu        sync.Mutex // guards what follows
	listening bool
}

type ear struct {
	r *region
	w cache.Watcher
}

// earRoom is how many events of a region may wait. If there are more, clients
// that track keys are told to forget everything.
const earRoom = 1 << 16

func (e *ears) init(f *Front) { e.f, e.open = f, make(chan ear, len(f.c.Map)) }

// listen returns when every change that begins after it will be heard.
func (e *ears) listen() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.listening {
		return nil
	}
	var all []ear
	for _, r := range e.f.regions {
		w, err := r.Watch(earRoom)
		if err != nil {
			for _, one := range all {
				one.w.Close()
			}
			return err
		}
		all = append(all, ear{r, w})
	}
	for _, one := range all {
		e.open <- one
	}
	e.listening = true
	return nil
}

// run serves the ears until ctx ends.
func (e *ears) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		for {
			select {
			case one := <-e.open:
				g.Go(func() error { return e.hear(ctx, one) })
			case <-ctx.Done():
				return nil
			}
		}
	})
	return g.Wait()
}

func (e *ears) hear(ctx context.Context, one ear) error {
	defer one.w.Close()
	for {
		events, err := one.w.Next(ctx)
		if err != nil {
			return nil
		}
		e.f.tracking.heard(one.r, events)
		e.f.notify(one.r, events)
	}
}
