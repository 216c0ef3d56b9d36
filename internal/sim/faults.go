// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"fmt"
	"time"
)

// faults draws some faults. slow is whether processes may be slow to read and
// clocks be off: of invalidated regions no bound is promised then.
func (m *maker) faults(many int, slow bool) {
	for range many {
		at := m.time()
		most := 11
		if !slow {
			most = 9
		}
		switch m.IntN(most) {
		case 0, 1: // two nodes
			a := m.node()
			b := m.other(a)
			m.add(at, "part", a, b)
			m.add(at+m.lasting(), "heal", a, b)
		case 2, 3: // one way
			a := m.node()
			b := m.other(a)
			m.add(at, "block", a, b)
			m.add(at+m.lasting(), "heal", a, b)
		case 4: // one from all others, or the cluster in two
			m.split(at)
		case 5: // data in flight is lost, perhaps again and again
			a := m.node()
			b := m.other(a)
			for range 1 + m.IntN(3) {
				m.add(at, "reset", a, b)
				at += m.between(0, 300*time.Millisecond)
			}
		case 6:
			m.dies(at, []string{"crash", "exit"}[m.IntN(2)])
		case 7:
			m.dies(at, "stop")
		case 8: // a way becomes long
			a := m.node()
			m.add(at, "delay", a, m.other(a), m.between(0, 400*time.Millisecond).Round(time.Millisecond))
		case 9:
			n := m.node()
			m.add(at, "slow", n, m.between(time.Millisecond, m.p.Set.LinkTimeout/4).Round(time.Millisecond))
			m.add(at+m.lasting(), "slow", n, "0s")
		case 10: // and jumps
			n := m.node()
			m.add(at, "skew", n, (m.between(0, 40*time.Second) - 20*time.Second).Round(time.Millisecond))
			if m.chance(50) {
				m.add(at+m.lasting(), "skew", n, (m.between(0, 40*time.Second) - 20*time.Second).Round(time.Millisecond))
			}
		}
	}
}

// lasting is how long a fault lasts: shorter or longer than a link does.
func (m *maker) lasting() time.Duration {
	if m.chance(50) {
		return m.between(10*time.Millisecond, m.p.Set.LinkTimeout)
	}
	return m.between(m.p.Set.LinkTimeout, 3*m.p.Set.LinkTimeout)
}

func (m *maker) split(at time.Duration) {
	size, order, last := 1, m.Perm(m.p.Nodes), at+m.lasting()
	if m.chance(40) {
		size = max(1, m.p.Nodes/2)
	}
	for _, a := range order[:size] {
		for _, b := range order[size:] {
			m.add(at, "part", a+1, b+1)
			m.add(last, "heal", a+1, b+1)
		}
	}
}

// longCut has a node cut off for so long that the others forget it, and it
// them, while both sides go on removing and writing.
func (m *maker) longCut(region string, keys []string) {
	s := &m.p.Set
	s.Member = m.between(2*s.LinkTimeout, 10*time.Second).Round(time.Millisecond)
	cut, from := m.node(), m.time()
	to := from + s.Member + m.between(time.Second, s.Member)
	for n := 1; n <= m.p.Nodes; n++ {
		if n != cut {
			m.add(from, "part", cut, n)
			m.add(to, "heal", cut, n)
		}
	}
	for range 4 + m.IntN(12) {
		m.write(m.between(from, to+time.Second), m.node(), region, keys[m.IntN(len(keys))])
	}
	for range 3 {
		m.add(m.between(from, to), "look")
	}
}

// removals are about what is forgotten too soon: somebody does not hear of a
// removal, whoever removed is gone, and the others have forgotten it by then.
func (m *maker) removals() {
	s := &m.p.Set
	region, keys := "Rep", fewKeys
	if m.chance(25) {
		region, keys = "Top", moreKeys
	}
	s.Regions = []string{region}
	s.Heartbeat = max(s.LinkTimeout/6, 200*time.Millisecond).Round(time.Millisecond)
	m.span += 3 * time.Second
	for _, key := range keys {
		m.next++
		m.add(m.between(200*time.Millisecond, time.Second), "put", m.node(), region, key, fmt.Sprint("v", m.next))
	}
	for range 1 + m.IntN(3) {
		m.missed(region, keys)
	}
	for range m.IntN(8) {
		m.write(m.time(), m.node(), region, keys[m.IntN(len(keys))])
	}
	m.faults(m.IntN(3), false)
	for at := time.Second; at < m.span; at += m.between(200*time.Millisecond, 500*time.Millisecond) {
		m.add(at, "look")
	}
}

// missed is a removal that one node does not hear of, by one that may end
// before it can tell.
func (m *maker) missed(region string, keys []string) {
	at, a := m.between(1200*time.Millisecond, m.span), m.node()
	c := m.other(a)
	switch m.IntN(3) {
	case 0:
		m.add(at, "block", a, c)
	case 1:
		m.add(at, "part", a, c)
	default:
		m.split(at)
	}
	for range 1 + m.IntN(3) {
		m.add(m.between(at, at+m.p.Set.LinkTimeout/2), "remove", a, region, append([]string{"p:", "g/"}, keys...)[m.IntN(len(keys)+2)])
	}
	if m.chance(30) {
		for i := range 12 {
			m.next++
			m.add(at+time.Duration(i)*time.Millisecond, "put", a, region, fmt.Sprint("big", i), fmt.Sprintf("v%d*8000", m.next))
		}
	}
	if m.chance(60) && (a != 1 || !m.p.Set.OneSeed) {
		end := at + m.between(time.Second, m.p.Set.LinkTimeout+2*time.Second)
		m.add(end, []string{"crash", "exit", "stop"}[m.IntN(3)], a)
		if m.chance(50) {
			m.add(end+m.between(50*time.Millisecond, 3*time.Second), "start", a)
		}
	}
	m.add(at+m.between(1500*time.Millisecond, 3*m.p.Set.LinkTimeout), "heal", a, c)
}

// dies ends a node, and mostly starts it again.
func (m *maker) dies(at time.Duration, how string) {
	n := m.node()
	if n == 1 && m.p.Set.OneSeed {
		return // the others may have only it in common
	}
	m.add(at, how, n)
	if m.chance(70) {
		m.add(at+m.between(50*time.Millisecond, m.span/2), "start", n)
	}
}

// Faults counts what a plan has of each kind.
func (p *Plan) Faults() map[string]int {
	out := map[string]int{}
	started := map[string]bool{}
	for _, s := range p.Steps {
		kind := s.Verb
		switch {
		case s.isOp(), kind == "heal", kind == "look", kind == "delay" && s.At < time.Millisecond:
			continue
		case kind == "slow" && s.Args[1] == "0s":
			continue
		case kind == "start":
			kind = "restart"
			if !started[s.Args[0]] && s.At < 30*time.Millisecond {
				kind = ""
			} else if !started[s.Args[0]] {
				kind = "join"
			}
			started[s.Args[0]] = true
		}
		if kind != "" {
			out[kind]++
		}
	}
	out["nodes "+fmt.Sprint(p.Nodes)]++
	out["flavour "+p.Flavour]++
	return out
}
