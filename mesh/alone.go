// SPDX-License-Identifier: Apache-2.0

package mesh

// Linked reports whether any peer is linked.
func (m *Mesh) Linked() bool { return len(m.linked()) > 0 }

// Last reports, once Run has returned, whether no peer is left that was linked
// when this node began to leave: those that were have said goodbye themselves.
func (m *Mesh) Last() bool {
	if m.company == nil {
		return false
	}
	for _, p := range m.company {
		p.mu.Lock()
		left := p.left
		p.mu.Unlock()
		if !left {
			return false
		}
	}
	return true
}
