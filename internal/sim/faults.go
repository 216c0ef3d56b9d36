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
