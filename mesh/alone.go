// SPDX-License-Identifier: Apache-2.0

package mesh

// Alone reports whether no peer is left that this node was linked with: each
// has said goodbye, or is silent for so long that nobody believes in it any more. After
// Run has returned it tells whether this node was the last to leave.
func (m *Mesh) Alone() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.peers {
		p.mu.Lock()
		left := p.left || p.known.ID == 0
		p.mu.Unlock()
		if p.link() != nil || !left {
			return false
		}
	}
	return true
}
