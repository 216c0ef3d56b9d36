// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"cmp"
	"fmt"
	"sync/atomic"
	"time"
)

// NodeID names one incarnation of a process, or of one of its endpoints: it is drawn at random at every
// start, so a restarted service is a new writer and its stamps never collide
// with those of its former life.
type NodeID uint64

// String prints the id as 16 hexadecimal digits.
func (n NodeID) String() string { return fmt.Sprintf("%016x", uint64(n)) }

// A Stamp is the version of an element: the hybrid logical time at which it
// was written (Kulkarni et al., OPODIS 2014) and the writer. Stamps are
// totally ordered by Compare; of two versions the one with the larger stamp
// wins, everywhere.
type Stamp struct {
	Time uint64 // milliseconds since 1970 << 16 | counter
	Node NodeID
}

// counterBits is the width of the logical counter below the milliseconds:
// 65,536 writes of one node within one millisecond before its clock runs
// ahead of the wall.
const counterBits = 16

// StampAt returns the smallest stamp of node at the given wall time.
func StampAt(ms int64, node NodeID) Stamp {
	return Stamp{Time: uint64(max(ms, 0)) << counterBits, Node: node}
}

// Compare is the one order of stamps: by time, then by writer.
func (s Stamp) Compare(t Stamp) int {
	if c := cmp.Compare(s.Time, t.Time); c != 0 {
		return c
	}
	return cmp.Compare(s.Node, t.Node)
}

// Before reports whether s is older than t.
func (s Stamp) Before(t Stamp) bool { return s.Compare(t) < 0 }

// IsZero reports whether s is the zero Stamp, which is older than any real one.
func (s Stamp) IsZero() bool { return s == Stamp{} }

// UnixMilli returns the wall-clock part of the stamp.
func (s Stamp) UnixMilli() int64 { return int64(s.Time >> counterBits) }

// String prints the stamp as time, counter and writer.
func (s Stamp) String() string {
	if s.IsZero() {
		return "-"
	}
	return fmt.Sprintf("%s+%d@%s", time.UnixMilli(s.UnixMilli()).UTC().Format(stampTime),
		s.Time&(1<<counterBits-1), s.Node)
}

// A Clock is a hybrid logical clock: it hands out strictly increasing stamps
// that stay close to the wall time it is told, and never fall behind a stamp
// it has observed. It may be used by many goroutines at once.
type Clock struct {
	Node NodeID
	// MaxAhead bounds how far in the future an observed stamp may lie and
	// still be followed; zero means DefaultMaxAhead.
	MaxAhead time.Duration

	last   atomic.Uint64
	skewed atomic.Uint64
	writes writes
}

// DefaultMaxAhead is the skew beyond which a peer's stamp is not followed:
// else one node whose clock is years ahead would drag all others there.
const DefaultMaxAhead = time.Minute

// Next returns a stamp larger than every stamp handed out or followed before.
func (c *Clock) Next(nowMs int64) Stamp {
	wall := StampAt(nowMs, 0).Time
	for {
		last := c.last.Load()
		next := max(wall, last+1)
		if c.last.CompareAndSwap(last, next) {
			return Stamp{Time: next, Node: c.Node}
		}
	}
}

// Observe lets the clock follow a stamp written elsewhere. A stamp further
// ahead than MaxAhead is not followed: Observe counts it and returns false.
func (c *Clock) Observe(nowMs int64, s Stamp) bool {
	limit := c.MaxAhead
	if limit == 0 {
		limit = DefaultMaxAhead
	}
	last := c.last.Load()
	if s.Time <= last {
		return true
	}
	if s.UnixMilli()-nowMs > limit.Milliseconds() {
		c.skewed.Add(1)
		return false
	}
	for s.Time > last && !c.last.CompareAndSwap(last, s.Time) {
		last = c.last.Load()
	}
	return true
}

// Skewed returns how many observed stamps were too far ahead to follow.
func (c *Clock) Skewed() uint64 { return c.skewed.Load() }
