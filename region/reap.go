// SPDX-License-Identifier: Apache-2.0

package region

import "lateral/cache"

// A grave is a tombstone as its shard remembers it, so that those that have
// done their work are found without looking at everything.
type grave struct {
	time  uint64 // of its stamp
	until uint64 // what must be stable before it goes
	slot  uint32
}

// graves are those of a shard, about in the order in which they go. Some are
// empty by now: something else is in that slot.
type graves struct {
	list []grave
	next int // those before it are done with
}

// minGraves is up to how many may be empty before they are looked through.
const minGraves = 64

// bury notes a tombstone. What empty graves take is bounded by the number of
// entries.
func (s *shard) bury(time, until uint64, slot uint32) {
	g := &s.graves
	g.list = append(g.list, grave{time, until, slot})
	if len(g.list) <= 2*len(s.heap)+minGraves {
		return
	}
	kept := g.list[:0]
	for _, x := range g.list[g.next:] {
		if s.dug(x) {
			kept = append(kept, x)
		}
	}
	g.list, g.next = kept, 0
}

// dug reports whether the tombstone of a grave is still there.
func (s *shard) dug(x grave) bool {
	if x.slot >= s.used {
		return false
	}
	e := s.at(x.slot)
	return e.attr != nil && e.state == cache.Tombstone && e.shared && e.stamp.Time == x.time
}

func (t *table) reap(upTo uint64, dropped func(h *held)) (n int) {
	if t.dead.Load() == 0 {
		return 0
	}
	for i := range t.shards {
		s := &t.shards[i]
		s.mu.Lock()
		g := &s.graves
		for ; g.next < len(g.list) && g.list[g.next].until <= upTo; g.next++ {
			x := g.list[g.next]
			if !s.dug(x) {
				continue
			}
			e := s.at(x.slot)
			h := e.version()
			dropped(&h)
			t.forget(s, e, x.slot)
			n++
		}
		if g.next == len(g.list) {
			*g = graves{list: g.list[:0]}
			if cap(g.list) > 4*minGraves {
				g.list = nil
			}
		}
		s.mu.Unlock()
	}
	return n
}

func (t *tiny) reap(uint64, func(h *held)) int { return 0 } // values do not travel, so there are none
