// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"testing"
	"testing/synctest"
	"time"

	"lateral/internal/memnet"
)

// A peer that is known by its address, and by its id while it is dialled, is linked by that
// dial: the larger id does not begin to wait for it to dial instead.
func TestNamedWhileDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const delay = 50 * time.Millisecond
		n := memnet.New()
		a := newStation(t, n, 1, 2, func(c *Config) { c.DialGrace = time.Hour })
		b := newStation(t, n, 2, 1, func(c *Config) { c.DialGrace = time.Hour })
		n.SetDelay(at(1), at(2), delay)
		n.SetDelay(at(2), at(1), delay)
		a.book.fixed = []Peer{{Addrs: []string{b.addr}, Receive: true}}
		a.run()
		b.run()
		time.Sleep(delay) // the connection is on its way
		a.book.Bind(b.addr, b.id)
		t.Logf("linked after %v", settled(t, 8*delay, a, b))
		a.close()
		b.close()
	})
}
