// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/zeebo/xxh3"

	"lateral/cache"
)

// Config is what a Disk is opened from.
type Config struct {
	Dir    string // of this region alone; made if it is not there
	Region string
	Trust  Trust
	// ByStamp is for regions whose values travel: removals are kept, too.
	ByStamp   bool
	Retention time.Duration // ByStamp: the longest life of anything

	MaxElements    int   // removals that are kept among them; < 0 is unlimited
	MaxBytes       int64 // of keys and records; the file may take three times that; ≤ 0 is unlimited
	MaxQueued      int   // elements that may wait to be written
	PackAtRemovals int   // pack the file after so many removals; ≤ 0: when half of it is free
	PackAtEnd      bool  // pack the file at the end if a quarter of it is free
	Clear          bool  // start empty

	Now func() time.Time // nil: time.Now
	Log *slog.Logger     // nil: slog.Default()

	unsynced bool // tests alone: nothing is waited for until it is on the medium
}

// A Disk is one region on disk. Its methods may be called by many goroutines.
//
// Lock order: an element's of the region, then files, then mu.
type Disk struct {
	c    Config
	wake chan struct{}

	files sync.RWMutex // held to read the store, and alone to put another in its place
	mu    sync.Mutex   // guards what follows

	store    *store // nil: there is none now, see why
	why      string
	known    map[uint64]struct{} // hashes of the keys that the store has
	floors   floors              // ByStamp: all that are kept
	queue    *batch
	queued   int64  // bytes of it
	room     int    // elements that may wait in it
	writing  *batch // by Run, nil if none
	wiping   bool   // what is in the store and in writing is void
	seq      uint64 // of the last note
	done     uint64 // up to where everything is on the medium
	settled  chan struct{}
	count    counters
	seen     held            // of the store, as of the last batch
	removals int             // since the file was packed
	changed  map[string]bool // by key, since packing began; nil: it has not
	cleared  int             // how often the store was emptied

	marking sync.Mutex // held to change alone, and the file that says so; taken before files
	alone   bool
	until   int64 // of the last life's state
}

type counters struct {
	hits, misses, expired, written, removed, evicted, lost, wiped, harmed, packed, failures, unproven uint64
}

// held is what a store holds.
type held struct {
	live, dead int
	bytes      uint64
}

const (
	elementsFile = "elements.db"
	badSuffix    = ".bad"
	unproven     = ".unproven"
)

// Open opens the files of a region, as far as Trust goes. It always returns a
// Disk: if there is no getting at the files that keeps nothing, Status says
// why, and Run tries again.
func Open(c Config) *Disk {
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	d := &Disk{c: c, wake: make(chan struct{}, 1), queue: newBatch(), room: c.MaxQueued, floors: floors{}, settled: make(chan struct{})}
	d.alone = true // so far
	last := readState(c.Dir, c.Region)
	d.until = last.Until
	err := os.MkdirAll(c.Dir, 0o700)
	if err == nil {
		err = d.open(c.Clear || c.Trust == TrustNone, c.Trust == TrustAlone && !last.Alone)
	}
	if err != nil {
		d.fail(err)
	}
	return d
}

func (d *Disk) file(suffix string) string { return filepath.Join(d.c.Dir, elementsFile+suffix) }

func ignoreMissing(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// open opens the file, whose lock is what makes it this process's. One that is
// harmed is put aside, and another begun. wipe is to empty it, aside to keep
// what is in it where nothing reads it.
func (d *Disk) open(wipe, aside bool) error {
	s, o, err := openStore(d.file(""), d.c.unsynced)
	if errors.Is(err, ErrHarmed) {
		d.quarantine(err)
		s, o, err = openStore(d.file(""), d.c.unsynced)
	}
	if err == nil {
		os.Remove(d.file(packSuffix)) // of a life that was killed while it packed
	}
	switch {
	case err != nil:
	case wipe:
		o, err = s.clear()
	case aside && s.live+s.dead > 0:
		s, o, err = d.setAside(s)
	}
	if err != nil {
		return err
	}
	d.marking.Lock()
	defer d.marking.Unlock()
	if err := d.mark(d.alone); err != nil {
		s.close()
		return err
	}
	d.files.Lock()
	d.mu.Lock()
	d.store, d.why, d.known = s, "", o.known
	d.queue, d.queued, d.writing, d.wiping, d.removals = newBatch(), 0, nil, false, 0
	d.seen = held{s.live, s.dead, s.total.bytes}
	d.floors = floors{}
	if d.c.ByStamp {
		d.floors = o.floors
	}
	d.settleLocked(d.seq)
	d.mu.Unlock()
	d.files.Unlock()
	return nil
}

// setAside keeps what an earlier life left and this one does not believe, and
// begins an empty file.
func (d *Disk) setAside(s *store) (*store, *opened, error) {
	d.count.unproven++
	d.c.Log.Warn("what is on disk may have been removed since by peers, and is set aside: the region starts empty and is filled by them",
		"region", d.c.Region, "file", d.file(unproven), "elements", s.live)
	err := os.Rename(d.file(""), d.file(unproven))
	s.close()
	if err != nil { // some systems do not rename what is open
		err = os.Rename(d.file(""), d.file(unproven))
	}
	if err != nil {
		return nil, nil, err
	}
	return openStore(d.file(""), d.c.unsynced)
}

// quarantine puts the file aside, and lets an older one go for it.
func (d *Disk) quarantine(cause error) {
	d.mu.Lock()
	d.count.harmed++
	d.mu.Unlock()
	err := os.Rename(d.file(""), d.file(badSuffix))
	if err != nil {
		err = os.Remove(d.file(""))
	}
	d.c.Log.Error("a file of the disk tier is harmed and put aside: nothing of it is served, the region goes on without", "region", d.c.Region,
		"file", d.file(badSuffix), "cause", cause, "error", err)
}

// fail gives the store up: what is noted from now on is not kept, and when
// there is a store again it is empty, as it missed that.
func (d *Disk) fail(cause error) {
	d.files.Lock()
	d.mu.Lock()
	s, before := d.store, d.why
	d.store, d.why, d.known = nil, cause.Error(), nil
	if d.writing != nil {
		d.count.lost += uint64(len(d.writing.notes))
	}
	d.count.lost += uint64(len(d.queue.notes))
	d.queue, d.queued, d.writing, d.wiping = newBatch(), 0, nil, false
	d.count.failures++
	d.settleLocked(d.seq)
	d.mu.Unlock()
	d.files.Unlock()
	if s != nil {
		s.close()
	}
	if before != cause.Error() {
		d.c.Log.Error("the disk tier of a region does not work: the region goes on in memory", "region", d.c.Region, "dir", d.c.Dir, "cause", cause)
	}
}

// errDown is what Flush returns while there is no store.
var errDown = errors.New("the disk does not work")

// settleLocked notes up to where everything is on the medium, or given up.
func (d *Disk) settleLocked(seq uint64) {
	d.done = seq
	close(d.settled)
	d.settled = make(chan struct{})
}

// Fetch looks a key up: first in what waits to be written. It reads a page or
// two, and waits for nobody.
func (d *Disk) Fetch(_ context.Context, _, key string) (cache.Element, bool, error) {
	e, state := d.Look(key)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch state {
	case cache.KnownLive:
		d.count.hits++
		return e, true, nil
	case cache.KnownExpired:
		d.count.expired++
	}
	d.count.misses++
	return cache.Element{}, false, nil
}

// Look is Fetch for those who only want to know: it counts nothing, and returns
// what is there that is not served, too: KnownExpired, KnownTombstone for a
// removal. Nothing is KnownAbsent.
func (d *Disk) Look(key string) (e cache.Element, state cache.KnownState) {
	d.mu.Lock()
	n, void := d.queuedLocked(key)
	_, known := d.known[xxh3.HashString(key)]
	d.mu.Unlock()
	found, live, stored := false, false, false
	if n != nil {
		e, found, live = n.e, n.kind != supersede, n.kind == put
	}
	if known && !void && (n == nil || n.kind != remove || d.c.ByStamp) {
		// What waits may be older than what is there, and will be refused then.
		if there, ok := d.read(key); ok && (n == nil || n.older(there.Stamp)) {
			e, found, live, stored = there, true, there.State == cache.Live, true
		}
	}
	now := d.c.Now().UnixMilli()
	over := live && d.over(&e, now)
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case !found || stored && (d.wiping || d.coveredLocked(&e)):
		return cache.Element{}, cache.KnownAbsent
	case !live:
		return e, cache.KnownTombstone
	case over:
		return e, cache.KnownExpired
	}
	return e, cache.KnownLive
}

// read looks in the store, for an element or a removal. A store that is harmed
// is given up at once, and nothing of it served.
func (d *Disk) read(key string) (e cache.Element, found bool) {
	d.files.RLock()
	s := d.currentStore()
	if s == nil {
		d.files.RUnlock()
		return e, false
	}
	e, record, err := s.record(key)
	d.files.RUnlock()
	if err != nil {
		d.replace(s, err)
		return cache.Element{}, false
	}
	return e, record != nil
}

func (d *Disk) currentStore() *store {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.store
}

// replace gives a harmed store up and begins another, unless somebody has.
func (d *Disk) replace(s *store, cause error) {
	d.files.Lock()
	d.mu.Lock()
	mine := d.store == s
	if mine {
		d.store, d.why, d.known, d.wiping = nil, cause.Error(), nil, true
	}
	d.mu.Unlock()
	if mine {
		s.abandon()
		d.quarantine(cause)
	}
	d.files.Unlock()
	d.wakeUp() // Run opens another
}

func (d *Disk) wakeUp() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.wakeLocked()
}

// over reports whether an element is over its lifetime or the retention.
func (d *Disk) over(e *cache.Element, now int64) bool {
	if d.c.ByStamp && now-e.Stamp.UnixMilli() > d.c.Retention.Milliseconds() {
		return true
	}
	return e.State == cache.Live && e.Attr.Expired(e.Stamp.UnixMilli(), e.Accessed, now)
}

// coveredLocked reports whether a removal of many means an element that was
// read in the store.
func (d *Disk) coveredLocked(e *cache.Element) bool {
	return d.c.ByStamp && d.floors.covers(e, true) || d.queue.floors.covers(e, d.c.ByStamp) ||
		d.writing != nil && d.writing.floors.covers(e, d.c.ByStamp)
}

// mark writes the file that says so; marking is held.
func (d *Disk) mark(alone bool) error {
	return state{Region: d.c.Region, Alone: alone, Until: d.c.Now().UnixMilli()}.write(d.c.Dir, d.c.unsynced)
}

// Wipe has the disk start empty.
func (d *Disk) Wipe() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.seq++
	d.wipeLocked()
	d.wakeLocked()
}

// Alone tells whether any peer is linked. That one is has to be told before it
// is so, and is on the medium when Alone returns.
func (d *Disk) Alone(alone bool) {
	d.marking.Lock()
	defer d.marking.Unlock()
	if d.alone == alone {
		return
	}
	d.alone = alone
	if d.currentStore() == nil {
		return
	}
	if err := d.mark(alone); err != nil {
		d.giveUp(err)
	}
}
