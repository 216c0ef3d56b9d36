// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"fmt"
	"iter"

	"lateral/cache"
	"lateral/region"
)

// An Event is what Watch tells of a region.
type Event[V any] struct {
	Kind cache.EventKind
	// Key is what it happened to. Where Many is set it stands for many: "" for
	// the whole region, a prefix that ends in ":", or the name of a group or a tag.
	Key   string
	Many  bool
	Value V    // of Written
	Peer  bool // somebody on another node did it
	Stamp cache.Stamp
}

// watchRoom is how many events a loop over Watch may be behind.
const watchRoom = 4096

// Watch returns an iterator over what happens in the region on this node, by
// its own callers and by peers whose changes arrive, in the order in which it
// happens to each key:
//
//	for e, err := range users.Watch(ctx) {
//
// The first event is cache.Missed, and so is one that stands for what a loop
// that is too slow did not hear: what was known of the region may be wrong, so
// read it anew. No writer ever waits for a loop; it may be 4,096 events
// behind. An error says that the value of this event does not decode. The loop
// ends when ctx does, or the node.
func (r *Region[V]) Watch(ctx context.Context) iter.Seq2[Event[V], error] {
	return func(yield func(Event[V], error) bool) {
		w := r.b.Watch(watchRoom)
		defer w.Close()
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			select {
			case <-r.n.done:
				cancel()
			case <-ctx.Done():
			}
		}()
		defer func() { cancel(); <-ended }()
		if !yield(Event[V]{Kind: cache.Missed}, nil) {
			return
		}
		for {
			events, err := w.Next(ctx)
			if err != nil {
				return
			}
			for i := range events {
				if e, err := r.event(&events[i]); !yield(e, err) {
					return
				}
			}
		}
	}
}

func (r *Region[V]) event(c *cache.Event) (e Event[V], err error) {
	e = Event[V]{Kind: c.Kind, Key: c.Element.Key, Stamp: c.Element.Stamp, Peer: c.Origin == cache.FromLateral || c.Origin == cache.FromSync}
	switch {
	case c.Kind == cache.Written:
		e.Value, _, err = r.value(c.Element)
	case c.Kind == cache.Removed:
		e.Many = c.Op != cache.Remove || cache.IsPrefix(e.Key)
	}
	return e, err
}

// warn tells the watchers of a region whose memory is not looked at any more,
// because removals may be missing, that what they keep of it may be stale, too.
// Those that arrive when the link is back they hear one by one. Only the
// housekeeper calls it.
func (b *bound) warn() {
	now := b.bypass()
	if now && !b.warned {
		b.Doubt()
	}
	b.warned = now
}

// WatchRegion opens a queue of at most room events of a region, by name; it is
// what fronts are handed.
func (n *Node) WatchRegion(name string, room int) (cache.Watcher, error) {
	if room < 1 || room > region.MaxWatch {
		return nil, fmt.Errorf("watch region %s: room for %d events; it has to be 1 to %d", name, room, region.MaxWatch)
	}
	b, err := n.regions.get(name)
	if err != nil {
		return nil, err
	}
	return b.Watch(room), nil
}
