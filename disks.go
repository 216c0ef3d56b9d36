// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"

	"lateral/cache"
	"lateral/ccf"
	"lateral/disk"
	"lateral/mesh"
	"lateral/region"
)

// disks are the disk tier of a node: one goroutine for each region that has
// one, from when the region is made until the node has left its cluster.
type disks struct {
	life context.Context
	stop context.CancelFunc

	mu    sync.Mutex // guards what follows
	ended bool
	runs  sync.WaitGroup
}

// run runs a disk; false if the node has ended.
func (ds *disks) run(d *disk.Disk) bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if ds.ended {
		return false
	}
	ds.runs.Go(func() { d.Run(ds.life) })
	return true
}

// end ends all, and returns when they have closed their files.
func (ds *disks) end() {
	ds.mu.Lock()
	ds.ended = true
	ds.mu.Unlock()
	ds.stop()
	ds.runs.Wait()
}

// A regionDisk is one auxiliary of one region.
type regionDisk struct {
	*disk.Disk
	name               string
	c                  *ccf.Disk
	swap               bool // DiskUsagePattern=SWAP: at the end it is given what memory holds
	restored, unproven atomic.Uint64
	until              atomic.Uint64 // of what was restored: up to when it knows of every removal; 0: nothing was, or it was held against peers in vain
}

// openDisks opens the disks of a region that is about to be made.
func (rs *regions) openDisks(s *region.Settings, mode region.Mode) (out []*regionDisk, err error) {
	for i := range s.Auxiliaries {
		a := &s.Auxiliaries[i]
		if a.Kind != cache.Disk {
			continue
		}
		aux, _ := rs.n.ccf.Auxiliary(a.Name)
		c := aux.Disk
		d := &regionDisk{name: a.Name, c: c, swap: !a.DiskUpdate}
		d.Disk = disk.Open(disk.Config{Dir: filepath.Join(c.Path, fileName(rs.n.service), fileName(s.Name)), Region: s.Name,
			Trust: trust(c, mode), ByStamp: mode == region.Replicate, Retention: s.LongestLife(),
			MaxElements: c.MaxElements, MaxBytes: c.MaxBytes, MaxQueued: c.MaxPurgatorySize,
			PackAtRemovals: c.OptimizeAtRemoveCount, PackAtEnd: c.OptimizeOnShutdown, Clear: c.ClearDiskOnStartup,
			Now: rs.n.wall, Log: rs.n.log.With("auxiliary", a.Name)})
		a.Aux = d
		out = append(out, d)
	}
	return out, nil
}

// trust says when a region's disk is believed at the start (disk.Trust).
func trust(c *ccf.Disk, mode region.Mode) disk.Trust {
	switch {
	case mode == region.Invalidate || c.Restore == "NEVER":
		return disk.TrustNone
	case mode == region.Local || c.Restore == "ALWAYS":
		return disk.TrustAll
	}
	return disk.TrustAlone
}

// fileName makes a name of a file of any name; different ones of different.
func fileName(name string) string {
	f := strings.ReplaceAll(url.QueryEscape(name), ".", "%2E")
	if len(f) > 200 {
		return f[:180] + "~" + strconv.FormatUint(xxh3.HashString(name), 16)
	}
	return f
}

// restore takes what an earlier life left on disk into memory, the newest, by
// the merge that every element goes through; and starts the disks. The region
// is not known to anybody yet.
func (b *bound) restore() error {
	links := b.n.linkings()
	for _, d := range b.disks {
		until := d.Restore(b.Settings().MaxObjects, func(e cache.Element) {
			_, err := b.Apply(b.n.now(), cache.Command{Op: cache.Merge, Origin: cache.FromDisk, Key: e.Key, Value: e.Value, Attr: e.Attr,
				Stamp: e.Stamp, Accessed: e.Accessed, State: e.State})
			if err == nil {
				d.restored.Add(1)
			}
		})
		d.until.Store(until)
		if until != 0 && b.digest != nil && d.c.Restore != "ALWAYS" && (b.accompanied() || b.n.linkings() != links) {
			b.doubt(d, math.MaxUint64>>1) // nobody has said what he has forgotten of this region
		}
		if !b.n.disks.run(d.Disk) {
			d.Close()
			return cache.ErrClosed
		}
	}
	b.tellAlone()
	return nil
}

// tellAlone has the disks know whether any peer is linked.
func (b *bound) tellAlone() {
	if len(b.disks) == 0 {
		return
	}
	before := b.n.linkings()
	alone := !b.accompanied()
	for _, d := range b.disks {
		d.Alone(alone)
		if alone && b.n.linkings() != before { // a link is coming up: linking may have said so before
			d.Alone(false)
		}
	}
}

// accompanied reports whether there is anybody else who may hold the region.
func (b *bound) accompanied() bool {
	return slices.ContainsFunc(b.n.endpoints, func(e *endpoint) bool { return slices.Contains(b.aux, e.name) && e.accompanied() })
}

func (n *Node) linkings() (sum uint64) {
	for _, e := range n.endpoints {
		sum += e.linkings.Load()
	}
	return sum
}

// accompanied reports whether there is anybody else, in either protocol: linked,
// or gone without a goodbye not long ago.
func (e *endpoint) accompanied() bool {
	if !e.mesh.Alone() {
		return true
	}
	if e.java == nil {
		return false
	}
	links, _ := e.java.links.Status()
	return len(links) > 0
}

// linking is called before a link is up: from now on somebody may remove what
// this node does not hear of, if it ends. And he may know of removals since
// this node's last life that he does not remember any more: then nothing of
// that life can be told from what was removed. Who was linked before has reckoned with this
// node since, and remembers what it lacks.
func (e *endpoint) linking(forgot map[string]mesh.Forgotten, m mesh.Meeting) {
	e.linkings.Add(1)
	for _, b := range e.n.regions.all() {
		if !slices.Contains(b.aux, e.name) {
			continue
		}
		f := forgot[b.Name()]
		b.Forget(f.Removed)
		for _, d := range b.disks {
			d.Alone(false)
			if d.c.Restore != "ALWAYS" && b.digest != nil && m == mesh.First {
				b.doubt(d, f.Removed)
			}
		}
		if m == mesh.AfterGap { // who has just come has nothing but what it was given, or restored
			b.doubtMore(f.Unseen)
		}
	}
}

// clocks is by how much those of two members may differ.
const clocks = time.Second

// doubt drops what was restored from a disk if a peer has forgotten removals
// that are newer.
func (b *bound) doubt(d *regionDisk, forgot uint64) {
	until := d.until.Load()
	if until == 0 || forgot+cache.StampAt(clocks.Milliseconds(), 0).Time <= until {
		return
	}
	d.until.Store(0)
	d.unproven.Add(1)
	d.Wipe()
	b.n.log.Warn("what was restored from disk may have been removed since, as a peer has removals that it does not remember any more: it is dropped",
		"region", b.Name(), "auxiliary", d.name, "dropped", b.DropOlder(until))
}

// doubtMore drops what disks have beyond memory if a peer had versions, which are not in its
// memory any more, that this node has not had. What is in memory a sync compares.
func (b *bound) doubtMore(unseen uint64) {
	if len(b.disks) == 0 || !b.Doubts(b.n.now(), unseen) {
		return
	}
	for _, d := range b.disks {
		d.Wipe()
		b.n.log.Warn("a peer had no room any more for changes that this node has missed: what is on disk may be older than these, and is dropped",
			"region", b.Name(), "auxiliary", d.name)
	}
}

// keepOnDisk is the end of the disks: they are given what is in memory, where
// that is to be found there again, and written.
func (n *Node) keepOnDisk() {
	var all sync.WaitGroup
	for _, b := range n.regions.all() {
		for _, d := range b.disks {
			if trust(d.c, b.Region.Mode()) != disk.TrustNone {
				all.Go(func() { b.spool(d) })
			}
		}
	}
	all.Wait()
	n.disks.end()
}

// spool writes one disk for the last time, for as long as ShutdownSpoolTimeLimit
// says.
func (b *bound) spool(d *regionDisk) {
	ctx, cancel := context.WithTimeout(b.n.disks.life, max(d.c.ShutdownSpoolTimeLimit, time.Millisecond))
	defer cancel()
	flush := func() bool { return d.Flush(ctx) == nil }
	if (d.swap || b.Doubted()) && flush() {
		room, size := d.Last(), int64(0)
		n := 0
		b.Keep(func(bytes int) bool {
			if n++; n > room || size+int64(bytes) > disk.LastBytes {
				n, size = 1, 0
				if !flush() {
					return false
				}
			}
			size += int64(bytes)
			return true
		})
	}
	if err := d.Flush(ctx); err != nil {
		b.n.log.Warn("not everything that was in memory is on disk", "region", b.Name(), "auxiliary", d.name, "cause", err)
	}
	d.Alone(!b.accompanied())
}

func (b *bound) diskStatus() (out []cache.DiskStatus) {
	for _, d := range b.disks {
		st := d.Status()
		st.Name, st.Restored = d.name, d.restored.Load()
		st.Unproven += d.unproven.Load()
		out = append(out, st)
	}
	return out
}
