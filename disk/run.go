// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"maps"
	"os"
	"time"

	"github.com/zeebo/xxh3"

	"lateral/cache"
)

const (
	retryEvery  = 5 * time.Second  // without a store
	expireEvery = 30 * time.Second // a part of the store is looked through for what is over its lifetime
	// gather is how long a small batch waits for more: each is a write that
	// waits for the medium.
	gather = 5 * time.Millisecond
)

// Run writes what is noted until ctx ends; then what is left, and it closes
// the files. It returns nil: what goes wrong with the disk is in Status.
func (d *Disk) Run(ctx context.Context) error {
	retry, expire := time.NewTicker(retryEvery), time.NewTicker(expireEvery)
	defer retry.Stop()
	defer expire.Stop()
	at := "" // key up to which the store was looked through
	for {
		select {
		case <-ctx.Done():
			d.end()
			return nil
		case <-d.wake:
			pause(ctx, gather)
			d.write()
			d.maybePack(ctx)
		case <-retry.C:
			d.retry()
		case <-expire.C:
			at = d.expire(at)
		}
	}
}

func pause(ctx context.Context, t time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(t):
	}
}

// write writes what waits.
func (d *Disk) write() {
	s := d.currentStore()
	if s == nil {
		d.retry()
		return
	}
	d.mu.Lock()
	wiping := d.wiping
	b := d.queue
	b.seq = d.seq
	all := maps.Clone(d.floors)
	d.writing, d.queue, d.queued = b, newBatch(), 0
	d.mu.Unlock()
	if wiping {
		if s = d.wipe(s); s == nil {
			return
		}
		if d.c.ByStamp {
			b.floors = all
		}
	}
	if b.size() == 0 {
		d.wrote(s, b, change{})
		return
	}
	ch, err := s.apply(b, all, d.c.ByStamp, limits{d.c.MaxElements, d.c.MaxBytes})
	switch {
	case err == nil:
		d.wrote(s, b, ch)
	case harmed(err):
		d.replace(s, err)
		d.retry()
	default:
		d.giveUp(err)
	}
}

// giveUp is for a store that cannot be written: it does not know of what was
// removed since, so it must not be there when the node starts again.
func (d *Disk) giveUp(err error) {
	rerr := ignoreMissing(os.Remove(d.file(""))) // while its lock is held
	d.fail(err)
	if rerr != nil { // some systems do not remove what is open
		rerr = ignoreMissing(os.Remove(d.file("")))
	}
	if rerr == nil && !d.c.unsynced {
		rerr = syncDir(d.c.Dir)
	}
	if rerr != nil {
		d.c.Log.Error("the elements on disk lack what is removed from now on, and cannot be deleted: delete them before the next start", "file", d.file(""), "error", rerr)
	}
}

func (d *Disk) wrote(s *store, b *batch, ch change) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.store != s { // it was given up meanwhile
		return
	}
	for key, there := range ch.keys {
		if there {
			d.known[xxh3.HashString(key)] = struct{}{}
		} else {
			delete(d.known, xxh3.HashString(key))
		}
	}
	if d.changed != nil {
		maps.Copy(d.changed, ch.keys)
	}
	d.count.written += ch.written
	d.count.removed += ch.removed
	d.count.evicted += ch.evicted
	d.removals += int(ch.removed + ch.evicted)
	d.seen = held{s.live, s.dead, s.total.bytes}
	d.writing = nil
	d.settleLocked(b.seq)
}

// wipe empties the store, nil if it cannot. Nobody reads it meanwhile: all of
// it is void.
func (d *Disk) wipe(s *store) *store {
	_, err := s.clear()
	switch {
	case err == nil:
		d.mu.Lock()
		d.known, d.wiping, d.removals = map[uint64]struct{}{}, false, 0
		d.cleared++ // what was copied of it so far is void
		d.mu.Unlock()
		return s
	case harmed(err):
		d.replace(s, err)
		d.retry()
	default:
		d.giveUp(err)
	}
	return nil
}

// retry opens the files again where there are none open. They start empty.
func (d *Disk) retry() {
	if d.currentStore() != nil {
		return
	}
	err := os.MkdirAll(d.c.Dir, 0o700)
	if err == nil {
		err = d.open(true, false)
	}
	if err != nil {
		d.fail(err)
		return
	}
	d.c.Log.Info("the disk tier of a region works", "region", d.c.Region, "dir", d.c.Dir)
}

// Flush returns when everything that was noted before is on the medium, or ctx
// ends, or with an error if the disk does not work.
func (d *Disk) Flush(ctx context.Context) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	want := d.seq
	for d.store != nil && d.done < want {
		settled := d.settled
		d.wakeLocked()
		d.mu.Unlock()
		select {
		case <-settled:
		case <-ctx.Done():
			d.mu.Lock()
			return ctx.Err()
		}
		d.mu.Lock()
	}
	if d.store == nil {
		return errors.Join(errDown, errors.New(d.why))
	}
	return nil
}

// end writes what is left, packs the file if it is to be, and closes it.
func (d *Disk) end() {
	if d.currentStore() != nil {
		d.write()
		if d.c.PackAtEnd && d.free() >= 0.25 {
			d.pack(context.Background())
		}
	}
	d.marking.Lock()
	if d.currentStore() != nil {
		if err := d.mark(d.alone); err != nil {
			d.c.Log.Warn("the end of this life could not be noted", "region", d.c.Region, "cause", err)
		}
	}
	d.marking.Unlock()
	d.files.Lock()
	d.mu.Lock()
	s := d.store
	d.store, d.why = nil, "the node has ended"
	d.settleLocked(d.seq)
	d.mu.Unlock()
	d.files.Unlock()
	if s != nil {
		s.close()
	}
}

// Close is the end of a Disk that is not run.
func (d *Disk) Close() { d.end() }

// maxLooked is how many records one pass of expire reads.
const maxLooked = 20_000

// expire looks through a part of the store for elements over their lifetime,
// and removals that need not be remembered any more, and returns where to go on.
func (d *Disk) expire(from string) string {
	s := d.currentStore()
	if s == nil {
		return ""
	}
	now := d.c.Now().UnixMilli()
	var gone []cache.Element
	next, err := s.each("", from, maxLooked, func(e *cache.Element, _ []byte, _ uint64) error { d.collect(&gone, e, now); return nil })
	if err != nil {
		d.replace(s, err)
		return ""
	}
	d.mu.Lock()
	for i := range gone {
		d.seq++
		d.noteLocked(&note{cache.Element{Key: gone[i].Key, Stamp: gone[i].Stamp, State: cache.Forgotten}, forget})
	}
	for k, s := range d.floors {
		if d.forgotten(s, now) {
			delete(d.floors, k)
			d.queue.over[k] = s
		}
	}
	d.count.expired += uint64(len(gone))
	d.wakeLocked()
	d.mu.Unlock()
	return next
}

func (d *Disk) collect(gone *[]cache.Element, e *cache.Element, now int64) {
	if e.State == cache.Live && d.over(e, now) || e.State == cache.Tombstone && d.forgotten(e.Stamp, now) {
		*gone = append(*gone, cache.Element{Key: e.Key, Stamp: e.Stamp}) // not its value: there may be many
	}
}

// forgotten reports whether a removal need not be remembered any more: what it
// removed is over the longest life, whosever clock says so.
func (d *Disk) forgotten(s cache.Stamp, now int64) bool {
	return now-s.UnixMilli() > (d.c.Retention + d.c.Retention/50).Milliseconds()
}
