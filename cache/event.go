// SPDX-License-Identifier: Apache-2.0

package cache

import "context"

// An Event is what a watcher of a region hears: something has happened to an
// element on this node, whoever caused it.
type Event struct {
	Kind EventKind
	// Op of Removed: Remove (one key or, where the key ends in Separator, all
	// that start with it), RemoveAll, RemoveGroup, RemoveTag.
	Op Op
	// Element has Key and Stamp, and of Written everything.
	Element Element
	Found   bool   // Removed, of one key: it was live; Written: something live was there before
	Origin  Origin // Written, Removed
	Caller  uint64 // Written, Removed: that of the Command
}

// An EventKind says what happened.
type EventKind uint8

// The kinds of events.
const (
	Written EventKind = iota // a value was stored
	Removed                  // somebody asked for it
	Expired                  // over its lifetime
	Evicted                  // over capacity, or unused; peers may hold it still
	// Missed: this watcher did not hear some events, because it was too slow;
	// or the region dropped everything, or bypasses its memory, because removals
	// may be missing. What the watcher knows of the region may be wrong.
	Missed
)

var eventNames = [...]string{"written", "removed", "expired", "evicted", "missed"}

// String returns the name of the kind.
func (k EventKind) String() string {
	if int(k) < len(eventNames) {
		return eventNames[k]
	}
	return "?"
}

// A Watcher hands out the events of a region in the order in which they
// happened to each element. It never holds a writer up: one that is not read
// fast enough gets a Missed in place of what it missed.
type Watcher interface {
	// Next returns the next events, at least one; they are valid until it is
	// called again. It waits until there is one or ctx ends; then its error.
	Next(ctx context.Context) ([]Event, error)
	Close()
}
