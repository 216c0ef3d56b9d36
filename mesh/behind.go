// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"math"
	"strings"
	"time"

	"lateral/cache"
	"lateral/converge"
)

// age returns how long ago a time of stamps was (ms), -1 if it is none.
func (m *Mesh) age(t uint64) int64 {
	if t == 0 {
		return -1
	}
	return max(m.c.Now().UnixMilli()-cache.Stamp{Time: t}.UnixMilli(), 0)
}

func (m *Mesh) behind(id cache.NodeID) cache.Behind {
	heard, told := m.frontier.Progress(id)
	return cache.Behind{Millis: m.age(told), Heard: m.age(heard)}
}

func (m *Mesh) stableStatus() (st cache.StableStatus) {
	s := m.Stable()
	st.Known, st.Millis = s != 0, max(m.age(s), 0)
	id, linked := m.holder()
	if p := m.unmet(); p != nil {
		if st.Holder = strings.Join(p.Addrs, ", "); p.Host != "" {
			st.Holder = p.Host + "/" + p.Service + "." + p.Endpoint
		}
	} else if id != 0 {
		st.Holder, st.Linked = m.memberName(id), linked
	}
	return st
}

// holder returns the member that all wait for. One without a link comes before
// those that have one: these may wait for it, too.
func (m *Mesh) holder() (id cache.NodeID, linked bool) {
	up := map[cache.NodeID]bool{m.c.ID: true}
	for _, p := range m.linked() {
		up[p.id] = true
	}
	set, _, _, _ := m.frontier.Set()
	least := uint64(math.MaxUint64)
	for _, s := range set {
		if heard, _ := m.frontier.Progress(s.ID); !up[s.ID] && s.Standing != converge.Gone && heard < least {
			id, least = s.ID, heard
		}
	}
	if id != 0 {
		return id, false
	}
	id, _ = m.frontier.Holding()
	return id, true
}

// Silence returns for how long at most this node may not have heard of what some
// linked peer has removed; ok is false if that is not known of one of them.
func (m *Mesh) Silence() (d time.Duration, ok bool) {
	for _, p := range m.linked() {
		heard := m.behind(p.id).Heard
		if heard < 0 {
			return 0, false
		}
		d = max(d, time.Duration(heard)*time.Millisecond)
	}
	return d, true
}
