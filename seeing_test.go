// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"testing"
	"time"

	"lateral/cache"
)

// How far changes have come is seen in time, and who holds it back by name; how
// stale an invalidated region may be follows from it.
func TestSeeLag(t *testing.T) {
	inBubble(t, func(c *cluster) {
		three(c)
		time.Sleep(5 * time.Second)
		see := func(name string) cache.EndpointStatus { return c.nodes[name].Status().Endpoints[0] }
		st := see("1")
		if s := st.Stable; !s.Known || s.Millis < 500 || s.Millis > 4000 || !s.Linked || s.Holder == "" {
			t.Errorf("%+v", s)
		}
		for _, l := range st.Links {
			if b := l.Behind; b.Millis < 0 || b.Millis > 3000 || b.Heard < 0 || b.Heard > 1100 {
				t.Errorf("%s: %+v", l.To.Host, b)
			}
		}
		if r := c.region("1", "Inv"); r.StaleMost != 15*time.Second || r.StaleNow > 1100*time.Millisecond {
			t.Errorf("%v, %v", r.StaleMost, r.StaleNow)
		}
		if r := c.region("1", "Rep"); r.StaleMost != 0 || r.StaleNow != 0 {
			t.Errorf("%v, %v", r.StaleMost, r.StaleNow)
		}
		c.net.Partition(hostAddr(1), hostAddr(3))
		c.net.Partition(hostAddr(2), hostAddr(3))
		time.Sleep(4 * time.Second) // not noticed yet
		if r := c.region("1", "Inv"); r.StaleNow < 3*time.Second || r.StaleNow > 5100*time.Millisecond {
			t.Errorf("a peer is silent: %v", r.StaleNow)
		}
		time.Sleep(4 * time.Second)
		if r := c.region("1", "Inv"); r.StaleNow < 6*time.Second || r.StaleNow > 10*time.Second || r.StaleMost != 15*time.Second {
			t.Errorf("a link is down: %v of %v", r.StaleNow, r.StaleMost)
		}
		if s := see("1").Stable; s.Millis < 7000 || s.Linked || s.Holder != "h3/s3.LTCP" {
			t.Errorf("%+v", s)
		}
		time.Sleep(10 * time.Second)
		if r := c.region("1", "Inv"); r.StaleMost != 0 || r.StaleNow != 0 {
			t.Errorf("memory is bypassed: %v, %v", r.StaleMost, r.StaleNow)
		}
		c.heal3()
		time.Sleep(5 * time.Second)
		if s := see("1").Stable; s.Millis > 4000 || !s.Linked {
			t.Errorf("%+v", s)
		}
	})
}
