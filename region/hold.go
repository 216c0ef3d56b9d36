// SPDX-License-Identifier: Apache-2.0

package region

import (
	"strings"
	"sync"
	"sync/atomic"

	"lateral/cache"
)

// heldKeys are the keys that are kept out of memory while their source changes.
type heldKeys struct {
	n        atomic.Int64 // so that a region without any pays one load
	mu       sync.Mutex   // guards what follows; taken after an element's
	keys     map[string]int
	prefixes map[string]int
}

func (h *heldKeys) add(key string, by int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.keys == nil {
		h.keys, h.prefixes = map[string]int{}, map[string]int{}
	}
	of := h.keys
	if cache.IsPrefix(key) {
		of = h.prefixes
	}
	if of[key] += by; of[key] <= 0 {
		delete(of, key)
	}
	h.n.Store(int64(len(h.keys) + len(h.prefixes)))
}

// Held reports whether a key is held, by itself or with its prefix.
func (r *Region) Held(key string) bool {
	h := &r.holds
	if h.n.Load() == 0 {
		return false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.keys[key] > 0 {
		return true
	}
	for p := range h.prefixes {
		if strings.HasPrefix(key, p) {
			return true
		}
	}
	return false
}

// Hold drops a key, or a prefix, without telling any peer, and keeps what is
// loaded of it out of memory until Release: its source is about to change.
// Holds of one key add up. What a caller puts there himself stays.
func (r *Region) Hold(now int64, key string) {
	r.holds.add(key, 1) // a fill that has not seen this is in memory before what follows
	if cache.IsPrefix(key) {
		r.invalidateAll(now)
		r.sweepOut(func(h *held) verdict {
			if in(cache.Remove, key, h.Key, nil) {
				return goes
			}
			return stays
		})
	} else {
		hash := hashOf(key, r.seed)
		r.mem.lock(hash)
		r.invalid.add(hash, now)
		if prev, found := r.mem.peek(key, hash); found {
			r.leave(now, key, hash, cache.LocalOnly, cache.Stamp{}, &prev, found, "")
		}
		r.mem.unlock(hash)
	}
	r.tellDisks(cache.Remove, key, r.clock.Next(now))
}

// Release ends a Hold. What was loaded before is not kept after it either.
func (r *Region) Release(now int64, key string) {
	if cache.IsPrefix(key) {
		r.invalidateAll(now)
	} else {
		hash := hashOf(key, r.seed)
		r.mem.lock(hash)
		r.invalid.add(hash, now)
		r.mem.unlock(hash)
	}
	r.holds.add(key, -1)
}
