// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"github.com/zeebo/xxh3"
	"go.etcd.io/bbolt"

	"lateral/cache"
)

// A kind says what a note wants.
type kind uint8

const (
	put       kind = iota // keep this version
	remove                // it was removed
	supersede             // what is older than the stamp is void: memory has the newer one
	forget                // … and what has the stamp: it is over, or this node alone forgets it
)

// A note is the newest that is known of a key and not written yet.
type note struct {
	e    cache.Element
	kind kind
}

// maxMore is how many notes of removals the queue takes beyond its room.
const maxMore = 1 << 16

// maxQueued bounds the bytes of keys and values that wait.
const maxQueued = 64 << 20

// Note takes a change. It never waits for the disk; see cache.Auxiliary.
func (d *Disk) Note(c cache.Change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.store == nil {
		if c.Op == cache.Put && c.Element.State == cache.Live {
			d.count.lost++
		}
		return // when there is a store again it is empty
	}
	d.seq++
	if k, ok := floorOf(&c); ok {
		d.noteFloorLocked(k, &c.Element)
	} else {
		d.noteLocked(&note{c.Element, kindOf(&c)})
	}
	d.wakeLocked()
}

// kindOf reads what room region says in changes: a removal that is Forgotten
// concerns this node alone, and a put that is one has no value for the disk.
func kindOf(c *cache.Change) kind {
	switch {
	case c.Op == cache.Put && c.Element.State == cache.Live:
		return put
	case c.Op == cache.Put:
		return supersede
	case c.Element.State == cache.Forgotten:
		return forget
	}
	return remove
}

func (d *Disk) noteLocked(n *note) {
	if !storable(n.e.Key) { // so no version is there either, that could come back
		if n.kind == put {
			d.count.lost++
		}
		return
	}
	old := d.queue.notes[n.e.Key]
	if old == nil && (n.kind == supersede || n.kind == forget || n.kind == remove && !d.c.ByStamp) && !d.maybeLocked(n.e.Key) {
		return
	}
	if old != nil {
		if n = merge(old, n, d.c.ByStamp); n == old {
			return
		}
		d.queued -= weight(old)
	}
	if n.kind == put && (old == nil && len(d.queue.notes) >= d.room || d.queued+weight(n) > maxQueued) {
		d.count.lost++
		n = &note{cache.Element{Key: n.e.Key, Stamp: n.e.Stamp, State: cache.Forgotten}, supersede}
		if old == nil && !d.maybeLocked(n.e.Key) {
			return
		}
	}
	if old == nil && len(d.queue.notes) >= d.room+maxMore {
		d.wipeLocked()
		return
	}
	d.queue.notes[n.e.Key] = n
	d.queued += weight(n)
}

// What may wait at once when a node leaves all of its memory here, see Last.
const (
	lastElements = 1 << 18
	LastBytes    = maxQueued / 2 // of keys and values
)

// Last is called when the node ends and is about to leave all of its memory here.
// It returns how many elements it may note before it waits for Flush, if they have LastBytes
// at most: more than MaxQueued where that is small, since every batch costs writes all
// over the file, and nobody else notes much any more.
func (d *Disk) Last() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.room = max(d.c.MaxQueued, 2*lastElements)
	return d.room / 2
}

// storable reports whether the store takes a key. It would refuse the whole batch
// for one that it does not take.
func storable(key string) bool { return key != "" && len(key) <= bbolt.MaxKeySize }

func weight(n *note) int64 { return int64(len(n.e.Key) + len(n.e.Value.Bytes)) }

// maybeLocked reports whether a version of the key may be on disk, or on its way.
func (d *Disk) maybeLocked(key string) bool {
	if d.writing != nil && d.writing.notes[key] != nil {
		return true
	}
	_, ok := d.known[xxh3.HashString(key)]
	return ok && !d.wiping
}

// merge returns what two notes of a key come to, the second noted later.
func merge(old, n *note, byStamp bool) *note {
	c := n.e.Stamp.Compare(old.e.Stamp)
	switch {
	case n.kind == remove && !byStamp:
		return n
	case old.kind == remove && !byStamp && n.kind != put:
		return old
	case old.kind == forget && n.kind <= remove && c == 0:
		return old
	case n.kind == supersede && c == 0:
		return old
	case c >= 0:
		return n
	}
	return old
}

func (d *Disk) noteFloorLocked(k floor, e *cache.Element) {
	if d.c.ByStamp && (e.State == cache.Forgotten || !storable(cache.FloorKey(k.op, k.name))) { // on this node alone, or not to be remembered there: nothing of it may stay
		d.wipeLocked()
		return
	}
	one := floors{k: e.Stamp}
	if !d.c.ByStamp {
		for key, n := range d.queue.notes {
			if one.covers(&n.e, false) { // on disk it may have other tags
				d.queued -= weight(n)
				delete(d.queue.notes, key)
				d.noteLocked(&note{cache.Element{Key: key, Stamp: n.e.Stamp}, remove})
			}
		}
	}
	d.queue.floors.raise(k, e.Stamp)
	if d.c.ByStamp {
		d.floors.raise(k, e.Stamp)
	}
	if len(d.queue.floors)+len(d.floors) > maxFloors {
		d.wipeLocked()
	}
}

// wipeLocked makes everything that was noted so far void.
func (d *Disk) wipeLocked() {
	d.count.wiped++
	d.wiping, d.queued = true, 0
	d.queue = newBatch()
	if len(d.floors) > maxFloors {
		d.floors = floors{}
	}
}

func newBatch() *batch { return &batch{notes: map[string]*note{}, floors: floors{}, over: floors{}} }

func (d *Disk) wakeLocked() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// queuedLocked returns what is not written yet of a key, nil if nothing is. void is
// whether nothing that is written counts. What a removal of many means comes as removed.
func (d *Disk) queuedLocked(key string) (n *note, void bool) {
	n = d.queue.notes[key]
	fs := floors(nil)
	if n == nil && d.writing != nil && !d.wiping {
		n, fs = d.writing.notes[key], d.queue.floors
	}
	if n != nil && n.kind == put && (fs.covers(&n.e, d.c.ByStamp) || d.c.ByStamp && d.floors.covers(&n.e, true)) {
		n = &note{cache.Element{Key: key, Stamp: n.e.Stamp}, remove}
	}
	return n, d.wiping
}

// older reports whether a version on disk counts, and not the note.
func (n *note) older(s cache.Stamp) bool {
	c := n.e.Stamp.Compare(s)
	return c < 0 || c == 0 && n.kind == supersede
}
