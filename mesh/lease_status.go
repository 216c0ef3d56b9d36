// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"cmp"
	"slices"
	"time"

	"lateral/cache"
)

// leaseStatus says of each member what strict regions need of it; nil where
// there are none.
func (m *Mesh) leaseStatus() (out []cache.LeaseStatus) {
	s := &m.leases
	if s.want.Load() == 0 {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	now := int64(m.Age())
	for id, e := range s.members {
		if !e.counts() {
			continue
		}
		out = append(out, cache.LeaseStatus{Host: e.Host, Service: e.Service, Endpoint: e.Endpoint, ID: id.String(),
			Held: time.Duration(max(0, e.until-now)), Granted: time.Duration(max(0, e.granted-now)), Why: e.why(now)})
	}
	for _, addr := range s.nameless {
		out = append(out, cache.LeaseStatus{Addr: addr, Why: "it is configured, and nothing has been reached there"})
	}
	slices.SortFunc(out, func(a, b cache.LeaseStatus) int {
		return cmp.Or(cmp.Compare(a.Host, b.Host), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Endpoint, b.Endpoint), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Addr, b.Addr))
	})
	return out
}

// why there is no lease of it, "" if there is.
func (f *fellow) why(now int64) string {
	switch {
	case f.until > now:
		return ""
	case f.link == nil && f.met:
		return "its link is down and it took no leave, so it may be removing (gone for good? lateral forget)"
	case f.link == nil:
		return "it is known and was never linked, so it may be removing (gone for good? lateral forget)"
	case f.link.peerHello.Version < leaseVersion:
		return "its version knows no leases"
	}
	return "it has not answered for the length of a lease"
}
