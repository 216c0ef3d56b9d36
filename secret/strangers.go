// SPDX-License-Identifier: Apache-2.0

package secret

import (
	"cmp"
	"net/netip"
	"slices"
	"sync"
	"time"

	"lateral/cache"
)

// maxStrangers bounds whom Strangers remembers, and what it has them told of.
const maxStrangers = 64

// strangerTime is how long somebody who is not refused any more is told of.
const strangerTime = 5 * time.Minute

// Strangers remembers who was refused, and why, for people to see. The zero
// value is ready; its methods may be called by many goroutines.
type Strangers struct {
	mu   sync.Mutex // guards what follows
	list map[netip.Addr]*cache.Stranger
}

// Refuse notes that somebody was refused. fresh means that this is news: who
// and why were not known yet.
func (s *Strangers) Refuse(addr netip.Addr, why string, now time.Time) (fresh bool) {
	addr = addr.Unmap()
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.list[addr]
	if g == nil {
		if len(s.list) >= maxStrangers {
			s.forgetLocked()
		}
		if s.list == nil {
			s.list = map[netip.Addr]*cache.Stranger{}
		}
		g = &cache.Stranger{Addr: addr.String()}
		s.list[addr] = g
	}
	fresh = g.Why != why
	g.Why, g.Last = why, now
	g.Count++
	return fresh
}

// forgetLocked makes room: who was heard of longest ago goes.
func (s *Strangers) forgetLocked() {
	var oldest netip.Addr
	for a, g := range s.list {
		if o := s.list[oldest]; o == nil || g.Last.Before(o.Last) {
			oldest = a
		}
	}
	delete(s.list, oldest)
}

// List returns who was refused lately, by address.
func (s *Strangers) List(now time.Time) (out []cache.Stranger) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, g := range s.list {
		if now.Sub(g.Last) < strangerTime {
			out = append(out, *g)
		}
	}
	slices.SortFunc(out, func(a, b cache.Stranger) int { return cmp.Compare(a.Addr, b.Addr) })
	return out
}
