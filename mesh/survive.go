// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"maps"
	"slices"
)

// syncSurvivors has this node compare with every peer that is left, because
// one has gone that could not hand everything over: some may have its last
// changes and others not. Whoever notices does so, after it has read all that
// came on the link; so of any two the later one compares what both have.
func (m *Mesh) syncSurvivors(lost *link) {
	if !m.c.Receive || m.isClosing() {
		return
	}
	for _, p := range m.linked() {
		if l := p.link(); l != nil && p != lost.peer {
			l.syncShared()
		}
	}
}

// Compare asks for a sync with every peer, soon, or as soon as there is a link again.
func (m *Mesh) Compare() {
	m.mu.Lock()
	all := slices.Collect(maps.Values(m.peers))
	m.mu.Unlock()
	for _, p := range all {
		if l := p.link(); l != nil {
			l.syncShared()
			continue
		}
		p.mu.Lock()
		p.rounds.ask()
		p.mu.Unlock()
	}
}
