// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"slices"
	"time"
)

// gathered is what a loop's clients have written and peers have yet to be sent.
// To wake those who send costs as much as two SETs, and each frame costs a peer
// as much as ten (benchmarks/results/resp.txt), so what is written at one time is
// sent together: what has been read in one poll and, where writes come so fast
// that nobody could tell the difference, what comes within gatherTime
// (decision 105).
type gathered struct {
	of    []*region
	n     int       // writes
	told  time.Time // last
	due   bool      // the loop's poll ends at a deadline
	fast  bool      // writes come at a rate of gatherFrom in gatherTime, or more
	since time.Time // whence writes are counted
	count int
}

const (
	// gatherTime is for how long a write may wait for others.
	gatherTime = 500 * time.Microsecond
	// gatherFrom is from how many writes in that time on they wait. One client
	// that waits for each answer comes to less, and its writes go at once.
	gatherFrom = 16
	// gatherMost is how many writes are sent together, so that a peer applies
	// the first while the next are carried out.
	gatherMost = 128
)

// hold notes that something is written that peers are sent with what else is.
func (l *loop) hold(r *region) {
	g := &l.gathered
	if g.n++; !slices.Contains(g.of, r) {
		g.of = append(g.of, r)
	}
}

// tellMany has peers be sent what was written, if it is much.
func (l *loop) tellMany() {
	if l.gathered.n >= gatherMost {
		l.tell()
	}
}

// tellInTime has peers be sent what was written, now or when its time has come.
func (l *loop) tellInTime() {
	g := &l.gathered
	switch {
	case g.n == 0:
	case !g.fast || time.Since(g.told) >= gatherTime:
		l.tell()
	case !g.due:
		l.file.SetReadDeadline(g.told.Add(gatherTime))
		g.due = true
	}
}

// tell has peers be sent what was written.
func (l *loop) tell() {
	g := &l.gathered
	if g.n == 0 {
		return
	}
	for _, r := range g.of {
		r.Tell()
	}
	clear(g.of)
	g.of = g.of[:0]
	g.sent(time.Now())
	if g.due {
		l.file.SetReadDeadline(time.Time{})
		g.due = false
	}
}

// sent notes that nothing waits any more, and how fast writes come.
func (g *gathered) sent(now time.Time) {
	g.count += g.n
	g.n, g.told = 0, now
	if d := now.Sub(g.since); d >= gatherTime {
		g.fast = int64(g.count)*int64(gatherTime) >= gatherFrom*int64(min(d, time.Minute))
		g.since, g.count = now, 0
	}
}
