// SPDX-License-Identifier: Apache-2.0

package resp

import "fmt"

// The limits of what one client may have us hold, besides its request (package
// wire), its transaction (multi.go) and what waits for it (Config.PushLimit).
// Names are limited by their bytes, too: one may be as long as an argument.
const (
	maxHeard       = 1 << 16  // channels and patterns
	maxHeardBytes  = 16 << 20 // of their names
	maxWatched     = 1 << 16  // keys
	maxWatchBytes  = 16 << 20 // of them
	maxPrefixes    = 1 << 10  // of CLIENT TRACKING: each change is compared with all
	maxPrefixBytes = 1 << 20  // of them
	maxMessage     = 1 << 20  // bytes of a channel and a message: a frame of the mesh holds them
)

// Of all clients together, for each key that may be tracked (Config.TrackedKeys).
const (
	trackedBytes = 256 // of keys
	trackedPairs = 4   // of a key and a client that has it
)

// over answers to what is more than a limit, and counts it.
func (c *client) over(format string, args ...any) {
	c.f.count.over.Add(1)
	c.refuse(fmt.Sprintf("ERR "+format, args...))
}

// tooLong reports whether the answer that begins at a byte of what is to be
// written has become too long; then there is an error in its place.
func (c *client) tooLong(from int) bool {
	if len(c.out.B)-from <= c.f.c.AnswerLimit {
		return false
	}
	c.out.B = c.out.B[:from]
	c.over("the answer would have more than %d MiB: ask for less at once", c.f.c.AnswerLimit>>20)
	return true
}

// overFetched refuses a request that reads too much that memory does not have.
func (c *client) overFetched() {
	clear(c.fetched)
	c.fetchedBytes = 0
	c.over("what this reads from other nodes has more than %d MiB: ask for less at once", c.f.c.AnswerLimit>>20)
}

func sizeOf(args [][]byte) (n int) {
	for _, a := range args {
		n += len(a)
	}
	return n
}
