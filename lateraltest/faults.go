// SPDX-License-Identifier: Apache-2.0

package lateraltest

import (
	"time"

	"lateral"
)

// Partition separates the given nodes from all the others: what they send is
// dropped silently, both ways, as by a firewall. Among themselves each side
// goes on. Links notice within LinkTimeout of the ccf, 5 s by default.
func (c *Cluster) Partition(side ...int) {
	c.t.Helper()
	in := make([]bool, len(c.nodes))
	for _, i := range side {
		c.check(i)
		in[i] = true
	}
	for a := range c.nodes {
		for b := range c.nodes {
			if in[a] != in[b] {
				c.net.Block(addr(a), addr(b))
			}
		}
	}
}

// Block drops silently what goes from one node to another, one way.
func (c *Cluster) Block(from, to int) {
	c.t.Helper()
	c.check(from)
	c.check(to)
	c.net.Block(addr(from), addr(to))
}

// Heal ends every Partition and Block. Links are up again within seconds: see
// WaitComplete, AssertConverged.
func (c *Cluster) Heal() { c.net.HealAll() }

// Cut breaks the connections between two nodes, as a router that restarts: both
// ends see a reset, what is on the way is lost. They link again by themselves.
func (c *Cluster) Cut(a, b int) {
	c.t.Helper()
	c.check(a)
	c.check(b)
	c.net.Cut(addr(a), addr(b))
}

// Delay has whatever two nodes send each other take so long, each way. 0 is
// the network as it was made.
func (c *Cluster) Delay(a, b int, d time.Duration) {
	c.t.Helper()
	c.check(a)
	c.check(b)
	c.net.SetDelay(addr(a), addr(b), d)
	c.net.SetDelay(addr(b), addr(a), d)
}

// Kill ends a node as a failure of its host does: at once, with a reset of its
// connections and without a goodbye. What was on the way is lost, and so is
// its memory.
func (c *Cluster) Kill(i int) {
	c.t.Helper()
	c.Node(i)
	m := c.nodes[i]
	m.edge.Die()
	m.cut()
	m.node.Close() // its goroutines end; the network hears nothing of it
	m.node = nil
}

// Stop ends a node in an orderly way, as Node.Close does, and returns what that
// returned: an error says which sessions could not be handed over.
func (c *Cluster) Stop(i int) error {
	c.t.Helper()
	err := c.Node(i).Close()
	c.nodes[i].cut()
	c.nodes[i].node = nil
	return err
}

// Restart starts a node on the host of one that was killed or stopped, with an
// empty memory, and returns it. One that runs is killed first. It does not wait
// until the node is linked: see WaitComplete.
func (c *Cluster) Restart(i int) *lateral.Node {
	c.t.Helper()
	c.check(i)
	if c.nodes[i].node != nil {
		c.Kill(i)
	}
	c.start(i)
	return c.nodes[i].node
}

func (c *Cluster) check(i int) {
	c.t.Helper()
	if i < 0 || i >= len(c.nodes) {
		c.t.Fatalf("lateraltest: node %d of %d: they are numbered from 0", i, len(c.nodes))
	}
}
