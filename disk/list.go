// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"lateral/cache"
)

// listChunk is how many records are read at once, and the writer of the file with
// them: bbolt keeps the pages of a reader.
const listChunk = 1000

// A Dated is a key with the time of its version, ms since 1970.
type Dated struct {
	At  int64
	Key string
}

// Since returns the keys on disk, waiting to be written or written, whose versions are of
// a time on (ms since 1970): the n oldest, and all others of the last one's
// millisecond; and the time to go on from, math.MaxInt64 at the end. Look tells which are served.
// A key that is written again gets a later time, so who goes on misses none.
func (d *Disk) Since(from int64, n int) (keys []Dated, next int64) {
	d.mu.Lock()
	keys = appendSince(keys, d.queue, from)
	if d.writing != nil {
		keys = appendSince(keys, d.writing, from)
	}
	d.mu.Unlock() // first: what waits now is written a moment later
	d.files.RLock()
	s, err := d.currentStore(), error(nil)
	next = math.MaxInt64
	if s != nil {
		keys, next, err = s.since(keys, from, n)
	}
	d.files.RUnlock()
	if err != nil {
		d.replace(s, err)
		return nil, math.MaxInt64
	}
	slices.SortFunc(keys, func(a, b Dated) int { return cmp.Or(cmp.Compare(a.At, b.At), strings.Compare(a.Key, b.Key)) })
	keys = slices.Compact(keys)
	if len(keys) > n {
		next = min(next, keys[n-1].At+1)
	}
	end := len(keys)
	for end > 0 && keys[end-1].At >= next {
		end--
	}
	return keys[:end], next
}

func appendSince(keys []Dated, b *batch, from int64) []Dated {
	for key, n := range b.notes {
		if at := n.e.Stamp.UnixMilli(); n.kind == put && at >= from {
			keys = append(keys, Dated{at, key})
		}
	}
	return keys
}

// since appends the n oldest from a time on, and the others of the last one's
// millisecond. Behind next there may be more.
func (s *store) since(keys []Dated, from int64, n int) (_ []Dated, next int64, err error) {
	next = math.MaxInt64
	err = guard(func() error {
		return s.db.View(func(tx *bbolt.Tx) error {
			c := tx.Bucket(bucketOrder).Cursor()
			seek := binary.BigEndian.AppendUint64(nil, cache.StampAt(from, 0).Time)
			for at, key := c.Seek(seek); at != nil; at, key = c.Next() {
				if len(at) < 8 {
					return ErrHarmed
				}
				ms := cache.Stamp{Time: binary.BigEndian.Uint64(at)}.UnixMilli()
				if n <= 0 && ms != keys[len(keys)-1].At {
					next = ms
					break
				}
				keys = append(keys, Dated{ms, string(key)})
				n--
			}
			return nil
		})
	})
	return keys, next, err
}

// Each offers what Look would find of every key that starts with one of some prefixes, in no order and some
// perhaps twice, until yield returns false. What comes or goes meanwhile may be among it or not. It reads all
// of these records, values too, some MB at a time; yield may call back.
func (d *Disk) Each(prefixes []string, yield func(e *cache.Element) bool) {
	seen := map[string]bool{}
	d.mu.Lock()
	for _, b := range []*batch{d.queue, d.writing} {
		if b == nil {
			continue
		}
		for key := range b.notes {
			seen[key] = slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(key, p) })
		}
	}
	d.mu.Unlock()
	for key, wanted := range seen {
		if !wanted {
			continue
		}
		if e, state := d.Look(key); state == cache.KnownLive && !yield(&e) {
			return
		}
	}
	for _, p := range prefixes {
		for at, more := "", true; more; more = at != "" {
			var part []cache.Element
			part, at = d.part(p, at)
			for i := range part {
				if !seen[part[i].Key] && !yield(&part[i]) {
					return
				}
			}
		}
	}
}

// part reads live elements behind a key, and returns the one to go on behind.
func (d *Disk) part(prefix, after string) (found []cache.Element, last string) {
	d.files.RLock()
	s, err := d.currentStore(), error(nil)
	if s != nil {
		last, err = s.each(prefix, after, listChunk, func(e *cache.Element, _ []byte, _ uint64) error {
			found = append(found, *e)
			return nil
		})
	}
	d.files.RUnlock()
	if err != nil {
		d.replace(s, err)
		return nil, ""
	}
	now := d.c.Now().UnixMilli()
	var again []string
	d.mu.Lock()
	found = slices.DeleteFunc(found, func(e cache.Element) bool {
		if n, void := d.queuedLocked(e.Key); n != nil && !void {
			again = append(again, e.Key)
			return true
		}
		return d.wiping || e.State != cache.Live || d.coveredLocked(&e) || d.over(&e, now)
	})
	d.mu.Unlock()
	for _, key := range again {
		if e, state := d.Look(key); state == cache.KnownLive {
			found = append(found, e)
		}
	}
	return found, last
}
