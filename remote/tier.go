// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"lateral/cache"
)

// A Region hears of what happened on the server. Its methods may be called by
// several goroutines at once, and by the one that reads a connection: Drop and Gap
// must be quick.
type Region interface {
	// Look returns what memory has of a key, in any state, or else what is on disk.
	Look(key string) (e cache.Element, ok bool)
	// Drop: what memory and disk have of the key may be stale.
	Drop(key string)
	// Merge takes in what is newer on the server: a removal of many (cache.Floor),
	// and, of a region whose values travel, an element or its removal.
	Merge(e cache.Element)
	// Gap: whatever was found on the server so far may be stale.
	Gap()
	// Keys offers every live key in memory or on disk, some perhaps twice, until yield returns false.
	Keys(yield func(key string) bool)
	// Stamp is newer than everything that the node knows of.
	Stamp() cache.Stamp
}

// TierConfig is what a Tier is made from.
type TierConfig struct {
	Region string
	// ByStamp is for regions whose values travel: what memory has is kept
	// unless the server has something newer.
	ByStamp   bool
	Retention time.Duration     // the longest life of anything
	Attr      *cache.Attributes // of strings that others put there
	Hear      Region
}

// A Tier is one region on a Server. Its methods may be called by many
// goroutines.
//
// Lock order: an element's of the region, then mu.
type Tier struct {
	s      *Server
	c      TierConfig
	hash   string // key of the removals of many; and what keys of elements start with, before a ':'
	wake   chan struct{}
	checks chan struct{} // wakes who verifies
	sweeps chan struct{}

	mu       sync.Mutex // guards what follows
	queue    batch
	writing  batch
	bytes    int64  // of the queue
	values   int    // in it, removals not counted
	seq      uint64 // of the last note
	done     uint64 // up to where everything is written, or given up
	settled  chan struct{}
	floors   floors                    // on the server
	known    bool                      // floors are what the server has
	asked    uint64                    // how often they were found not to be
	peers    floors                    // removals of many by peers, that may not be on the server yet
	gone     [2]map[string]cache.Stamp // by key: nothing up to the stamp is believed
	own      map[string]time.Time      // keys that this node wrote itself a moment ago
	check    map[string]struct{}       // keys to verify
	checkAll bool
	count    counters
	oldest   time.Time // when the first of what waits was noted
}

type counters struct {
	hits, misses, expired, written, removed, lost, wiped, failures, invalidations, kept, dropped, odd uint64
}

// A batch is what waits to be written: of each key the newest.
type batch struct {
	notes  map[string]cache.Element
	floors floors
	seq    uint64
}

func newBatch() batch { return batch{notes: map[string]cache.Element{}, floors: floors{}} }

func (b *batch) size() int { return len(b.notes) + len(b.floors) }

// forget is for how long a removal is remembered.
func (t *Tier) forget() time.Duration {
	if t.c.ByStamp {
		return max(t.c.Retention, 2*late)
	}
	return 2 * late
}

func (t *Tier) key(key string) string { return t.hash + ":" + key }

// ErrDown is wrapped by what Fetch and Flush return while the server does not answer.
var ErrDown = errors.New("the remote tier does not answer")

// Fetch looks a key up: first in what waits to be written. It waits for the
// server for as long as Config.Timeout says.
func (t *Tier) Fetch(ctx context.Context, _, key string) (cache.Element, bool, error) {
	if e, ok := t.waiting(key); ok {
		return t.judge(e)
	}
	ctx, cancel := t.s.within(ctx, t.s.c.Timeout)
	defer cancel()
	if err := t.learnFloors(ctx); err != nil {
		return cache.Element{}, false, err
	}
	e, _, err := t.read(ctx, key)
	if err != nil {
		return cache.Element{}, false, err
	}
	return t.judge(e)
}

// Look is Fetch for those who only want to know: it counts nothing, and returns what is
// not served, too: KnownExpired, and KnownTombstone for a removal. waits is whether that is in the queue, and
// not on the server yet.
func (t *Tier) Look(ctx context.Context, key string) (e cache.Element, state cache.KnownState, waits bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.s.c.Timeout)
	defer cancel()
	if e, waits = t.waiting(key); !waits {
		if err := t.learnFloors(ctx); err != nil {
			return cache.Element{}, "", false, err
		}
		if e, _, err = t.read(ctx, key); err != nil {
			return cache.Element{}, "", false, err
		}
	}
	now := t.s.c.Now().UnixMilli()
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case e.Stamp.IsZero():
		return e, cache.KnownAbsent, waits, nil
	case e.Attr == nil || e.State != cache.Live || t.voidLocked(&e):
		return e, cache.KnownTombstone, waits, nil
	case t.over(&e, now):
		return e, cache.KnownExpired, waits, nil
	}
	return e, cache.KnownLive, waits, nil
}

// over reports whether an element is over its lifetime or the retention.
func (t *Tier) over(e *cache.Element, now int64) bool {
	return e.Attr.Expired(e.Stamp.UnixMilli(), e.Accessed, now) || now-e.Stamp.UnixMilli() > t.c.Retention.Milliseconds()
}

// waiting returns what is not written yet of a key, if it counts: not where the server was found
// to have something newer, or a peer has removed it.
func (t *Tier) waiting(key string) (e cache.Element, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	e, ok = t.waitingLocked(key)
	return e, ok && !t.goneByLocked(&e)
}

func (t *Tier) waitingLocked(key string) (e cache.Element, ok bool) {
	if e, ok = t.queue.notes[key]; !ok {
		e, ok = t.writing.notes[key]
	}
	return e, ok
}

// judge says whether a version that was found is to be returned.
func (t *Tier) judge(e cache.Element) (cache.Element, bool, error) {
	now := t.s.c.Now().UnixMilli()
	over := e.Attr != nil && t.over(&e, now)
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case e.Attr == nil || e.State != cache.Live || t.voidLocked(&e):
	case over:
		t.count.expired++
	default:
		t.count.hits++
		return e, true, nil
	}
	t.count.misses++
	return cache.Element{}, false, nil
}

// voidLocked reports whether a removal that this node knows of means a version.
func (t *Tier) voidLocked(e *cache.Element) bool {
	return t.goneByLocked(e) || t.floors.covers(e) || t.queue.floors.covers(e) || t.writing.floors.covers(e) || t.peers.covers(e)
}

// goneByLocked reports whether something newer of the key is known of.
func (t *Tier) goneByLocked(e *cache.Element) bool {
	for _, m := range t.gone {
		if s, ok := m[e.Key]; ok && e.Stamp.Compare(s) <= 0 {
			return true
		}
	}
	return false
}

// read asks the server for the newest version of a key; one without Attr is
// none, or a removal. field is its name, "" for a string.
func (t *Tier) read(ctx context.Context, key string) (e cache.Element, field string, err error) {
	cl, err := t.s.data()
	if err != nil {
		return e, "", err
	}
	m, err := cl.Do(ctx, cl.B().Hgetall().Key(t.key(key)).Build()).AsStrMap()
	if isKind(err, "WRONGTYPE") {
		e, err = t.readString(ctx, key)
		return e, "", err
	}
	if err != nil {
		return e, "", t.s.failed(err)
	}
	names := make([]string, 0, len(m))
	for f := range m {
		names = append(names, f)
	}
	field, e, older := newest(names)
	e.Key, e.Value.Bytes = key, m[field]
	if n := len(m) - len(older); n > 1 || n == 1 && field == "" || len(e.Value.Bytes) > cache.MaxValue {
		t.mu.Lock()
		t.count.odd++
		t.mu.Unlock()
		if len(e.Value.Bytes) > cache.MaxValue {
			return cache.Element{}, "", nil
		}
	}
	return e, field, nil
}

// readString reads what somebody else put there as a string. It is as old as
// it is when it is read.
func (t *Tier) readString(ctx context.Context, key string) (e cache.Element, err error) {
	cl, err := t.s.data()
	if err != nil {
		return e, err
	}
	k := t.key(key)
	res := cl.DoMulti(ctx, cl.B().Get().Key(k).Build(), cl.B().Pttl().Key(k).Build())
	v, err := res[0].ToString()
	left, lerr := res[1].AsInt64()
	switch {
	case isNil(err) || isKind(err, "WRONGTYPE"): // it has changed again, or is neither
		return e, nil
	case err != nil:
		return e, t.s.failed(err)
	case lerr != nil:
		return e, t.s.failed(lerr)
	case len(v) > cache.MaxValue:
		return e, nil
	}
	s := t.c.Hear.Stamp()
	a := t.c.Attr
	if left > 0 {
		own := *a
		own.Eternal, own.MaxLife, own.MaxIdle = false, time.Duration(left)*time.Millisecond, -1
		a = &own
	}
	return cache.Element{Key: key, Value: cache.Value{Bytes: v}, Attr: a, Stamp: s, Accessed: s.UnixMilli()}, nil
}

// learnFloors sees to it that the removals of many are known.
func (t *Tier) learnFloors(ctx context.Context) error {
	t.mu.Lock()
	known, asked := t.known, t.asked
	t.mu.Unlock()
	if known && t.s.tracking() {
		return nil
	}
	cl, err := t.s.data()
	if err != nil {
		return err
	}
	names, err := cl.Do(ctx, cl.B().Hkeys().Key(t.hash).Build()).AsStrSlice()
	if err != nil {
		return t.s.failed(fmt.Errorf("removals of many: %w", err))
	}
	f, _ := readFloors(names)
	t.adopt(f, asked)
	return nil
}

// adopt takes what the server has of removals of many, and tells the region
// what is news to it. asked is from before the server was.
func (t *Tier) adopt(f floors, asked uint64) {
	t.mu.Lock()
	var news []cache.Element
	for k, s := range f {
		if s.Compare(t.floors[k]) > 0 && s.Compare(t.peers[k]) > 0 && s != t.queue.floors[k] && s != t.writing.floors[k] {
			news = append(news, cache.Element{Key: cache.FloorKey(k.op, k.name), Stamp: s, State: cache.Floor})
		}
	}
	for k, s := range t.floors { // two answers may cross
		f.raise(k, s)
	}
	for len(f) > 2*maxFloors {
		for k := range f {
			delete(f, k)
			break
		}
	}
	t.floors = f
	if t.asked == asked {
		t.known = true
	}
	t.mu.Unlock()
	for _, e := range news {
		t.c.Hear.Merge(e)
	}
}
