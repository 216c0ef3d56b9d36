// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// A node whose clock is ahead by more than MaxClockSkew gets no link, by
// whichever way it got ahead, until it is right again; its peers say why.
func TestClockGuard(t *testing.T) {
	inBubble(t, func(c *cluster) {
		c.own(1)
		c.own(2)
		c.within(time.Second, 2)
		var off atomic.Int64 // of node 3
		off.Store(int64(400 * time.Millisecond))
		c.now = func(string) func() time.Time {
			return func() time.Time { return time.Now().Add(time.Duration(off.Load())) }
		}
		c.own(3)
		c.within(time.Second, 3) // that much may be

		off.Store(int64(20 * time.Second))
		c.until(3*time.Second, "a jump is noticed", func() bool { return !c.nodes["1"].Mesh().Complete })
		c.put("3", "Rep", "k", "from the future")
		time.Sleep(5 * time.Second)
		c.expect("1", "Rep", "k", "")
		said := false
		for _, m := range c.nodes["1"].Mesh().Missing {
			said = said || strings.Contains(m.Reason, "MaxClockSkew") && strings.Contains(m.Reason, "ahead")
		}
		if !said || c.nodes["1"].Status().Endpoints[0].Counters["refused_clock"] == 0 {
			t.Errorf("%+v, %v", c.nodes["1"].Mesh().Missing, c.nodes["1"].Status().Endpoints[0].Counters)
		}
		// What it wrote waits until its time has come, and is not lost.
		off.Store(0)
		c.put("1", "Rep", "other", "v")
		time.Sleep(20 * time.Second)
		c.within(10*time.Second, 3)
		c.expect("1", "Rep", "k", "from the future")
		c.expect("3", "Rep", "other", "v")
	})
}
