// SPDX-License-Identifier: Apache-2.0

package link

import (
	"fmt"

	"lateral/cache"
	"lateral/jcs"
)

// apply carries out a change of a Java node. What can't be is counted: it must
// not cost the connection.
func (l *Links) apply(m *jcs.Message) {
	if !l.c.Receive {
		l.counters.unapplied.Add(1)
		return
	}
	r, ok := l.c.Region(m.Region)
	if !ok {
		l.counters.unapplied.Add(1)
		return
	}
	c, err := l.command(r, m)
	if err == nil && l.c.Bridge {
		l.relay(m.Gen, &c)
	}
	if err == nil && c.Op == cache.Remove && l.same(r, m, c.Key) {
		l.counters.filtered.Add(1)
		return
	}
	if err == nil {
		_, err = r.Apply(l.c.Now().UnixMilli(), c)
	}
	if err != nil {
		l.counters.unapplied.Add(1)
		l.refused(m.Gen.Family, m.Region, cache.KeyText(c.Key), err)
		l.warn("a Java node's change was refused", "region", m.Region, "op", m.Op.String(), "cause", err)
	}
}

// command is a message in the words of a region.
func (l *Links) command(r Region, m *jcs.Message) (c cache.Command, err error) {
	c = cache.Command{Origin: cache.FromLateral, Region: m.Region}
	if m.Op == jcs.RemoveAll {
		c.Op, c.Stamp = cache.RemoveAll, l.manyStamp(m)
		return c, nil
	}
	whole := false
	if c.Key, whole, err = jcs.KeyOf(m.Key); err != nil {
		return c, err
	}
	switch {
	case m.Op == jcs.Update && !whole:
		c.Op = cache.Put
		c.Value, err = jcs.ValueOf(m.Value)
		a := m.Attr.Cache()
		c.Attr, c.Accessed, c.Stamp = &a, m.Attr.Accessed.UnixMilli(), l.putStamp(r, m, c.Key)
	case m.Op == jcs.Remove && whole:
		c.Op, c.Stamp = cache.RemoveGroup, l.manyStamp(m)
	case m.Op == jcs.Remove && cache.IsPrefix(c.Key):
		c.Op, c.Stamp = cache.Remove, l.manyStamp(m)
	case m.Op == jcs.Remove:
		c.Op, c.Stamp = cache.Remove, l.removeStamp(m)
	default:
		err = fmt.Errorf("%s of the key of a whole group", m.Op)
	}
	return c, err
}

// same reports whether a removal stands for a put of the very value that is
// held here (JCS: FilterRemoveByHashCode).
func (l *Links) same(r Region, m *jcs.Message, key string) bool {
	if m.Hash == jcs.NoHash || !l.c.Filter {
		return false
	}
	e, ok := r.Get(l.c.Now().UnixMilli(), key)
	if !ok {
		return false
	}
	h, ok := jcs.Hash(e.Value)
	return ok && h == m.Hash
}

// An origin is one Java node's changes in one region.
type origin struct {
	requester int64
	region    string
}

// maxOrigins bounds what is remembered of removals of many; beyond it all of
// them are forgotten, which can only make a put look older than a removal just
// before it.
const maxOrigins = 1 << 16

// putStamp is the stamp of an element; see the package comment.
func (l *Links) putStamp(r Region, m *jcs.Message, key string) cache.Stamp {
	s := m.Stamp()
	if e, ok := r.Lookup(key); ok && e.Stamp.Node == s.Node && e.Stamp.Time >= s.Time {
		s.Time = e.Stamp.Time + 1
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if floor := l.floors[origin{m.Requester, m.Region}]; floor >= s.Time {
		s.Time = floor + 1
	}
	return s
}

// removeStamp is later than all that was seen here.
func (l *Links) removeStamp(m *jcs.Message) cache.Stamp {
	return cache.Stamp{Time: l.c.Clock.Next(l.c.Now().UnixMilli()).Time, Node: cache.NodeID(m.Requester)}
}

// manyStamp is that of a removal of many, which what the same node puts
// afterwards is not to fall under.
func (l *Links) manyStamp(m *jcs.Message) cache.Stamp {
	s := l.removeStamp(m)
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.floors) >= maxOrigins {
		clear(l.floors)
	}
	l.floors[origin{m.Requester, m.Region}] = s.Time
	return s
}
