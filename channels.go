// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"slices"
	"sync"

	"lateral/cache"
)

// Channels carry messages between the fronts of linked nodes: at most once,
// in the order of their sender, to whoever is linked when they are sent. They
// are not kept and not acknowledged.
type Channels struct {
	n *Node

	mu      sync.RWMutex // guards hearers
	hearers []*func(channel, message string)
}

// Channels returns those of the node.
func (n *Node) Channels() *Channels { return &n.channels }

// Publish sends a message to every linked node, and returns to how many. On
// this node nobody hears it.
func (c *Channels) Publish(channel, message string) int {
	told := map[cache.NodeID]bool{c.n.clock.Node: true}
	for _, e := range c.n.endpoints {
		e.mesh.Publish(channel, message, told)
	}
	return len(told) - 1
}

// Hear has the messages of other nodes handed to f, which must not block,
// until stop is called.
func (c *Channels) Hear(f func(channel, message string)) (stop func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.hearers = append(slices.Clone(c.hearers), &f)
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.hearers = slices.DeleteFunc(slices.Clone(c.hearers), func(h *func(string, string)) bool { return h == &f })
	}
}

func (c *Channels) deliver(channel, message string) {
	c.mu.RLock()
	hearers := c.hearers
	c.mu.RUnlock()
	for _, h := range hearers {
		(*h)(channel, message)
	}
}
