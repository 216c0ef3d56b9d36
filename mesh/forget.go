// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"lateral/cache"
	"lateral/converge"
)

// Silent returns the members that count though no link leads to them: removals
// are remembered for their sake, and strict regions are not served. Name is ""
// of one that only others have met.
func (m *Mesh) Silent() []cache.SilentMember {
	silent := m.silent()
	out := slices.Collect(maps.Values(silent))
	slices.SortFunc(out, func(a, b cache.SilentMember) int { return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID)) })
	return out
}

func (m *Mesh) silent() map[cache.NodeID]cache.SilentMember {
	silent := map[cache.NodeID]cache.SilentMember{}
	note := func(id cache.NodeID, name string, strict bool) {
		silent[id] = cache.SilentMember{Endpoint: m.c.Endpoint, ID: id.String(), Name: cmp.Or(name, silent[id].Name), Strict: strict}
	}
	set, _, _, _ := m.frontier.Set()
	for _, s := range set {
		if s.Standing == converge.Counting {
			note(s.ID, m.metName(s.ID), false)
		}
	}
	s := &m.leases
	s.mu.Lock()
	if s.want.Load() != 0 {
		for id, f := range s.members {
			if f.counts() {
				note(id, f.name(), true)
			}
		}
	}
	s.mu.Unlock()
	delete(silent, m.c.ID)
	for _, p := range m.linked() {
		delete(silent, p.id)
	}
	return silent
}

func (f *fellow) name() string {
	if f.Host == "" {
		return ""
	}
	return f.Host + "/" + f.Service + "." + f.Endpoint
}

// Forget has all members reckon no more with silent ones, called by id,
// host/service.endpoint or host/service, whose process has ended for good: its
// caller vouches for that. Invalidated regions start empty, here at once, and
// where regions are strict on every member that hears of it, since what it removed last
// is unknown. If it lives all the same it gets no link any more until its
// service is started anew.
func (m *Mesh) Forget(name string) (gone []cache.SilentMember) {
	for id, s := range m.silent() {
		if !called(s, name) {
			continue
		}
		s.Dropped = m.dropStale()
		m.frontier.Vouched(id)
		m.c.Directory.Left(id)
		gone = append(gone, s)
	}
	if len(gone) == 0 {
		return nil
	}
	m.bury()
	m.census()
	return gone // peers hear of it with the next heartbeat, or before their next lease
}

func called(s cache.SilentMember, name string) bool {
	service := s.Name[:max(0, strings.LastIndex(s.Name, "."))]
	return name != "" && (name == s.ID || name == s.Name || name == service)
}
