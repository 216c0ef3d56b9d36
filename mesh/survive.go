// SPDX-License-Identifier: Apache-2.0

package mesh

// syncSurvivors has this node compare with every peer that is left, because
// one has gone that could not hand everything over: some may have its last
// changes and others not. Whoever notices does so, after it has read all that
// came on the link; so of any two the later one compares what both have.
func (m *Mesh) syncSurvivors(lost *link) {
	if !m.c.Receive || m.isClosing() {
		return
	}
	m.compare(lost.peer)
}

// Compare asks for a sync with every linked peer, soon.
func (m *Mesh) Compare() { m.compare(nil) }

func (m *Mesh) compare(but *peer) {
	for _, p := range m.linked() {
		if l := p.link(); l != nil && p != but {
			l.syncShared()
		}
	}
}
