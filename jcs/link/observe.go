// SPDX-License-Identifier: Apache-2.0

package link

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"lateral/cache"
	"lateral/jcs"
)

// Limits of what an observer remembers.
const (
	maxSources = 512     // Java nodes that spoke; a process that starts anew is another one
	maxTallies = 1 << 14 // pairs of node and region, about 2 MB; more are counted with the node alone
)

// rateTime is about how long a rate looks back.
const rateTime = time.Minute

// errObserver ends the connection of a Lateral node that takes an observer for
// a member of the mesh.
var errObserver = errors.New("it opens the mesh's protocol, and this endpoint only listens to Java nodes (ListenOnly): it is no member")

// An observer takes down what Java nodes say. Its methods may be called by
// many goroutines.
type observer struct {
	mu      sync.Mutex // guards what follows
	sources map[int64]*source
	tallies int // of all sources
	keys    keyTable
}

// A source is one Java node, by its requester id.
type source struct {
	id     int64
	gen    *jcs.Generation
	from   string // where its last message came from
	since  time.Time
	latest time.Time
	said   map[string]*tally // by region
}

// A tally is what one node said of one region.
type tally struct {
	puts, removes, clears, questions, bytes uint64
	rate                                    meter
	last                                    time.Time
}

// A meter is an average over about rateTime: what is older weighs less and
// less, as in a load average.
type meter struct {
	sum   float64 // of events, each weighing exp(-age/rateTime)
	at    time.Time
	since time.Time
}

func (m *meter) tick(now time.Time) {
	if m.since.IsZero() {
		m.since, m.at = now, now
	}
	m.sum = m.sum*math.Exp(-float64(now.Sub(m.at))/float64(rateTime)) + 1
	m.at = now
}

// perSecond is the rate; of a meter younger than a second, as if it were that
// old.
func (m *meter) perSecond(now time.Time) float64 {
	if m.since.IsZero() {
		return 0
	}
	age := max(now.Sub(m.since), time.Second)
	sum := m.sum * math.Exp(-float64(now.Sub(m.at))/float64(rateTime))
	return sum / (rateTime.Seconds() * (1 - math.Exp(-float64(age)/float64(rateTime))))
}

// take notes a message that came on a connection. from is where that came from,
// id the requester of messages before it, for questions have none.
func (o *observer) take(m *jcs.Message, from string, id int64) {
	if m.Requester != 0 {
		id = m.Requester
	}
	if id == 0 {
		return // it has asked, and has not said who it is
	}
	w, key := wordOf(m) // before the lock: it reads the value
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	s := o.sourceLocked(id, now)
	s.gen, s.from, s.latest = m.Gen, from, now
	t := o.tallyLocked(s, m.Region)
	t.last = now
	t.rate.tick(now)
	w.source, w.at = id, now
	switch {
	case m.Op.Asks():
		t.questions++
	case m.Op == jcs.Update:
		t.puts++
		t.bytes += w.size
	case m.Op == jcs.RemoveAll:
		t.clears++
	default:
		t.removes++
	}
	if w.scope != scopeNone {
		o.keys.note(m.Region, key, w)
	}
}

// sourceLocked returns the source of an id; who was silent for longest makes
// room for a new one.
func (o *observer) sourceLocked(id int64, now time.Time) *source {
	s := o.sources[id]
	if s != nil {
		return s
	}
	if len(o.sources) >= maxSources {
		var oldest *source
		for _, x := range o.sources {
			if oldest == nil || x.latest.Before(oldest.latest) {
				oldest = x
			}
		}
		o.tallies -= len(oldest.said)
		delete(o.sources, oldest.id)
	}
	s = &source{id: id, since: now, said: map[string]*tally{}}
	o.sources[id] = s
	return s
}

func (o *observer) tallyLocked(s *source, region string) *tally {
	if len(region) > cache.MaxRegion {
		region = ""
	}
	t := s.said[region]
	if t == nil && o.tallies >= maxTallies {
		if region = ""; s.said[region] != nil {
			return s.said[region]
		}
	}
	if t == nil {
		t = &tally{}
		s.said[region] = t
		o.tallies++
	}
	return t
}

// status returns what was seen. addr names the nodes.
func (o *observer) status(addr func(id int64, from string) string) *cache.Observed {
	now := time.Now()
	o.mu.Lock()
	defer o.mu.Unlock()
	out := &cache.Observed{Nodes: []cache.ObservedNode{}}
	for _, s := range o.sources {
		n := cache.ObservedNode{ID: requesterText(s.id), Addr: addr(s.id, s.from), Generation: s.gen.Family, Lateral: jcs.IsLateral(s.id), Since: s.since, Regions: []cache.ObservedRegion{}}
		for name, t := range s.said {
			n.Regions = append(n.Regions, cache.ObservedRegion{Region: name, Puts: t.puts, Removes: t.removes, Clears: t.clears, Questions: t.questions,
				Bytes: t.bytes, PerSecond: t.rate.perSecond(now), Last: t.last})
		}
		slices.SortFunc(n.Regions, func(a, b cache.ObservedRegion) int { return cmp.Compare(a.Region, b.Region) })
		out.Nodes = append(out.Nodes, n)
	}
	slices.SortFunc(out.Nodes, func(a, b cache.ObservedNode) int { return cmp.Or(cmp.Compare(a.Addr, b.Addr), cmp.Compare(a.ID, b.ID)) })
	o.keys.count(now, out, o.namedLocked(addr))
	return out
}

// crossings counts how often writes crossed; o may be nil.
func (o *observer) crossings() int64 {
	if o == nil {
		return 0
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.keys.crossings
}

// requesterText is how a requester id is written.
func requesterText(id int64) string { return fmt.Sprintf("%016x", uint64(id)) }

// Observed returns what Java nodes said, nil where this endpoint is none that
// only listens.
func (l *Links) Observed() *cache.Observed {
	if l.watch == nil {
		return nil
	}
	return l.watch.status(l.namer())
}

// Disputes returns the keys of a region, or with "" of all, to which Java nodes
// gave different values: the crossed first, then the latest, at most
// cache.MaxDifferences of them; and how many crossed and in turn there are.
func (l *Links) Disputes(region string) (list []cache.Dispute, crossed, inTurn int) {
	if l.watch == nil {
		return nil, 0, 0
	}
	name := l.namer()
	l.watch.mu.Lock()
	defer l.watch.mu.Unlock()
	return l.watch.keys.list(time.Now(), region, l.watch.namedLocked(name))
}

// namedLocked names sources, also those that were forgotten.
func (o *observer) namedLocked(addr func(id int64, from string) string) func(id int64) string {
	return func(id int64) string {
		if s := o.sources[id]; s != nil {
			return addr(id, s.from)
		}
		return requesterText(id)
	}
}

// namer names Java nodes by where they listen, if their datagrams have told,
// else by where their connection came from. JCS 1.3 has another id in its
// datagrams.
func (l *Links) namer() func(id int64, from string) string {
	at := map[int64]string{}
	for _, p := range l.list() {
		at[p.id()] = p.addr
	}
	return func(id int64, from string) string { return cmp.Or(at[id], from) }
}
