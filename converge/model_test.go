// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"fmt"
	"maps"
	"slices"

	"lateral/cache"
)

// The model is a few nodes with one key, the Frontier of the product, and every
// order in which they can write, talk, lose links, leave, crash, return and
// join (explore_test.go). What it must never see is a tombstone dropped while
// a value that it removed is still about: in a memory, or on its way.

const (
	slots = 3           // nodes at a time; a slot may see several incarnations
	ids   = slots*4 + 1 // ids: 1 + slot + slots × incarnation
)

// budget is how often each thing may still happen.
type budget struct {
	puts, removals, cuts, gaps, rounds, leaves, crashes, joins int
}

// held by a node, or told by a change.
type kind byte

const (
	nothing kind = iota
	value
	tombstone
)

type version struct {
	stamp int
	kind  kind
}

// newer is the merge: the larger stamp wins.
func (v version) newer(than version) bool { return than.kind == nothing || v.stamp > than.stamp }

type message struct {
	what    what
	v       version // change, sync
	seq     int     // change, gap: number in the log
	round   uint64  // sync
	t, f, s uint64  // front
	set     []Member
}

type what byte

const (
	change what = iota + 1
	gap
	front
	synced // the end of a round of syncs: what the sender held
	bye
)

type mnode struct {
	id       int // 0: nobody is there
	last     int // the id that was there last
	f        *Frontier
	v        version
	until    int // S up to which a tombstone is kept
	log      []version
	received [ids]int  // by node: changes of its log that were applied
	met      [ids]bool // its log has been followed
	key      []byte    // see appendKey; nil: to be computed
}

type mlink struct {
	up   bool
	to   [2][]message // to the smaller slot, to the larger
	told [2]struct{ t, f, s, version uint64 }
}

type model struct {
	n     [slots]*mnode
	l     [slots][slots]mlink // [smaller][larger]
	width int                 // slots in use
	apart bool
	clock int
	left  budget
}

// clone copies the model. Nodes are shared until they are touched (at).
func (m *model) clone() *model {
	c := *m
	for i := range c.l {
		for j := i + 1; j < slots; j++ {
			to := &c.l[i][j].to
			to[0], to[1] = slices.Clip(to[0]), slices.Clip(to[1])
		}
	}
	return &c
}

// at returns a node that is to be changed.
func (m *model) at(i int) *mnode {
	n := *m.n[i]
	n.log, n.key = slices.Clip(n.log), nil
	if n.f != nil {
		n.f = n.f.clone()
	}
	m.n[i] = &n
	return &n
}

func (f *Frontier) clone() *Frontier {
	c := &Frontier{self: f.self, tick: f.tick, version: f.version,
		members: make(map[cache.NodeID]*member, len(f.members)), gone: make(map[cache.NodeID]*departed, len(f.gone))}
	c.stable.Store(f.stable.Load())
	for id, m := range f.members {
		n := *m // its set is replaced, never changed
		n.rounds = maps.Clone(m.rounds)
		c.members[id] = &n
	}
	for id, d := range f.gone {
		n := *d
		c.gone[id] = &n
	}
	return c
}

func (n *mnode) node() cache.NodeID { return cache.NodeID(n.id) }

// link returns the link of two slots, and which of its queues leads to j.
func (m *model) link(i, j int) (l *mlink, toward int) {
	if i < j {
		return &m.l[i][j], 1
	}
	return &m.l[j][i], 0
}

func (m *model) send(i, j int, msg message) {
	l, to := m.link(i, j)
	l.to[to] = append(l.to[to], msg)
}

// start makes a new incarnation in a slot.
func (m *model) start(i int) {
	id := m.n[i].last + slots
	if m.n[i].last == 0 {
		id = 1 + i
	}
	m.n[i] = &mnode{id: id, last: id, f: NewFrontier(cache.NodeID(id))}
}

// connect links two nodes; lost says that the logs do not reach back. It
// returns false if one refuses the other.
func (m *model) connect(i, j int, lost bool) bool {
	a, b := m.at(i), m.at(j)
	for _, p := range [2][2]*mnode{{a, b}, {b, a}} {
		if p[1].id > slots { // another incarnation listens at the address
			p[0].f.Died(cache.NodeID(p[1].id - slots))
		}
	}
	if !a.f.Linked(b.node(), true) || !b.f.Linked(a.node(), true) {
		return false
	}
	l, _ := m.link(i, j)
	*l = mlink{up: true}
	for _, p := range [2][2]int{{i, j}, {j, i}} {
		x, y := m.n[p[0]], m.n[p[1]]
		m.beat(p[0], p[1], 0) // nothing of the log is sent yet
		switch {
		case lost, !y.met[x.id]: // a log may hold what somebody else has removed
			m.send(p[0], p[1], message{what: gap, seq: len(x.log)})
		default:
			for s := y.received[x.id]; s < len(x.log); s++ {
				m.send(p[0], p[1], message{what: change, v: x.log[s], seq: s + 1})
			}
		}
	}
	return true
}

// beat sends what i has to tell j, if that is news and the last was read: it
// has written nothing up to t that was not sent before.
func (m *model) beat(i, j, t int) bool {
	l, to := m.link(i, j)
	if q := l.to[to]; len(q) > 0 && q[len(q)-1].what == front {
		return false
	}
	set, f, s, version := m.n[i].f.Set()
	msg, was := message{what: front, t: uint64(t), f: f, s: s}, &l.told[to]
	if was.t == msg.t && was.f == msg.f && was.s == msg.s && was.version == version {
		return false
	}
	if was.version != version {
		msg.set = set
	}
	was.t, was.f, was.s, was.version = msg.t, msg.f, msg.s, version
	m.send(i, j, msg)
	return true
}

// write lets a node put or remove.
func (m *model) write(i int, k kind) {
	m.clock++
	n := m.at(i)
	n.v, n.until = version{m.clock, k}, m.clock
	n.log = append(n.log, n.v)
	for j := range m.n {
		if i == j {
			continue
		}
		if l, _ := m.link(i, j); l.up {
			m.send(i, j, message{what: change, v: n.v, seq: len(n.log)})
		}
	}
}

// take merges a version into a node's memory.
func (n *mnode) take(v version, clock *int) {
	late := v.kind == tombstone && uint64(v.stamp) <= n.f.Stable()
	if late && n.v.kind == nothing {
		return // whatever it removed is gone everywhere
	}
	if v.kind != nothing && v.newer(n.v) {
		if n.v, n.until = v, v.stamp; late {
			*clock++ // of one that was not counted: until all have heard what it had by now
			n.until = *clock
		}
	}
}

// deliver lets j take the next message from i.
func (m *model) deliver(i, j int) {
	l, to := m.link(i, j)
	msg := l.to[to][0]
	l.to[to] = l.to[to][1:]
	x, y := m.n[i], m.at(j)
	id := cache.NodeID(x.last)
	switch msg.what {
	case change:
		y.met[x.last] = true
		if msg.seq > y.received[x.last] {
			y.received[x.last] = msg.seq
			y.take(msg.v, &m.clock)
		}
	case gap:
		y.met[x.last], y.received[x.last] = true, msg.seq
		y.f.Gap(id)
	case front:
		if msg.set != nil {
			y.f.Reckons(id, msg.set)
		}
		y.f.Told(id, msg.f, msg.s)
		y.f.Heard(id, msg.t)
	case synced:
		y.take(msg.v, &m.clock)
		y.f.Synced(id, msg.round)
	case bye:
		y.f.Died(id)
		m.cut(i, j)
		return
	}
	if !l.up && len(l.to[to]) == 0 {
		m.n[j].f.Unlinked(id) // its process has ended, and that was the last of it
	}
}

// cut ends a link; what is on its way is lost.
func (m *model) cut(i, j int) {
	l, _ := m.link(i, j)
	*l = mlink{}
	for _, p := range [2][2]int{{i, j}, {j, i}} {
		if m.n[p[0]].id != 0 {
			m.at(p[0]).f.Unlinked(cache.NodeID(m.n[p[1]].last))
		}
	}
}

// leave ends a node's process. What it had sent may still arrive.
func (m *model) leave(i int, goodbye bool) {
	for j := range m.n {
		if i == j {
			continue
		}
		l, to := m.link(i, j)
		l.to[1-to] = nil
		if l.up && goodbye {
			m.send(i, j, message{what: bye})
		}
		l.up = false
		if len(l.to[to]) == 0 && m.n[j].id != 0 {
			m.at(j).f.Unlinked(m.n[i].node())
		}
	}
	m.n[i] = &mnode{last: m.n[i].id}
}

// reap drops the tombstones that have done their work, and says which had not.
func (m *model) reap() error {
	for i, n := range m.n {
		if n.id == 0 || n.v.kind != tombstone || uint64(n.until) > n.f.Stable() {
			continue
		}
		if where := m.older(n.v.stamp); where != "" {
			return fmt.Errorf("node %d drops the tombstone %d, but %s", n.id, n.v.stamp, where)
		}
		m.at(i).v = version{}
	}
	return nil
}

// older says where a value from before a removal may still come from.
func (m *model) older(than int) string {
	for i, n := range m.n {
		if n.id != 0 && n.v.kind == value && n.v.stamp < than {
			return fmt.Sprintf("node %d holds version %d", n.id, n.v.stamp)
		}
		for j, to := range m.n {
			if i == j || to.id == 0 {
				continue
			}
			l, way := m.link(i, j)
			for _, msg := range l.to[way] {
				fresh := msg.what == change && msg.seq > to.received[n.last] || msg.what == synced
				if fresh && msg.v.kind == value && msg.v.stamp < than && msg.v.newer(to.v) {
					return fmt.Sprintf("version %d is on its way from %d to %d", msg.v.stamp, n.last, to.id)
				}
			}
		}
	}
	return ""
}
