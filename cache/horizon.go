// SPDX-License-Identifier: Apache-2.0

package cache

import (
	"sync"
	"sync/atomic"
)

// writes tells which stamps are on their way from the clock to the logs. Two
// writers may take stamps in one order and log them in the other, so the last
// stamp handed out says nothing of what is logged. Instead of a lock around
// both, writers are counted by turns: a turn that began after a time was
// noted hands out larger stamps only, and once nobody of the turn before is
// left, everything up to that time is logged (read-copy-update: McKenney and
// Slingwine, PDCS 1998).
type writes struct {
	turn   atomic.Uint64
	active [2]atomic.Int64 // writers in even and odd turns

	mu      sync.Mutex // guards what follows, and ending a turn
	waiting bool       // for the writers of the turn before
	noted   uint64     // the time noted when that ended
	settled uint64
}

// Begin is to be called before a stamp of the clock is taken for something
// that will be logged; what it returns is to be handed to End after that.
func (c *Clock) Begin() (turn uint64) {
	for {
		turn = c.writes.turn.Load()
		c.writes.active[turn&1].Add(1)
		if c.writes.turn.Load() == turn {
			return turn
		}
		c.writes.active[turn&1].Add(-1) // it has ended: who ends the next would not wait for us
	}
}

// End tells that what Begin was for is logged.
func (c *Clock) End(turn uint64) { c.writes.active[turn&1].Add(-1) }

// Settled returns a time up to which everything that this clock gave stamps to
// is logged, and no more will get such stamps. It waits for nobody: if a writer
// is under way, it is the time of an earlier call. It never falls.
func (c *Clock) Settled(nowMs int64) uint64 {
	w := &c.writes
	w.mu.Lock()
	defer w.mu.Unlock()
	w.see()
	if !w.waiting {
		w.noted, w.waiting = c.advance(nowMs), true
		w.turn.Add(1)
		w.see()
	}
	return w.settled
}

// see notes that the writers of the turn before are gone, if they are.
func (w *writes) see() {
	if w.waiting && w.active[(w.turn.Load()-1)&1].Load() == 0 {
		w.settled, w.waiting = w.noted, false
	}
}

// Reached returns a time that all further stamps are later than.
func (c *Clock) Reached(nowMs int64) uint64 { return c.advance(nowMs) }

// advance makes all further stamps larger than now and returns up to where.
func (c *Clock) advance(nowMs int64) uint64 {
	wall := StampAt(nowMs, 0).Time
	for {
		last := c.last.Load()
		if last >= wall || c.last.CompareAndSwap(last, wall) {
			return max(last, wall)
		}
	}
}
