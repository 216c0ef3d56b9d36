// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// A memory is where a region keeps its elements. Writers hold the lock of a
// key (lock, unlock) from the look at what is there to the change; readers
// use get, which takes what it needs by itself.
type memory interface {
	// get returns a live element and notes the access. An element over its
	// lifetime is not returned: over is true then, and the caller drops it.
	get(key string, hash uint64, now int64) (e cache.Element, found, over bool)

	lock(hash uint64)
	unlock(hash uint64)

	// peek returns what is there, in any state, without noting an access.
	peek(key string, hash uint64) (e held, found bool)
	store(h held, hash uint64, now int64)
	drop(key string, hash uint64)

	// evict brings the memory back to its bounds; no lock may be held.
	evict()
	// sweep offers every element in turn, under its lock, and drops those for
	// which keep is false. It returns how many went.
	sweep(keep func(h held) bool) int
	// clear drops everything.
	clear()

	// size counts live elements, others (tombstones), and bytes of keys and values.
	size() (live, dead int, bytes int64)
	stats(s *cache.Stats)
}

// held is an element with what only this node knows of it.
type held struct {
	cache.Element
	shared bool // counts in the digest: peers hold it too
}

// gone is told of every element that leaves memory without a command of its
// own, so that the digest can forget it.
type gone func(h held)
