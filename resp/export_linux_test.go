// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"os"
	"time"
)

// Fast reports whether writes wait for others once so many have come in each of
// some steps of time.
func Fast(n int, step time.Duration, steps int) bool {
	var g gathered
	now := time.Unix(1_800_000_000, 0)
	g.sent(now)
	for range steps {
		now = now.Add(step)
		g.n = n
		g.sent(now)
	}
	return g.fast
}

// GateWanted reports whether somebody has the gate alone, or waits for that.
func (f *Front) GateWanted() bool {
	if f.gate.TryRLock() {
		f.gate.RUnlock()
		return false
	}
	return true
}

// Waits reports whether a write waits for others where one was told just now,
// and for how long it does at most: the deadline of the loop's poll.
func Waits(fast bool, of Region) (waits bool, polled error) {
	r, w, err := os.Pipe()
	if err != nil {
		return false, err
	}
	defer r.Close()
	defer w.Close()
	l := &loop{file: r}
	l.gathered.fast, l.gathered.told = fast, time.Now()
	if fast {
		l.gathered.told = time.Now().Add(gatherTime) // a machine may be slow
	}
	l.hold(&region{Region: of})
	l.tellInTime()
	if waits = l.gathered.n > 0; waits {
		_, polled = r.Read(make([]byte, 1))
	}
	return waits, polled
}
