// SPDX-License-Identifier: Apache-2.0

package region

import (
	"cmp"
	"math"
	"slices"

	"lateral/cache"
)

// scanBits of a place in the order of Scan say which key; the rest is left to
// the caller, which may have to fit more into a number than a place.
const scanBits = 45

// A scanned is a key with its place in the order of a scan.
type scanned struct {
	at  uint64
	key string
}

// Scan returns about n live keys in the order of a hash, from a place on, and
// the next place, 0 at the end. Places have their lower 19 bits zero. A key that
// is there from the first call to the last is returned once. Each call looks at
// the whole region, so n is at least a part of it that makes their number
// small.
func (r *Region) Scan(now int64, from uint64, n int) (keys []string, next uint64) {
	found, more := r.gather(now, from, n, func(key string, _ cache.Stamp) uint64 {
		return hashOf(key, r.seed) >> (64 - scanBits) << (64 - scanBits)
	})
	for _, s := range found {
		keys = append(keys, s.key)
	}
	if !more {
		return keys, 0
	}
	return keys, found[len(found)-1].at + 1<<(64-scanBits) // 0 if it was the last place of all
}

// Since returns live keys whose versions are of a time on (ms since 1970), about n of the
// oldest, all of the last one's millisecond, and the time to go on from,
// math.MaxInt64 at the end; yield is told of each.
func (r *Region) Since(now, from int64, n int, yield func(at int64, key string)) (next int64) {
	found, more := r.gather(now, uint64(from), n, func(_ string, s cache.Stamp) uint64 { return uint64(s.UnixMilli()) })
	for _, s := range found {
		yield(int64(s.at), s.key)
	}
	if !more {
		return math.MaxInt64
	}
	return int64(found[len(found)-1].at) + 1
}

// Beside reports whether an element that was found on disk is there to be got: memory
// has nothing of its key, nor knows better.
func (r *Region) Beside(e *cache.Element) bool {
	_, _, known := r.lookup(e.Key)
	return !known && r.believes(e)
}

// gather finds about n live keys, the first from a place on.
func (r *Region) gather(now int64, from uint64, n int, place func(key string, s cache.Stamp) uint64) (found []scanned, more bool) {
	live, _, _ := r.mem.size()
	n = max(n, live/maxScans+1)
	// The n first of those behind the place are kept by cutting back what was
	// gathered whenever it has doubled.
	limit := uint64(1<<64 - 1)
	r.mem.each(func(h held) bool {
		at := place(h.Key, h.Stamp)
		if at < from || at > limit || !h.live(now) {
			return true
		}
		if found = append(found, scanned{at, h.Key}); n < 1<<30 && len(found) >= 2*n+64 {
			found = firstOf(found, n)
			limit = found[len(found)-1].at
		}
		return true
	})
	all := len(found)
	found = firstOf(found, n)
	return found, len(found) < all || limit < 1<<64-1
}

// maxScans bounds how many calls one scan of a region takes.
const maxScans = 256

// firstOf returns the n first by place, and all others of the last one's place.
func firstOf(s []scanned, n int) []scanned {
	if len(s) <= n {
		return s
	}
	slices.SortFunc(s, func(a, b scanned) int { return cmp.Compare(a.at, b.at) })
	end := n
	for end < len(s) && s[end].at == s[n-1].at {
		end++
	}
	return s[:end]
}
