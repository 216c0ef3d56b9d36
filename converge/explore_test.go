// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/zeebo/xxh3"

	"lateral/cache"
)

// steps yields every state that may follow, with what was done.
func (m *model) steps(yield func(what string, next *model)) {
	for i := range m.n {
		m.stepsOf(i, yield)
		for j := range m.n {
			if i != j {
				m.stepsTo(i, j, yield)
				m.stepsAbout(i, j, yield)
			}
			if i < j {
				m.stepsOfPair(i, j, yield)
			}
		}
	}
}

// try yields the state after do, if there is budget for it.
func (m *model) try(left func(b *budget) *int, what string, yield func(string, *model), do func(c *model) bool) {
	if left != nil && *left(&m.left) == 0 {
		return
	}
	c := m.clone()
	if left != nil {
		*left(&c.left)--
	}
	if do(c) {
		yield(what, c)
	}
}

// stepsOf are what a node does by itself.
func (m *model) stepsOf(i int, yield func(what string, next *model)) {
	if m.n[i].id == 0 {
		m.try(func(b *budget) *int { return &b.joins }, fmt.Sprint(i, " joins"), yield, func(c *model) bool {
			if i >= c.width || c.n[i].last+slots >= ids {
				return false
			}
			for j := range c.n { // what the last one had sent is read or lost by now
				if l, to := c.link(i, (i+1+j%(slots-1))%slots); len(l.to[to]) > 0 {
					return false
				}
			}
			c.start(i)
			return true
		})
		return
	}
	m.try(func(b *budget) *int { return &b.puts }, fmt.Sprint(i, " puts"), yield, func(c *model) bool { c.write(i, value); return true })
	m.try(func(b *budget) *int { return &b.removals }, fmt.Sprint(i, " removes"), yield, func(c *model) bool { c.write(i, tombstone); return true })
	m.try(func(b *budget) *int { return &b.leaves }, fmt.Sprint(i, " leaves"), yield, func(c *model) bool { c.leave(i, true); return true })
	m.try(func(b *budget) *int { return &b.crashes }, fmt.Sprint(i, " crashes"), yield, func(c *model) bool { c.leave(i, false); return true })
}

// stepsAbout are how a node can learn that a process has ended, without a link
// to its successor.
func (m *model) stepsAbout(i, j int, yield func(what string, next *model)) {
	n, gone := m.n[i], m.n[j]
	if n.id == 0 || gone.id != 0 || gone.last == 0 {
		return
	}
	if known := n.f.members[cache.NodeID(gone.last)]; known != nil && known.Standing == Counting {
		m.try(nil, fmt.Sprint(i, " learns that ", j, " has ended"), yield, func(c *model) bool {
			c.at(i).f.Died(cache.NodeID(gone.last))
			return true
		})
	}
}

// stepsTo are what passes from i to j.
func (m *model) stepsTo(i, j int, yield func(what string, next *model)) {
	l, to := m.link(i, j)
	if len(l.to[to]) > 0 && m.n[j].id != 0 {
		m.try(nil, fmt.Sprint(j, " hears ", i), yield, func(c *model) bool { c.deliver(i, j); return true })
	}
	if !l.up {
		return
	}
	m.try(nil, fmt.Sprint(i, " tells ", j), yield, func(c *model) bool { return c.beat(i, j, c.clock) })
	m.try(func(b *budget) *int { return &b.rounds }, fmt.Sprint(j, " syncs with ", i), yield, func(c *model) bool {
		// The least that i may answer with is what it holds at this moment.
		a, b := c.n[i], c.n[j]
		c.send(i, j, message{what: synced, v: a.v, round: b.f.Round()})
		return a.v != b.v || b.f.Wants(a.node(), 0) // else it would change nothing: most do not
	})
}

// stepsOfPair are what becomes of a link.
func (m *model) stepsOfPair(i, j int, yield func(what string, next *model)) {
	l, _ := m.link(i, j)
	both, quiet := m.n[i].id != 0 && m.n[j].id != 0, len(l.to[0])+len(l.to[1]) == 0
	switch {
	case both && l.up:
		m.try(func(b *budget) *int { return &b.cuts }, fmt.Sprint(i, "–", j, " cut"), yield, func(c *model) bool { c.cut(i, j); return true })
	case both && quiet && !(m.apart && i == 1 && j == 2):
		m.try(nil, fmt.Sprint(i, "–", j, " up"), yield, func(c *model) bool { return c.connect(i, j, false) })
		m.try(func(b *budget) *int { return &b.gaps }, fmt.Sprint(i, "–", j, " up with a gap"), yield, func(c *model) bool { return c.connect(i, j, true) })
	case !both && !quiet:
		m.try(nil, fmt.Sprint(i, "–", j, " broken off"), yield, func(c *model) bool { c.cut(i, j); return true })
	}
}

// found starts so many nodes, of width at most, that all know each other. The
// first has written a value, which all have.
func found(s study) *model {
	m := &model{left: s.budget, clock: 1, width: s.width, apart: s.apart}
	for i := range m.n {
		m.n[i] = &mnode{}
	}
	for i := range s.nodes {
		m.start(i)
	}
	m.n[0].v = version{1, value}
	m.n[0].log = []version{m.n[0].v}
	for i := range s.nodes {
		for j := range i {
			m.connect(j, i, false)
		}
	}
	for i := range s.nodes {
		for j := range s.nodes {
			if l, to := m.link(i, j); i != j {
				m.n[j].v = m.n[0].v
				for len(l.to[to]) > 0 {
					m.deliver(i, j)
				}
				m.n[j].f.Synced(m.n[i].node(), m.n[j].f.Round())
			}
		}
	}
	return m
}

// explore visits every state, at most so many, and returns how many there are
// and the way to the first that breaks the law.
func explore(first *model, most int) (states int, err error) {
	type visit struct {
		m   *model
		way *trail
	}
	seen := map[xxh3.Uint128]struct{}{first.key(): {}}
	todo := []visit{{first, nil}}
	for len(todo) > 0 && err == nil && len(seen) < most {
		v := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		v.m.steps(func(what string, next *model) {
			way := &trail{what, v.way}
			if e := next.reap(); e != nil && err == nil {
				err = fmt.Errorf("%w\n%s", e, way)
			}
			k := next.key()
			if _, old := seen[k]; !old && err == nil {
				seen[k] = struct{}{}
				todo = append(todo, visit{next, way})
			}
		})
	}
	return len(seen), err
}

// walk goes one way at random, by a seed, and returns how many steps it took.
func walk(m *model, seed uint64, most int) (n int, err error) {
	rnd := rand.New(rand.NewPCG(seed, 1))
	var way *trail
	for ; n < most; n++ {
		var next *model
		count := 0
		m.steps(func(what string, c *model) {
			if count++; rnd.IntN(count) == 0 {
				next, way = c, &trail{what, way}
				if way.before != nil && count > 1 {
					way.before = way.before.before
				}
			}
		})
		if next == nil {
			return n, nil
		}
		if err := next.reap(); err != nil {
			return n, fmt.Errorf("seed %d: %w\n%s", seed, err, way)
		}
		m = next
	}
	return n, nil
}

type trail struct {
	what   string
	before *trail
}

func (t *trail) String() string {
	var lines []string
	for ; t != nil; t = t.before {
		lines = append(lines, t.what)
	}
	slices.Reverse(lines)
	return strings.Join(lines, ", ")
}

// Ways that chance hardly finds. What a member had sent before it ended is
// still on its way to one node when another compares regions with that one.
func TestLateArrivals(t *testing.T) {
	s := study{3, 3, false, budget{removals: 1, crashes: 1, rounds: 3}}
	goes(t, s, "2 removes, 2 crashes, 0–2 broken off, 0 learns that 2 has ended, 0 tells 1, 1 hears 0, 0 syncs with 1, 0 hears 1, "+
		"1 hears 2, 1 tells 0, 0 hears 1, 0 tells 1, 1 hears 0, 1 syncs with 0, 1 hears 0, 0 tells 1, 1 hears 0")
	goes(t, s, "2 removes, 2 crashes, 0–2 broken off, 0 learns that 2 has ended, 0 tells 1, 1 hears 0, 1 tells 0, 0 hears 1, 0 syncs with 1, 0 hears 1, "+
		"1 hears 2, 1 tells 0, 0 hears 1, 0 tells 1, 1 hears 0, 1 syncs with 0, 1 hears 0, 0 tells 1, 1 hears 0")
}

// What 1 tells of its frontier, not knowing of the joiner 2, is on its way to 0
// all the time in which 0 meets 2, and 2 meets 1 and hears of all that it holds.
func TestLateFrontier(t *testing.T) {
	goes(t, study{2, 3, false, budget{removals: 1, joins: 1, rounds: 3}}, "2 joins, 2 removes, 0 tells 1, 1 hears 0, 1 tells 0, "+
		"0–2 up, 2 hears 0, 2 hears 0, 0 hears 2, 0 hears 2, 0 syncs with 2, 0 hears 2, 2 syncs with 0, 2 hears 0, 0 tells 2, 2 hears 0, "+
		"1–2 up, 2 hears 1, 2 hears 1, 2 syncs with 1, 2 hears 1, 1 tells 2, 2 hears 1, 2 tells 0, 0 hears 2, 0 hears 1")
}

// goes goes one way, and leaves out what there is no occasion for.
func goes(t *testing.T, s study, way string) {
	t.Helper()
	m := found(s)
	for _, want := range strings.Split(way, ", ") {
		var then *model
		m.steps(func(what string, next *model) {
			if what == want {
				then = next
			}
		})
		if then == nil {
			continue
		}
		if err := then.reap(); err != nil {
			t.Fatalf("%s: %v", want, err)
		}
		m = then
	}
}

// full is set where there is time to look at more.
var full = os.Getenv("LATERAL_MODEL") == "full"

// Every order of everything, for budgets small enough to be visited to the
// end: who counts while a node joins, leaves, crashes, or comes back as another
// incarnation. With LATERAL_MODEL=full larger ones, too.
func TestEveryOrder(t *testing.T) {
	small := []study{
		{2, 2, false, budget{removals: 1}},
		{2, 2, false, budget{removals: 1, cuts: 1}},
		{2, 2, false, budget{removals: 1, cuts: 1, gaps: 1, rounds: 2}},
		{1, 2, false, budget{removals: 1, joins: 1, rounds: 2}},
		{2, 2, false, budget{removals: 1, crashes: 1, joins: 1, rounds: 1}},
		{2, 2, false, budget{removals: 1, leaves: 1, joins: 1, rounds: 1}},
	}
	large := []study{
		{2, 3, true, budget{removals: 1, joins: 1, rounds: 2}},
		{3, 3, false, budget{removals: 1}},
		{3, 3, false, budget{removals: 1, leaves: 1, rounds: 2}},
	}
	if full {
		small = append(small, large...)
	}
	for _, s := range small {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			n, err := explore(found(s), 20_000_000)
			if err != nil {
				t.Fatalf("after %d states: %v", n, err)
			}
			t.Logf("%s: %d states", s, n)
		})
	}
}

// Any order of much more, by chance.
func TestAnyOrder(t *testing.T) {
	walks := uint64(300)
	if full {
		walks = 100_000
	}
	for i, s := range []study{
		{2, 3, true, budget{removals: 1, joins: 1, rounds: 2}},
		{3, 3, false, budget{removals: 1, leaves: 1, rounds: 2}},
		{3, 3, false, budget{removals: 1, cuts: 2, gaps: 1, rounds: 6}},
		{3, 3, false, budget{removals: 1, leaves: 1, joins: 1, rounds: 8}},
		{3, 3, false, budget{puts: 1, removals: 2, cuts: 2, gaps: 1, crashes: 1, joins: 2, leaves: 1, rounds: 12}},
		{2, 2, false, budget{puts: 1, removals: 1, joins: 2, crashes: 1, cuts: 1, rounds: 8}},
		{1, 3, false, budget{puts: 1, removals: 2, joins: 2, cuts: 1, rounds: 8}},
	} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			walks := walks
			if i < 2 {
				walks *= 20 // short ones
			}
			steps := 0
			for seed := range walks {
				n, err := walk(found(s), seed, 400)
				if steps += n; err != nil {
					t.Fatal(err)
				}
			}
			t.Logf("%d walks, %d steps", walks, steps)
		})
	}
}

type study struct {
	nodes, width int  // at the start, and at most
	apart        bool // the second and the third never have a link
	budget
}

func (s study) String() string {
	return strings.NewReplacer("{", "", "}", "", ":", " ").Replace(fmt.Sprintf("%d of %d nodes, apart %v, %+v", s.nodes, s.width, s.apart, s.budget))
}

// key is the state in brief, equal for states that behave alike: numbers that
// only order things are replaced by their rank.
func (m *model) key() xxh3.Uint128 {
	b := make([]byte, 0, 600)
	l := &m.left
	b = append(b, byte(m.clock), byte(l.puts), byte(l.removals), byte(l.cuts), byte(l.gaps), byte(l.rounds), byte(l.leaves), byte(l.crashes), byte(l.joins))
	for i, n := range m.n {
		ticks := m.ticks(i)
		b = n.appendKey(b, ticks)
		for j := range m.n {
			if i == j {
				continue
			}
			l, to := m.link(j, i)
			b = append(b, '>', bit(l.up), byte(l.told[1-to].t), byte(l.told[1-to].f), byte(l.told[1-to].s), bit(n.f != nil && l.told[1-to].version == n.f.version))
			for _, msg := range l.to[to] {
				b = append(b, '.', byte(msg.what), byte(msg.v.stamp), byte(msg.v.kind), byte(msg.seq), byte(msg.t), byte(msg.f), byte(msg.s), rank(ticks, msg.round))
				for _, s := range msg.set {
					b = append(b, byte(s.ID), byte(s.Standing))
				}
			}
		}
	}
	return xxh3.Hash128(b)
}

func bit(x bool) byte {
	if x {
		return 1
	}
	return 0
}

// ticks are those that node i may still compare, in order.
func (m *model) ticks(i int) (out []uint64) {
	f := m.n[i].f
	if f == nil {
		return nil
	}
	for _, x := range f.members {
		out = append(out, x.gap)
		for _, at := range x.rounds {
			out = append(out, at)
		}
	}
	for j := range m.n {
		if i != j {
			l, to := m.link(j, i)
			for _, msg := range l.to[to] {
				out = append(out, msg.round)
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func rank(ticks []uint64, at uint64) byte {
	n, _ := slices.BinarySearch(ticks, at)
	return byte(n) + bit(at != 0)
}

func (n *mnode) appendKey(b []byte, ticks []uint64) []byte {
	b = append(b, '|', byte(n.id), byte(n.last), byte(n.v.stamp), byte(n.v.kind), byte(n.until), byte(len(n.log)))
	for id, met := range n.met {
		if met {
			b = append(b, byte(id), byte(n.received[id]))
		}
	}
	f := n.f
	if f == nil {
		return b
	}
	b = append(b, '|', byte(f.stable.Load()))
	for _, id := range slices.Sorted(maps.Keys(f.members)) {
		m := f.members[id]
		b = append(b, byte(id), byte(m.Standing), bit(m.linked), byte(m.heard), byte(m.told), rank(ticks, m.gap), bit(m.set == nil))
		for _, x := range slices.Sorted(maps.Keys(m.set)) {
			b = append(b, byte(x), byte(m.set[x]))
		}
		b = append(b, ';')
		for _, x := range slices.Sorted(maps.Keys(m.rounds)) {
			b = append(b, byte(x), rank(ticks, m.rounds[x]))
		}
	}
	for _, id := range slices.Sorted(maps.Keys(f.gone)) {
		b = append(b, 'g', byte(id), bit(f.gone[id].listed))
	}
	return b
}
