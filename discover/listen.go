// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"context"
	"net/netip"
	"slices"
	"time"

	"lateral/beacon"
	"lateral/cache"
)

// Heard is that an endpoint was heard on an interface.
type Heard struct {
	ID        cache.NodeID
	Interface string
	Addr      netip.Addr // source of its packets
	Packets   int
}

// A listening notes who is heard while it lasts: packets, by a Heard without
// their number.
type listening struct{ heard map[Heard]int }

// note takes in a packet. There are no more endpoints than members, and few
// interfaces: beyond that somebody invents them.
func (l *listening) note(id cache.NodeID, from beacon.Source) {
	h := Heard{ID: id, Interface: from.Interface, Addr: from.Addr.Addr().Unmap()}
	if _, known := l.heard[h]; known || len(l.heard) < 2*MaxMembers {
		l.heard[h]++
	}
}

// asksWhile is how many times a Listen asks, in equal pauses, before the last
// quarter of its time: so everybody who listens meanwhile, begun a bit earlier
// or later, has a chance to hear more than one.
const asksWhile = 4

// Listen has everybody announce themselves several times, us included, and
// returns who was heard in that time, on which interfaces; packets that are not
// believed do not count. Several may listen at once.
func (d *Discoverer) Listen(ctx context.Context, long time.Duration) []Heard {
	l := &listening{heard: map[Heard]int{}}
	d.mu.Lock()
	d.listening = append(d.listening, l)
	d.mu.Unlock()
	for i := range asksWhile + 1 {
		pause(ctx, long/(asksWhile+1))
		if i < asksWhile {
			d.Solicit()
		}
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.listening = slices.DeleteFunc(d.listening, func(o *listening) bool { return o == l })
	out := make([]Heard, 0, len(l.heard))
	for h, n := range l.heard {
		h.Packets = n
		out = append(out, h)
	}
	slices.SortFunc(out, func(a, b Heard) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Interface, b.Interface), a.Addr.Compare(b.Addr))
	})
	return out
}
