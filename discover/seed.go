// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"slices"
	"time"

	"lateral/cache"
)

// maxAnswers bounds the addresses kept of the answers to one name.
const maxAnswers = 1024

// A seed is an address that the configuration or a DNS answer names.
type seed struct {
	addr   string
	source string       // Static, DNS
	name   string       // DNS: that was asked
	id     cache.NodeID // where dialling it led; 0: not known
	own    bool         // it led to ourselves
}

// plant adds the addresses of the configuration.
func (t *table) plant(addrs []string) {
	for _, a := range addrs {
		if !t.planted(a) {
			t.seeds = append(t.seeds, &seed{addr: a, source: Static})
		}
	}
}

// answered replaces what a DNS name stands for.
func (t *table) answered(name string, addrs []string) (changed bool) {
	n := len(t.seeds)
	t.seeds = slices.DeleteFunc(t.seeds, func(s *seed) bool { return s.source == DNS && s.name == name && !slices.Contains(addrs, s.addr) })
	changed = len(t.seeds) != n
	for _, a := range addrs[:min(len(addrs), maxAnswers)] {
		if t.planted(a) {
			continue
		}
		s := &seed{addr: a, source: DNS, name: name}
		for id, e := range t.members {
			if e.has(a) {
				s.id = id
			}
		}
		_, s.own = t.own[a]
		t.seeds = append(t.seeds, s)
		changed = true
	}
	return changed
}

func (t *table) planted(addr string) bool {
	return slices.ContainsFunc(t.seeds, func(s *seed) bool { return s.addr == addr })
}

// bind takes in where dialling an address led.
func (t *table) bind(now time.Time, addr string, id cache.NodeID) (changed bool) {
	if id == 0 {
		return false
	}
	if id == t.self.ID {
		return t.bindSelf(now, addr)
	}
	delete(t.gone, id)
	source := Link
	for _, s := range t.seeds {
		if s.addr == addr {
			source = s.source
		}
	}
	e, fresh := t.enter(now, id, source)
	if e == nil {
		return false
	}
	e.seen = now
	if fresh {
		e.m.Receive = true // we dialled it
	}
	return t.claim(now, e, addr) || fresh
}

// bindSelf takes an address of ours from whoever was thought to have it: the
// configuration, or our own former life that others still speak of.
func (t *table) bindSelf(now time.Time, addr string) (changed bool) {
	for _, s := range t.seeds {
		if s.addr == addr && (!s.own || s.id != 0) {
			s.own, s.id, changed = true, 0, true
		}
	}
	if len(t.own) < MaxMembers {
		t.own[addr] = now
	}
	for id, e := range t.members {
		n := len(e.places)
		e.places = slices.DeleteFunc(e.places, func(p place) bool { return p.addr == addr })
		if len(e.places) == n {
			continue
		}
		changed = true
		if len(e.places) == 0 && !t.links[id] {
			t.remove(now, id)
		}
	}
	return changed
}

func (t *table) unbind(id cache.NodeID) {
	for _, s := range t.seeds {
		if s.id == id {
			s.id = 0
		}
	}
}
