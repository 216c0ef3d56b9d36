// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"

	"lateral/cache"
)

// judgeSessions wants what the client of each session was answered to be
// linearizable. It holds for one client per key, who goes from node to node
// while the network is whole; so keys of sessions begin with "s".
func (c *cluster) judgeSessions() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.judgeTakes()
	if !c.p.whole() || c.ended() > c.p.survives() {
		return
	}
	histories := map[string][]porcupine.Operation{}
	for i, o := range c.ops {
		if !o.session() {
			continue
		}
		ret := int64(o.ret)
		if !o.done || o.err != nil {
			ret = math.MaxInt64
		}
		histories[o.key()] = append(histories[o.key()], porcupine.Operation{ClientId: i, Input: o, Call: int64(o.call), Output: o, Return: ret})
	}
	for key, h := range histories {
		if porcupine.CheckOperationsTimeout(sessionModel, h, 10*time.Second) == porcupine.Illegal {
			said := ""
			for _, op := range h {
				said += fmt.Sprintf("\n    %s", op.Input)
			}
			c.breaksLocked("sessions: what the client of %s was told is not linearizable:%s", key, said)
		}
	}
}

// whole reports whether nothing happens to the network itself.
func (p *Plan) whole() bool {
	return !slices.ContainsFunc(p.Steps, func(s Step) bool {
		switch s.Verb {
		case "part", "block", "reset", "slow", "skew":
			return true
		}
		return false
	})
}

// sessionModel is a register. A write that was not acknowledged may be seen or
// not, now and later, until one that was.
var sessionModel = porcupine.Model{
	Init: func() any { return "|" },
	Step: func(state, input, output any) (bool, any) {
		may, o := state.(string), output.(*Op)
		switch {
		case o.Verb == "get" && (!o.done || o.err != nil):
			return true, may
		case o.Verb == "get":
			return contains(may, o.value), may
		}
		value := ""
		if o.Verb == "put" {
			value = o.value
		}
		if !o.done || o.err != nil {
			return true, may + value + "|"
		}
		return true, value + "|"
	},
	DescribeOperation: func(input, _ any) string { return input.(*Op).String() },
}

// contains looks for a value in a list of values that each end in "|".
func contains(list, value string) bool {
	for len(list) > 0 {
		i := 0
		for list[i] != '|' {
			i++
		}
		if list[:i] == value {
			return true
		}
		list = list[i+1:]
	}
	return false
}

// ended counts the lives that are over.
func (c *cluster) ended() (n int) {
	for _, l := range c.lives {
		if l.ended != 0 {
			n++
		}
	}
	return n
}

// survives is how many ends of nodes an acknowledged write of Ses survives.
func (p *Plan) survives() int {
	if a, err := cache.ParseAcks(p.Set.Acks); err == nil && a > 0 {
		return int(a)
	}
	return 1
}

// judgeTakes wants a value to be taken once at most, and then to be gone.
func (c *cluster) judgeTakes() {
	by := map[cache.Stamp]*Op{}
	for _, o := range c.ops {
		if o.Verb != "take" || !o.found || o.err != nil {
			continue
		}
		if first := by[o.stamp]; first != nil {
			c.breaksLocked("take: two have taken the same: %s, and %s", first, o)
		}
		by[o.stamp] = o
	}
}
