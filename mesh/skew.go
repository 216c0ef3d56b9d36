// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"fmt"
	"time"
)

// Of two writes the one with the larger stamp wins, so one clock that is ahead
// would win all of them, and drag the logical clocks of all members along. A
// peer that is ahead by more than MaxSkew therefore gets no link, by its hello,
// its beats or the stamp of a change. Who is behind is refused by the others.

// ahead returns an error if a time (ms) of a peer is too far ahead of now, ours.
func (m *Mesh) ahead(what string, ms, now int64) error {
	by := ms - now
	if m.c.MaxSkew <= 0 || by <= m.c.MaxSkew.Milliseconds() {
		return nil
	}
	m.counters.skewed.Add(1)
	return fmt.Errorf("%s is %v ahead of this node's clock, at most %v is allowed (MaxClockSkew): whatever it writes would win over all others; set both clocks by NTP, and restart a service that wrote while its clock was ahead",
		what, (time.Duration(by) * time.Millisecond).Round(time.Millisecond), m.c.MaxSkew)
}
