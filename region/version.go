// SPDX-License-Identifier: Apache-2.0

package region

import (
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/zeebo/xxh3"

	"lateral/cache"
)

// maxVersions bounds how many keys' versions a region knows: 5 MiB at most.
const maxVersions = 1 << 17

// versions are the newest versions of keys that their source is known to have,
// by removals and by fills. They keep out what comes from a lagging replica of
// the source, which a ticket cannot: it is read after the invalidation, and is
// old all the same.
//
// Keys are remembered by 128 bits of hash in two generations. When the young
// one holds half of maxVersions, or is older than the retention, the old one
// is forgotten; whoever is asked for moves to the young one.
type versions struct {
	seed      uint64
	retention time.Duration
	used      atomic.Bool // so that a region without versions pays one load

	mu         sync.Mutex // guards what follows
	young, old map[xxh3.Uint128]uint64
	born       int64  // ms, of the young
	forgotten  uint64 // keys that went because there were too many
}

// raise notes that the source has had this version of the key. It returns
// false, and notes nothing, if it is known to have had a newer one.
func (v *versions) raise(now int64, key string, version uint64) bool {
	v.used.Store(true)
	h := xxh3.HashString128Seed(key, v.seed)
	v.mu.Lock()
	defer v.mu.Unlock()
	known, ok := v.young[h]
	if !ok {
		known = v.old[h]
	}
	if version < known {
		return false
	}
	if !ok {
		v.age(now)
	}
	v.young[h] = version
	return true
}

// age begins a new generation if it is time.
func (v *versions) age(now int64) {
	full := len(v.young) >= maxVersions/2
	if v.young != nil && !full && now-v.born <= v.retention.Milliseconds() {
		return
	}
	if full {
		v.forgotten += uint64(len(v.old))
	}
	v.old, v.young, v.born = v.young, map[xxh3.Uint128]uint64{}, now
}

// expire is the pass of housekeeping.
func (v *versions) expire(now int64) {
	if !v.used.Load() {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.age(now)
}

// VersionValue is the value of a Remove command that says which version its
// source has now. It travels with the removal as any value does.
func VersionValue(version uint64) cache.Value {
	return cache.Value{Bytes: string(binary.BigEndian.AppendUint64(nil, version))}
}

// versionOf reads it; 0 is none.
func versionOf(v *cache.Value) uint64 {
	if len(v.Bytes) != 8 {
		return 0
	}
	return binary.BigEndian.Uint64([]byte(v.Bytes))
}
