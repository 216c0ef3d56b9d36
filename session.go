// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"

	"lateral/cache"
	"lateral/mesh"
	"lateral/region"
)

// A region with Acks whose values travel is one of sessions: what is put there
// must be found, wherever the next request goes. docs/coherence.md, "Sessions",
// says what that promises.

// askPeers has the region's misses ask the peers, all of them and whatever
// AllowGet says.
func askPeers(auxiliaries []region.Binding) {
	for i := range auxiliaries {
		b := &auxiliaries[i]
		m, ok := b.Aux.(*mesh.Mesh)
		if a, java := b.Aux.(lateralAux); java {
			m, ok = a.Mesh, true // Java nodes have no versions to compare
		}
		if ok {
			b.Aux, b.AllowGet, b.PutOnlyMode = newest{m}, true, false
		}
	}
}

// newest is a mesh as the auxiliary of a region of sessions: it waits for the
// answers of all peers and takes the newest, in which a removal counts.
type newest struct{ *mesh.Mesh }

// Fetch returns the newest version that any linked peer has, unless that is a
// removal. A peer that does not answer in time has nothing to say.
func (n newest) Fetch(ctx context.Context, region, key string) (cache.Element, bool, error) {
	e, known, _ := n.Newest(ctx, region, key)
	return e, known && e.State == cache.Live, nil
}

// removed reports whether a session is known here to be gone: ids of sessions
// are not used twice, so nobody need be asked.
func (b *bound) removed(key string) bool {
	if !b.session {
		return false
	}
	e, _ := b.Lookup(key)
	return e.State == cache.Tombstone
}

// settle returns what has become of an element that peers answered with, once
// it is merged: something newer may have arrived meanwhile, be it a removal.
func (b *bound) settle(e cache.Element) (cache.Element, bool) {
	if !b.session {
		return e, true
	}
	now := b.n.now()
	if held, live := b.Peek(now, e.Key); live {
		return held, true
	}
	if c, ok := b.Common(now, e.Key); ok && c.State == cache.Tombstone && c.Stamp.Compare(e.Stamp) > 0 {
		return cache.Element{}, false
	}
	return e, true // there was no room for it
}
