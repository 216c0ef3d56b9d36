// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"testing"
	"time"
)

// A node that takes longer to answer than a probe waits is taken for a Java
// node at first. What it is told in Java's words meanwhile it does not apply:
// it would be given new stamps, by which old removals beat newer writes.
func TestSlowNodeIsNoJavaNode(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for _, way := range [][2]int{{1, 2}, {2, 1}} {
			c.net.SetDelay(hostAddr(way[0]), hostAddr(way[1]), 250*time.Millisecond)
		}
		c.own(1, "UdpDiscoveryEnabled=false", "TcpServers="+hostAddr(2).String()+":57462")
		c.own(2, "UdpDiscoveryEnabled=false", "TcpServers="+hostAddr(1).String()+":57462")
		for range 20 {
			c.put("1", "Rep", "k", "v")
			c.remove("1", "Rep", "k")
			time.Sleep(100 * time.Millisecond)
		}
		c.within(20*time.Second, 2)
		time.Sleep(5 * time.Second)
		if a, b := c.region("1", "Rep"), c.region("2", "Rep"); a.Digest != b.Digest || a.Stats.Received != 0 || b.Stats.Received == 0 { // nobody but 1 has changed anything
			t.Errorf("%+v and %+v", a, b)
		}
	})
}
