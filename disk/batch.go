// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"

	"go.etcd.io/bbolt"

	"lateral/cache"
)

// limits of what a store holds.
type limits struct {
	elements int   // tombstones among them; < 0: unlimited
	bytes    int64 // of keys and records; ≤ 0: unlimited
}

// A batch is what one transaction writes.
type batch struct {
	notes  map[string]*note
	floors floors // older than the notes
	over   floors // need not be remembered any more
	seq    uint64 // of the last note in it
}

func (b *batch) size() int { return len(b.notes) + len(b.floors) + len(b.over) }

// change is what a transaction did, for who counts and for what is known of
// the keys.
type change struct {
	written, removed, evicted uint64
	keys                      map[string]bool // whether they are there now
}

// writer is one transaction under way.
type writer struct {
	*store // a copy: counted anew if the transaction fails
	ch     change
	order  *bbolt.Bucket
	els    *bbolt.Bucket
}

// apply writes a batch. all are the floors that hold besides, byStamp only. If
// it returns an error nothing is changed.
func (s *store) apply(b *batch, all floors, byStamp bool, l limits) (change, error) {
	w := &writer{}
	err := guard(func() error {
		return s.db.Update(func(tx *bbolt.Tx) error {
			c := *s
			w.store, w.ch = &c, change{keys: map[string]bool{}}
			w.els, w.order = tx.Bucket(bucketElements), tx.Bucket(bucketOrder)
			if err := w.sweep(tx.Bucket(bucketFloors), b.floors, byStamp); err != nil {
				return err
			}
			if err := w.forgetFloors(tx.Bucket(bucketFloors), b.over); err != nil {
				return err
			}
			keys := slices.Sorted(maps.Keys(b.notes)) // pages are written once
			w.fill(b, keys)
			for _, key := range keys {
				if err := w.note(b.notes[key], all, byStamp); err != nil {
					return err
				}
			}
			if err := w.evict(l); err != nil {
				return err
			}
			return tx.Bucket(bucketMeta).Put(metaSum, w.total.encode())
		})
	})
	if err != nil {
		return change{}, err
	}
	s.total, s.live, s.dead, s.tags = w.total, w.live, w.dead, w.tags
	return w.ch, nil
}

// dense is how full pages are made where nothing is expected between what is on
// them; else half of each is left free by bbolt.
const dense = 0.9

// fill makes the pages dense of a tree behind whose end all of a batch comes: those
// of the elements when a node leaves its memory in the order of keys, those of
// the order when it evicts the oldest.
func (w *writer) fill(b *batch, keys []string) {
	if len(keys) == 0 {
		return
	}
	if last, _ := w.els.Cursor().Last(); last == nil || keys[0] > string(last) {
		w.els.FillPercent = dense
	}
	first := []byte(nil)
	for _, n := range b.notes {
		if n.kind != put {
			continue
		}
		if at := place(&n.e); first == nil || bytes.Compare(at, first) < 0 {
			first = at
		}
	}
	if last, _ := w.order.Cursor().Last(); first != nil && (last == nil || bytes.Compare(first, last) > 0) {
		w.order.FillPercent = dense
	}
}

// old returns what is there under a key.
func (w *writer) old(key string) (e cache.Element, record []byte, sum uint64, err error) {
	if record = w.els.Get([]byte(key)); record == nil {
		return e, nil, 0, nil
	}
	e, sum, err = decode(key, record, nil)
	return e, record, sum, err
}

// note merges one note with what is there.
func (w *writer) note(n *note, all floors, byStamp bool) error {
	e := &n.e
	old, record, sum, err := w.old(e.Key)
	if err != nil {
		return err
	}
	there := record != nil
	newer := !there || e.Stamp.Compare(old.Stamp) > 0
	switch {
	case n.kind == supersede && there && newer, n.kind == forget && there && e.Stamp.Compare(old.Stamp) >= 0,
		n.kind == remove && there && !byStamp:
		w.ch.removed++
		return w.delete(&old, record, sum)
	case n.kind == supersede || n.kind == forget || n.kind == remove && !byStamp:
		return nil
	case byStamp && newer && n.kind == put && all.covers(e, true):
		if there {
			err = w.delete(&old, record, sum)
		}
		return errors.Join(err, w.leave(e, all))
	case there && old.State == cache.Live && e.Stamp == old.Stamp && e.State == cache.Live && e.Accessed > old.Accessed && !e.Attr.Eternal && e.Attr.MaxIdle > 0:
	case !newer: // of what is there already nothing is written anew
		return nil
	}
	if there {
		if err := w.delete(&old, record, sum); err != nil {
			return err
		}
	}
	if n.kind == remove {
		w.ch.removed++
	} else {
		w.ch.written++
	}
	return w.put(e)
}

// leave leaves of an element that a removal of many means a tombstone with its
// own stamp, so that nothing older comes in its place: that may not have the tag,
// say. It keeps the tags, which name the removal, as in memory.
func (w *writer) leave(e *cache.Element, fs floors) error {
	if fs.all(e) {
		return nil
	}
	t := cache.Element{Key: e.Key, Stamp: e.Stamp, State: cache.Tombstone}
	if e.Attr != nil && e.Attr.Tags != "" {
		t.Attr = &cache.Attributes{Tags: e.Attr.Tags}
	}
	return w.put(&t)
}

func (w *writer) put(e *cache.Element) error {
	record, key := encode(e), []byte(e.Key)
	_, sum, err := decode(e.Key, record, e.Attr)
	if err != nil {
		return fmt.Errorf("a record that was just made: %w", err)
	}
	w.total.add(len(record), len(key), sum)
	w.count(e, 1)
	w.ch.keys[e.Key] = true
	if err := w.els.Put(key, record); err != nil {
		return err
	}
	return w.order.Put(place(e), key)
}

func (w *writer) delete(e *cache.Element, record []byte, sum uint64) error {
	key := []byte(e.Key)
	w.total.drop(len(record), len(key), sum)
	w.count(e, -1)
	w.ch.keys[e.Key] = false
	if err := w.els.Delete(key); err != nil {
		return err
	}
	return w.order.Delete(place(e))
}

// evict takes the oldest until the store is within its limits.
func (w *writer) evict(l limits) error {
	for l.elements >= 0 && w.live+w.dead > l.elements || l.bytes > 0 && int64(w.total.bytes) > l.bytes && w.live+w.dead > 0 {
		_, key := w.order.Cursor().First()
		e, record, sum, err := w.old(string(key))
		if err == nil && record == nil {
			err = fmt.Errorf("%w: the oldest record is not there", ErrHarmed)
		}
		if err != nil {
			return err
		}
		if e.State == cache.Live {
			w.ch.evicted++
		}
		if err := w.delete(&e, record, sum); err != nil {
			return err
		}
	}
	return nil
}

// sweep deletes what removals of many mean. By stamp the removals stay.
func (w *writer) sweep(kept *bbolt.Bucket, fs floors, byStamp bool) error {
	tagged := false
	for k, s := range fs {
		if byStamp {
			if err := w.keepFloor(kept, k, s); err != nil {
				return err
			}
		}
		if k.op == cache.RemoveTag {
			tagged = true
			continue
		}
		if err := w.sweepRange(k.within(), floors{k: s}, byStamp); err != nil {
			return err
		}
	}
	if tagged && w.tags > 0 {
		return w.sweepRange("", fs, byStamp)
	}
	return nil
}

func (w *writer) sweepRange(prefix string, fs floors, byStamp bool) error {
	var gone []string // a bucket must not change under its cursor
	c := w.els.Cursor()
	for k, v := c.Seek([]byte(prefix)); k != nil && bytes.HasPrefix(k, []byte(prefix)); k, v = c.Next() {
		e, _, err := decode(string(k), v, nil)
		if err != nil {
			return err
		}
		if fs.covers(&e, byStamp) && (e.State == cache.Live || fs.all(&e)) {
			gone = append(gone, e.Key)
		}
	}
	for _, key := range gone {
		e, record, sum, err := w.old(key)
		if err != nil {
			return err
		}
		w.ch.removed++
		err = w.delete(&e, record, sum)
		if err == nil && byStamp {
			err = w.leave(&e, fs)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// all reports whether the element is below the removal of everything: its
// tombstone is needless then.
func (f floors) all(e *cache.Element) bool {
	s, ok := f[floor{op: cache.RemoveAll}]
	return ok && e.Stamp.Compare(s) <= 0
}

// keepFloor merges a removal of many into those that are kept.
func (w *writer) keepFloor(kept *bbolt.Bucket, k floor, s cache.Stamp) error {
	e := cache.Element{Key: cache.FloorKey(k.op, k.name), Stamp: s, State: cache.Floor}
	key := []byte(e.Key)
	if record := kept.Get(key); record != nil {
		old, sum, err := decode(e.Key, record, nil)
		if err != nil || !old.Stamp.Before(s) {
			return err
		}
		w.total.drop(len(record), len(key), sum)
	}
	record := encode(&e)
	_, sum, err := decode(e.Key, record, nil)
	if err != nil {
		return err
	}
	w.total.add(len(record), len(key), sum)
	return kept.Put(key, record)
}

// forgetFloors drops removals of many that are as old as when that was decided.
func (w *writer) forgetFloors(kept *bbolt.Bucket, over floors) error {
	for k, s := range over {
		key := cache.FloorKey(k.op, k.name)
		record := kept.Get([]byte(key))
		if record == nil {
			continue
		}
		e, sum, err := decode(key, record, nil)
		if err == nil && e.Stamp == s {
			w.total.drop(len(record), len(key), sum)
			err = kept.Delete([]byte(key))
		}
		if err != nil {
			return err
		}
	}
	return nil
}
