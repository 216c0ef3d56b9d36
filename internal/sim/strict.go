// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"math"
	"time"

	"github.com/anishathalye/porcupine"
)

// judgeStrict wants what a strict region answered, together with the updates of
// the source, to be linearizable: each key is a register of versions. Where
// somebody changed the source by hand and removed the key then, some may see
// the change before others do; but nobody is served what is older after the
// removal has returned.
func (c *cluster) judgeStrict() {
	c.mu.Lock()
	defer c.mu.Unlock()
	histories := map[string][]porcupine.Operation{}
	byHand := map[string]bool{}
	for _, u := range c.ops {
		if u.Verb != "change" || u.region() != "Str" {
			continue
		}
		byHand[u.key()] = true
		for _, o := range c.ops {
			if o.region() == "Str" && o.key() == u.key() && o.found && o.done && o.err == nil && u.done && u.err == nil && o.call > u.ret && o.version < u.version {
				c.breaksLocked("strict: served after its removal: %s, after %s", o, u)
			}
		}
	}
	for i, o := range c.ops {
		op := porcupine.Operation{ClientId: i, Input: o, Call: int64(o.call), Output: o, Return: int64(o.ret)}
		switch {
		case o.region() != "Str" || byHand[o.key()]:
			continue
		case o.Verb == "update" && o.version == 0, o.Verb != "update" && (!o.done || o.err != nil || !o.found):
			continue // it changed nothing, or learned nothing
		case o.Verb == "update" && (!o.done || o.err != nil):
			op.Return = math.MaxInt64 // what was there before may be served still
		}
		histories[o.key()] = append(histories[o.key()], op)
	}
	for key, h := range histories {
		if porcupine.CheckOperationsTimeout(register, h, 10*time.Second) == porcupine.Illegal {
			said := ""
			for _, op := range h {
				said += fmt.Sprintf("\n    %s", op.Input)
			}
			c.breaksLocked("strict: what was served of %s is not linearizable:%s", key, said)
		}
	}
}

// register holds the version of one key.
var register = porcupine.Model{
	Init: func() any { return uint64(0) },
	Step: func(state, _, output any) (bool, any) {
		o := output.(*Op)
		if o.Verb == "update" {
			return true, o.version
		}
		return state.(uint64) == o.version, state
	},
	DescribeOperation: func(input, _ any) string { return input.(*Op).String() },
}
