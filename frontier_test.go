// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"fmt"
	"testing"
	"time"
)

// Removals are forgotten within seconds while all is well, on all nodes; while
// a member is cut off they are kept, and what it holds does not come back; a
// service that is restarted at its address does not hold them up for ever.
func TestRemovalsAreForgotten(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 3; i++ {
			c.own(i, fmt.Sprint("TcpListenerPort=", 57460+i))
		}
		c.within(time.Second, 3)
		dead := func(name string) int { return c.region(name, "Rep").Tombstones }
		all := func() bool { return dead("1")+dead("2")+dead("3") == 0 }
		for i := range 500 {
			c.put("1", "Rep", fmt.Sprint("k", i), "v")
			c.put("2", "Rep", fmt.Sprint("p:", i), "v")
		}
		time.Sleep(settle) // else they are concurrent
		for i := range 100 {
			c.remove("3", "Rep", fmt.Sprint("k", i))
		}
		c.remove("3", "Rep", "p:")
		took := c.until(10*time.Second, "forgotten", all)
		t.Logf("forgotten after %v", took)

		c.net.Partition(hostAddr(3), hostAddr(1))
		c.net.Partition(hostAddr(3), hostAddr(2))
		for i := 100; i < 200; i++ {
			c.remove("1", "Rep", fmt.Sprint("k", i))
		}
		time.Sleep(10 * time.Minute) // discovery has forgotten it long since
		if dead("1") != 100 || dead("2") != 100 {
			t.Errorf("%d and %d are remembered", dead("1"), dead("2"))
		}
		c.net.HealAll()
		c.within(10*time.Second, 3)
		c.until(10*time.Second, "forgotten after the heal", all)
		for i := range 3 {
			for k := range 200 {
				c.expect(fmt.Sprint(i+1), "Rep", fmt.Sprint("k", k), "")
			}
		}

		c.die("3")
		c.remove("1", "Rep", "k300")
		time.Sleep(5 * time.Minute)
		if dead("1") != 1 {
			t.Error("forgotten though the third may be alive")
		}
		c.nodes["3"].Close() // it is dead: nobody hears of this
		c.own(3, "TcpListenerPort=57463")
		c.within(10*time.Second, 3)
		c.until(10*time.Second, "forgotten after the restart", all)
		c.expect("3", "Rep", "k300", "")
		c.expect("3", "Rep", "k301", "v")
		c.stop("2")
		c.remove("1", "Rep", "k301")
		c.until(10*time.Second, "forgotten after a goodbye", func() bool { return dead("1")+dead("3") == 0 })
	})
}
