// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"lateral/cache"
)

// Limits of a feed.
const (
	maxFollowed = 64  // regions
	watchRoom   = 512 // events that a region may be ahead
	maxBatch    = 200 // events from one batch to the next; what is more is counted
	maxFeedKey  = 200 // bytes of a key that are shown
)

// A FeedEvent is something that happened in a region. It has no value.
type FeedEvent struct {
	At     time.Time `json:"at"` // when this service told
	Region string    `json:"region"`
	Kind   string    `json:"kind"` // written, removed, expired, evicted, missed
	Op     string    `json:"op,omitempty"`
	Name   Name      `json:"name"`
	Peer   bool      `json:"peer"` // somebody on another node did it
	Bytes  int       `json:"bytes,omitempty"`
	Stamp  string    `json:"stamp,omitempty"`
}

// A Batch is some of them, in order.
type Batch struct {
	Events []FeedEvent `json:"events"`
	Missed int         `json:"missed,omitempty"` // that came beyond these
}

// wanted returns the regions that a reader asks for; one that is named "" is
// all.
func (b *board) wanted(asked []string) (names []string, more int, err error) {
	if !slices.Contains(asked, "") {
		for _, name := range asked {
			if err := b.front.known(name); err != nil {
				return nil, 0, err
			}
		}
		names = slices.Compact(slices.Sorted(slices.Values(asked)))
	} else {
		for _, s := range b.front.Status().Regions {
			names = append(names, s.Region)
		}
	}
	n := min(len(names), maxFollowed)
	return names[:n], len(names) - n, nil
}

// A feed gathers the events of some regions until they are taken.
type feed struct {
	regions int
	wg      sync.WaitGroup
	mu      sync.Mutex
	batch   Batch
}

func newFeed() *feed { return &feed{batch: Batch{Events: []FeedEvent{}}} }

// follow adds what happens in a region until ctx ends.
func (f *feed) follow(ctx context.Context, watch func(string, int) (cache.Watcher, error), region string) error {
	w, err := watch(region, watchRoom)
	if err != nil {
		return err
	}
	f.regions++
	f.wg.Go(func() {
		defer w.Close()
		for {
			events, err := w.Next(ctx)
			if err != nil {
				return
			}
			f.add(region, events)
		}
	})
	return nil
}

// wait returns when nobody follows any more.
func (f *feed) wait() { f.wg.Wait() }

func (f *feed) add(region string, events []cache.Event) {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := time.Now().UTC()
	for i := range events {
		if len(f.batch.Events) == maxBatch {
			f.batch.Missed += len(events) - i
			return
		}
		f.batch.Events = append(f.batch.Events, feedEvent(now, region, &events[i]))
	}
}

// take returns what has come since the last time.
func (f *feed) take() Batch {
	f.mu.Lock()
	defer f.mu.Unlock()
	b := f.batch
	f.batch = Batch{Events: []FeedEvent{}}
	return b
}

func feedEvent(now time.Time, region string, e *cache.Event) FeedEvent {
	v := FeedEvent{At: now, Region: region, Kind: e.Kind.String(), Peer: e.Origin == cache.FromLateral || e.Origin == cache.FromSync}
	switch e.Kind {
	case cache.Missed:
		return v
	case cache.Removed:
		v.Op = e.Op.String()
	case cache.Written:
		v.Bytes = len(e.Element.Value.Bytes)
	}
	v.Stamp = e.Element.Stamp.String()
	v.Name = nameOf(e.Element.Key, maxFeedKey)
	return v
}

// String is for tests that fail.
func (e FeedEvent) String() string {
	return fmt.Sprintf("%s %s %s/%s peer:%v", e.Region, e.Kind, e.Name.Group, e.Name.Text, e.Peer)
}
