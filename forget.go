// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"fmt"

	"lateral/cache"
)

// Silent returns the members of this node's meshes that count though no link
// leads to them. Until they are back, or Forget, removals are remembered for
// their sake and strict regions are not served from memory.
func (n *Node) Silent() []cache.SilentMember {
	out := []cache.SilentMember{}
	for _, e := range n.endpoints {
		out = append(out, e.mesh.Silent()...)
	}
	return out
}

// Forget tells all members that silent ones are gone for good: the one of an
// id, or the endpoints of a host/service or host/service.endpoint. It is for
// machines that were destroyed: a service that is started again on the same
// host and port is recognised by itself, and one that stops says goodbye. Who
// calls it vouches that the process has ended. One that lives goes on by itself
// and is refused by all until it is started anew.
//
// It returns whom it has forgotten; its error is cache.ErrNoMember if nobody
// silent is called that.
func (n *Node) Forget(member string) ([]cache.SilentMember, error) {
	var gone []cache.SilentMember
	for _, e := range n.endpoints {
		for _, s := range e.mesh.Forget(member) {
			n.log.Warn("a member is forgotten: somebody vouched that its process has ended",
				"member", s.Name, "id", s.ID, "endpoint", e.name, "dropped", s.Dropped)
			gone = append(gone, s)
		}
	}
	if len(gone) == 0 {
		return nil, fmt.Errorf("%w %.200q", cache.ErrNoMember, member)
	}
	return gone, nil
}
