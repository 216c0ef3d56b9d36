// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"time"

	"lateral/cache"
)

const (
	// maxMore is how many removals the queue takes beyond its room.
	maxMore = 1 << 16
	// maxGone is how many removals by peers are remembered, twice; and how
	// many keys that this node wrote itself.
	maxGone = 1 << 15
	// ownFor is for how long a write of this node's own is thought to be what an
	// invalidation tells of, until that is verified.
	ownFor = 2 * time.Second
)

// Note takes a change. It never waits for the server; see cache.Auxiliary. A
// removal that is cache.Forgotten is one that somebody else writes: nothing
// older is believed meanwhile. A put that is has no value for the server, and
// what is there is older.
func (t *Tier) Note(c cache.Change) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, many := floorOf(&c)
	switch {
	case c.Op == cache.Put && c.Element.State == cache.Forgotten: // a value that may not go there
		if !t.s.c.GetOnly {
			t.beginLocked()
			t.noteLocked(void(c.Element))
		}
	case c.Element.State == cache.Forgotten && many:
		t.peersLocked(k, c.Element.Stamp)
		return
	case c.Element.State == cache.Forgotten:
		t.goneLocked(c.Element.Key, c.Element.Stamp)
		return
	case t.s.c.GetOnly:
		return
	case many:
		t.beginLocked()
		t.queue.floors.raise(k, c.Element.Stamp)
		if len(t.queue.floors) > maxFloors {
			t.wipeLocked(c.Element.Stamp)
		}
	default:
		t.beginLocked()
		t.noteLocked(c.Element)
	}
	poke(t.wake)
}

// peersLocked remembers a removal of many by a peer. If these are too many, those go that
// are on the server by now, and of the others the older half becomes a removal of everything.
func (t *Tier) peersLocked(k floor, s cache.Stamp) {
	if t.peers.raise(k, s); len(t.peers) <= maxFloors {
		return
	}
	for k, s := range t.peers {
		if s.Compare(t.floors[k]) <= 0 {
			delete(t.peers, k)
		}
	}
	if len(t.peers) <= maxFloors {
		return
	}
	all, middle := floor{op: cache.RemoveAll}, t.peers.median()
	for k, s := range t.peers {
		if s.Compare(middle) <= 0 {
			delete(t.peers, k)
		}
	}
	t.peers.raise(all, middle)
}

// beginLocked counts a note.
func (t *Tier) beginLocked() {
	if t.queue.size()+t.writing.size() == 0 {
		t.oldest = t.s.c.Now()
	}
	t.seq++
	t.queue.seq = t.seq
}

func (t *Tier) goneLocked(key string, s cache.Stamp) {
	if len(t.gone[0]) >= maxGone || t.gone[0] == nil {
		t.gone[1], t.gone[0] = t.gone[0], map[string]cache.Stamp{}
	}
	t.gone[0][key] = s
}

// noteLocked puts an element into the queue. A value for which there is no
// room is left out; but what the server has is older then, and removed.
func (t *Tier) noteLocked(e cache.Element) {
	old, there := t.queue.notes[e.Key]
	if there && e.Stamp.Before(old.Stamp) {
		return
	}
	t.weighLocked(&old, -1)
	if e.State == cache.Live && (len(e.Value.Bytes) > t.s.c.MaxValue || t.values >= t.s.c.MaxQueued || t.bytes+weight(&e) > t.s.c.MaxQueuedBytes) {
		t.count.lost++
		e = void(e)
	}
	if !there && len(t.queue.notes) >= t.s.c.MaxQueued+maxMore {
		t.wipeLocked(e.Stamp)
		return
	}
	e.Value.Held = nil
	t.queue.notes[e.Key] = e
	t.weighLocked(&e, 1)
	t.ownLocked(e.Key)
}

// weighLocked counts what comes into the queue, or leaves it.
func (t *Tier) weighLocked(e *cache.Element, n int) {
	t.bytes += int64(n) * weight(e)
	if e.State == cache.Live && e.Key != "" {
		t.values += n
	}
}

// void is the removal of everything that is older than a version that is not written.
func void(e cache.Element) cache.Element {
	return cache.Element{Key: e.Key, Stamp: e.Stamp, State: cache.Tombstone}
}

func weight(e *cache.Element) int64 { return int64(len(e.Key) + len(e.Value.Bytes)) }

// wipeLocked makes everything void that was written up to a stamp, or to that of whatever waits: too
// much does. When the server is there again the region is empty on it.
func (t *Tier) wipeLocked(s cache.Stamp) {
	t.count.wiped++
	for _, e := range t.queue.notes {
		if e.State == cache.Live {
			t.count.lost++
		}
		s = later(s, e.Stamp)
	}
	for _, f := range t.queue.floors {
		s = later(s, f)
	}
	seq := t.queue.seq
	t.queue, t.bytes, t.values = newBatch(), 0, 0
	t.queue.seq = seq
	t.queue.floors.raise(floor{op: cache.RemoveAll}, s)
}

func later(a, b cache.Stamp) cache.Stamp {
	if a.Before(b) {
		return b
	}
	return a
}

// ownLocked notes that this node changes a key on the server now.
func (t *Tier) ownLocked(key string) {
	if len(t.own) >= maxGone {
		clear(t.own) // those are verified in vain, or dropped and read again
	}
	t.own[key] = t.s.c.Now()
}

// take returns the next batch to write; false if there is none.
func (t *Tier) take() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.queue.size() == 0 {
		t.settleLocked(t.seq)
		return false
	}
	t.writing, t.queue, t.bytes, t.values = t.queue, newBatch(), 0, 0
	return true
}

// finish ends a batch. What could not be written waits on, unless there is
// something newer.
func (t *Tier) finish(left batch) {
	t.mu.Lock()
	defer t.mu.Unlock()
	seq := t.writing.seq
	t.writing = newBatch()
	if left.size() == 0 {
		t.settleLocked(seq)
		t.oldest = t.s.c.Now() // of what was noted meanwhile; not much earlier
		return
	}
	for k, s := range left.floors {
		t.queue.floors.raise(k, s)
	}
	now := t.s.c.Now().UnixMilli()
	for key, e := range left.notes {
		if n, ok := t.queue.notes[key]; ok && !n.Stamp.Before(e.Stamp) {
			continue
		}
		if e.State == cache.Live && now-e.Stamp.UnixMilli() > late.Milliseconds() {
			t.count.lost++
			e = void(e)
		}
		t.noteLocked(e)
	}
	t.queue.seq = max(t.queue.seq, seq)
}

func (t *Tier) settleLocked(seq uint64) {
	if seq <= t.done {
		return
	}
	t.done = seq
	close(t.settled)
	t.settled = make(chan struct{})
}

// Flush returns when everything that was noted before is written, or ctx ends.
func (t *Tier) Flush(ctx context.Context) error {
	t.mu.Lock()
	seq := t.seq
	for t.done < seq {
		settled := t.settled
		t.mu.Unlock()
		select {
		case <-settled:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		t.mu.Lock()
	}
	t.mu.Unlock()
	return nil
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
