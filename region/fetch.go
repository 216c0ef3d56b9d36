// SPDX-License-Identifier: Apache-2.0

package region

import (
	"context"
	"slices"

	"lateral/cache"
)

// Asks reports whether a miss may go to any auxiliary at all.
func (r *Region) Asks() bool {
	for i := range r.s.Auxiliaries {
		if b := &r.s.Auxiliaries[i]; Asks(b.Kind, b.Gates) {
			return true
		}
	}
	return false
}

// Fetch takes a miss to the auxiliaries in the order of the ccf, as far as
// their settings allow. It returns the first element found and where it was
// (FromDisk, FromRemote or FromLateral), and an error only if none was found.
func (r *Region) Fetch(ctx context.Context, key string) (e cache.Element, from cache.Origin, ok bool, err error) {
	for i := range r.s.Auxiliaries {
		b := &r.s.Auxiliaries[i]
		if !Asks(b.Kind, b.Gates) {
			continue
		}
		var ferr error
		if e, ok, ferr = b.Aux.Fetch(ctx, r.s.Name, key); ok && (b.Kind == cache.Lateral || r.believes(&e)) {
			return e, found[b.Kind], true, nil
		}
		if ferr != nil {
			err = ferr
		}
	}
	return cache.Element{}, 0, false, err
}

var found = map[cache.Kind]cache.Origin{cache.Disk: cache.FromDisk, cache.RemoteTier: cache.FromRemote, cache.Lateral: cache.FromLateral}

// believes reports whether what was found on disk or at a remote tier is not older than what the
// region knows of. The disk has been told all of that; but removals of many
// that capacity or their number caused only memory knows.
func (r *Region) believes(e *cache.Element) bool {
	if r.mode != Replicate {
		return true
	}
	hash := hashOf(e.Key, r.seed)
	r.mem.lock(hash)
	h, ok := r.mem.peek(e.Key, hash)
	r.mem.unlock(hash)
	tags := ""
	if e.Attr != nil {
		tags = e.Attr.Tags
	}
	return !(ok && e.Stamp.Before(h.Stamp)) && r.floors.covers(e.Key, tags, e.Stamp) == stays
}

// Keep hands the disks what memory holds, before the node ends (JCS:
// CompositeCache.dispose), in the order of keys: a tree on disk then writes each of its
// pages once, and not once for every batch. before is asked about each element,
// with the bytes of its key and value; false ends it. No lock is held meanwhile, so
// it may wait. The list of keys takes 16 bytes for each element.
func (r *Region) Keep(before func(bytes int) bool) (kept int) {
	live, _, _ := r.mem.size()
	keys := make([]string, 0, live)
	r.mem.each(func(h held) bool {
		if h.State == cache.Live {
			keys = append(keys, h.Key)
		}
		return true
	})
	slices.Sort(keys)
	for _, key := range keys {
		hash := hashOf(key, r.seed)
		r.mem.lock(hash)
		h, ok := r.mem.peek(key, hash)
		r.mem.unlock(hash)
		if !ok || h.State != cache.Live {
			continue
		}
		if !before(len(key) + len(h.Value.Bytes)) {
			break
		}
		r.mem.lock(hash)
		if h, ok = r.mem.peek(key, hash); ok && h.State == cache.Live { // it may be gone by now, and its removal on disk
			r.spool(&h)
			kept++
		}
		r.mem.unlock(hash)
	}
	return kept
}
