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
	list map[netip.Addr]*refusal
}

// A refusal is what is known of one.
type refusal struct {
	cache.Stranger
	vague bool // the reason is one that only the other side knows
}

// Refuse notes that somebody was refused. fresh means that this is news: who
// and why were not known yet.
func (s *Strangers) Refuse(addr netip.Addr, why string, now time.Time) (fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.noteLocked(addr, why, false, now)
}

// Mention is Refuse where there may be a better reason, which then stays: two
// that refuse each other do so when either dials, for reasons that differ.
// vague is the worst one.
func (s *Strangers) Mention(addr netip.Addr, why string, vague bool, now time.Time) (fresh bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.list[addr.Unmap()]; g != nil && now.Sub(g.Last) < strangerTime && (vague || !g.vague) {
		why, vague = g.Why, g.vague
	}
	return s.noteLocked(addr, why, vague, now)
}

func (s *Strangers) noteLocked(addr netip.Addr, why string, vague bool, now time.Time) (fresh bool) {
	addr = addr.Unmap()
	g := s.list[addr]
	if g == nil {
		if len(s.list) >= maxStrangers {
			s.forgetLocked()
		}
		if s.list == nil {
			s.list = map[netip.Addr]*refusal{}
		}
		g = &refusal{Stranger: cache.Stranger{Addr: addr.String()}}
		s.list[addr] = g
	}
	fresh = g.Why != why
	g.Why, g.Last, g.vague = why, now, vague
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
			out = append(out, g.Stranger)
		}
	}
	slices.SortFunc(out, func(a, b cache.Stranger) int { return cmp.Compare(a.Addr, b.Addr) })
	return out
}
