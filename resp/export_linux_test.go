// SPDX-License-Identifier: Apache-2.0

package resp

import "time"

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
