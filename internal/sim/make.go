// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"
)

// A maker draws a plan from a seed.
type maker struct {
	*rand.Rand
	p    *Plan
	span time.Duration // of ops and faults
	up   []bool        // by host: somebody runs there, as far as the plan knows, at the end of what was drawn
	next int           // of values
}

// Flavours are kinds of plans: which regions there are and what is done most.
var flavours = []struct {
	name  string
	share int
	make  func(*maker)
}{
	{"replicated", 34, (*maker).replicated},
	{"bounded", 18, (*maker).bounded},
	{"invalidated", 24, (*maker).invalidated},
	{"sessions", 12, (*maker).sessions},
	{"strict", 10, (*maker).strict},
	{"gaps", 8, (*maker).gaps},
	{"removals", 12, (*maker).removals},
	{"everything", 4, (*maker).everything},
}

// Make draws a plan.
func Make(seed uint64) *Plan {
	m := &maker{Rand: rand.New(rand.NewPCG(seed, 0x1a7e4a1)), p: &Plan{Seed: seed, Set: DefaultSettings()}}
	m.settings()
	total := 0
	for _, f := range flavours {
		total += f.share
	}
	at := m.IntN(total)
	for _, f := range flavours {
		if at -= f.share; at < 0 {
			m.p.Flavour = f.name
			f.make(m)
			break
		}
	}
	m.finish()
	return m.p
}

// pick draws a number by its share of the whole.
func (m *maker) pick(shares ...int) int {
	total := 0
	for _, s := range shares {
		total += s
	}
	at := m.IntN(total)
	for i, s := range shares {
		if at -= s; at < 0 {
			return i
		}
	}
	return 0
}

func (m *maker) chance(percent int) bool { return m.IntN(100) < percent }

func (m *maker) between(from, to time.Duration) time.Duration {
	return from + time.Duration(m.Int64N(int64(to-from)+1))
}

func (m *maker) settings() {
	p := m.p
	p.Nodes = 2 + m.pick(25, 42, 18, 8, 4, 3)
	s := &p.Set
	s.LinkTimeout = m.between(1500*time.Millisecond, 4*time.Second).Round(time.Millisecond)
	s.Heartbeat = (s.LinkTimeout / time.Duration(2+m.IntN(3))).Round(time.Millisecond)
	s.StaleMax = m.between(0, 3*time.Second).Round(time.Millisecond)
	s.Member = m.between(6*time.Second, 25*time.Second).Round(time.Second)
	s.WhenDown = []string{"serve", "bypass", "drop"}[m.pick(2, 1, 1)]
	s.Bound = 2 + m.IntN(7)
	s.Acks = []string{"1", "2", "all"}[m.pick(5, 2, 3)]
	s.OneSeed = m.chance(25)
	m.span = m.between(3*time.Second, 5*time.Second+2*s.LinkTimeout)
	m.up = make([]bool, p.Nodes+1)
	m.delays()
	late := -1
	if m.chance(35) {
		late = 1 + m.IntN(p.Nodes)
	}
	for n := 1; n <= p.Nodes; n++ {
		at := m.between(0, 20*time.Millisecond)
		if n == late {
			at = m.between(m.span/4, m.span)
		}
		m.add(at, "start", n)
		m.up[n] = true
	}
}

// delays gives every way its own.
func (m *maker) delays() {
	for a := 1; a <= m.p.Nodes; a++ {
		for b := 1; b <= m.p.Nodes; b++ {
			if a != b && m.chance(60) {
				most := 5 * time.Millisecond
				if m.chance(15) {
					most = 200 * time.Millisecond
				}
				m.add(0, "delay", a, b, m.between(0, most).Round(10*time.Microsecond))
			}
		}
	}
}

func (m *maker) add(at time.Duration, verb string, args ...any) {
	s := Step{At: at, Verb: verb}
	for _, a := range args {
		s.Args = append(s.Args, fmt.Sprint(a))
	}
	m.p.Steps = append(m.p.Steps, s)
}

// finish puts the steps in order, and apart: no two are at the same time, and
// none is where a timer of the nodes, which are of whole microseconds, may be.
func (m *maker) finish() {
	p := m.p
	slices.SortStableFunc(p.Steps, func(a, b Step) int { return cmp.Compare(a.At, b.At) })
	last := time.Duration(0)
	for i := range p.Steps {
		s := &p.Steps[i]
		s.At = max(s.At.Truncate(time.Microsecond), last.Truncate(time.Microsecond)+time.Microsecond) + time.Duration(1+m.IntN(998))
		last = s.At
	}
	p.End = max(last, m.span).Truncate(time.Millisecond) + time.Millisecond + time.Duration(1+m.IntN(998))
}

func (m *maker) node() int { return 1 + m.IntN(m.p.Nodes) }

// other is a node that n is not.
func (m *maker) other(n int) int { return 1 + (n+m.IntN(m.p.Nodes-1))%m.p.Nodes }

func (m *maker) time() time.Duration { return m.between(0, m.span) }

// writes does what applications do to a replicated region.
func (m *maker) writes(region string, many int, keys []string) {
	for range many {
		at, n := m.time(), m.node()
		burst := 1
		if m.chance(15) {
			burst = 2 + m.IntN(4) // several nodes at once
		}
		for range burst {
			m.write(at, n, region, keys[m.IntN(len(keys))])
			n, at = m.node(), at+m.between(0, 3*time.Millisecond)
		}
	}
	for range 2 + m.IntN(6) {
		m.add(m.time(), "look")
	}
}

func (m *maker) write(at time.Duration, n int, region, key string) {
	clear := 3
	if region == "Ses" {
		clear = 0 // the clients of sessions are not to be surprised
	}
	switch m.pick(55, 26, 4, 3, clear, 9) {
	case 0:
		m.next++
		args := []any{n, region, key, fmt.Sprint("v", m.next)}
		if m.chance(12) {
			args = append(args, "acks="+[]string{"1", "2", "all"}[m.IntN(3)])
		}
		m.add(at, "put", args...)
	case 1:
		m.add(at, "remove", n, region, key)
	case 2:
		m.add(at, "remove", n, region, "p:")
	case 3:
		m.add(at, "remove", n, region, "g/")
	case 4:
		m.add(at, "clear", n, region)
	default:
		m.add(at, "get", n, region, key)
	}
}

var (
	fewKeys  = []string{"a", "b", "c", "p:1", "g/1"}
	moreKeys = []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "p:1", "p:2", "p:3", "g/1", "g/2"}
)

func (m *maker) replicated() {
	m.p.Set.Regions = []string{"Rep"}
	m.writes("Rep", 10+m.IntN(40), fewKeys)
	m.faults(m.IntN(6), true)
	if m.chance(10) {
		m.longCut("Rep", fewKeys)
	}
}

func (m *maker) bounded() {
	m.p.Set.Regions = []string{"Top"}
	m.writes("Top", 15+m.IntN(45), moreKeys)
	m.faults(m.IntN(6), true)
	if m.chance(10) {
		m.longCut("Top", moreKeys)
	}
}

func (m *maker) everything() {
	m.p.Set.Regions = []string{"Rep", "Top", "Ses", "Inv"}
	m.writes("Rep", 5+m.IntN(15), fewKeys)
	m.writes("Top", 5+m.IntN(15), moreKeys)
	m.writes("Ses", 5+m.IntN(10), []string{"a", "b"})
	m.loads("Inv", 10+m.IntN(20))
	m.faults(m.IntN(6), false)
}

// gaps are bursts that are larger than a log.
func (m *maker) gaps() {
	m.p.Set.Regions = []string{"Rep", "Inv"}
	m.writes("Rep", 5+m.IntN(20), fewKeys)
	m.loads("Inv", 5+m.IntN(15))
	if m.chance(25) {
		m.hastyGoodbye()
	}
	for range 1 + m.IntN(3) {
		at, n := m.time(), m.node()
		for i := range 10 + m.IntN(8) {
			m.next++
			m.add(at+time.Duration(i)*time.Microsecond, "put", n, "Rep", fmt.Sprint("big", i), fmt.Sprintf("v%d*%d", m.next, 6000+m.IntN(4000)))
		}
	}
	m.faults(1+m.IntN(5), false)
}

// hastyGoodbye is a node that shuts down while its connections are full, and
// are cleared while it says goodbye: which then overtakes what it removed.
func (m *maker) hastyGoodbye() {
	n := m.node()
	o := m.other(n)
	if n == 1 && m.p.Set.OneSeed {
		return
	}
	at := m.between(m.span/3, m.span)
	m.add(at-m.between(0, m.span/4), "load", o, "Inv", "a", 0, 0)
	m.add(at, "block", n, o)
	for i := range 36 {
		m.next++
		m.add(at+time.Duration(i)*time.Millisecond, "put", n, "Rep", fmt.Sprint("big", i), fmt.Sprintf("v%d*%d", m.next, 8000))
	}
	m.add(at+40*time.Millisecond, "update", n, "Inv", "a", 0, 0)
	m.add(at+60*time.Millisecond, "stop", n)
	m.add(at+60*time.Millisecond+m.between(900*time.Millisecond, 1600*time.Millisecond), "heal", n, o)
}

func (m *maker) invalidated() {
	m.p.Set.Regions = []string{"Inv"}
	m.p.Set.AllowGet = m.chance(20)
	m.loads("Inv", 15+m.IntN(45))
	m.faults(m.IntN(6), false)
}

func (m *maker) strict() {
	m.p.Set.Regions = []string{"Str"}
	m.p.Set.Lease = m.between(300*time.Millisecond, 2*time.Second).Round(time.Millisecond)
	m.loads("Str", 20+m.IntN(40))
	m.faults(m.IntN(6), true)
}

// loads and updates of invalidated elements.
func (m *maker) loads(region string, many int) {
	for range many {
		at, n, key := m.time(), m.node(), fewKeys[m.IntN(3)]
		switch m.pick(40, 25, 35) {
		case 0:
			m.add(at, "load", n, region, key, m.between(0, 20*time.Millisecond), m.between(0, 100*time.Millisecond))
		case 1:
			verb := "update"
			if key == "c" {
				verb = "change"
			}
			m.add(at, verb, n, region, key, m.between(0, 20*time.Millisecond), m.between(0, 50*time.Millisecond))
			if m.chance(60) { // what is loaded meanwhile is stale
				m.add(at-m.between(0, at/8+1), "load", m.node(), region, key, 0, m.between(0, 150*time.Millisecond))
				m.add(at+m.between(0, 30*time.Millisecond), "load", m.node(), region, key, 0, m.between(0, 100*time.Millisecond))
			}
		default:
			m.add(at, "get", n, region, key)
		}
	}
}

// sessions: one client for each of some keys goes from node to node, while at
// most a few of them crash.
func (m *maker) sessions() {
	s := &m.p.Set
	s.Regions, s.OneSeed = []string{"Ses"}, false
	linear := m.chance(60)
	if linear {
		s.Acks = "all"
	}
	for i := range 1 + m.IntN(4) {
		key := fmt.Sprint("s", i)
		for at := 600*time.Millisecond + m.between(0, time.Second); at < m.span; at += m.between(310*time.Millisecond, 900*time.Millisecond) {
			switch m.pick(50, 8, 42) {
			case 0:
				m.next++
				m.add(at, "put", m.node(), "Ses", key, fmt.Sprint("v", m.next))
			case 1:
				m.add(at, "remove", m.node(), "Ses", key)
			default:
				m.add(at, "get", m.node(), "Ses", key)
			}
		}
	}
	if !linear {
		m.writes("Ses", 5+m.IntN(15), []string{"a", "b"})
		m.faults(m.IntN(4), false)
	}
	m.kills()
	if m.chance(40) {
		m.takes()
	}
}

// takes are several who want the same, at once. A node that is cut off for
// MemberTimeout counts no more, so that is long.
func (m *maker) takes() {
	m.p.Set.Member = time.Minute
	for range 2 + m.IntN(6) {
		at, key := m.time(), fmt.Sprint("t", m.IntN(2))
		m.next++
		m.add(at, "put", m.node(), "Ses", key, fmt.Sprint("v", m.next))
		at += m.between(0, 300*time.Millisecond)
		for range 2 + m.IntN(3) {
			m.add(at, "take", m.node(), "Ses", key)
			at += m.between(0, 20*time.Millisecond)
		}
	}
}

// kills ends as many nodes at once as an acknowledged write is to survive.
func (m *maker) kills() {
	many := 1
	if m.p.Set.Acks == "2" {
		many = 1 + m.IntN(2)
	}
	at := m.between(m.span/3, m.span)
	for i, n := range m.Perm(m.p.Nodes) {
		if i < many && i < m.p.Nodes-1 {
			m.add(at, []string{"crash", "exit"}[m.IntN(2)], n+1)
			if m.chance(70) {
				m.add(at+m.between(50*time.Millisecond, m.span/2), "start", n+1)
			}
		}
	}
}
