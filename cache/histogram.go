// SPDX-License-Identifier: Apache-2.0

package cache

import "time"

// A Histogram sums up durations by TravelBounds.
type Histogram struct {
	Under []uint64      `json:"under,omitempty"` // how many took less than each bound, those under the bounds before it included
	Count uint64        `json:"count"`
	Sum   time.Duration `json:"sum_ns"`
}

// TravelBounds are those of the time that changes take to a peer: 128 µs, and
// the double each time, up to 4.2 s. A link is dead after five seconds.
var TravelBounds = func() (bounds [16]time.Duration) {
	for i := range bounds {
		bounds[i] = 128 * time.Microsecond << i
	}
	return bounds
}()

// Join adds another histogram.
func (h *Histogram) Join(o Histogram) {
	h.Count += o.Count
	h.Sum += o.Sum
	if len(h.Under) < len(o.Under) {
		h.Under = append(make([]uint64, 0, len(o.Under)), h.Under...)[:len(o.Under)]
	}
	for i, n := range o.Under {
		h.Under[i] += n
	}
}
