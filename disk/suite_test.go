// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lateral/cache"
	"lateral/internal/auxtest"
)

func TestSuite(t *testing.T) {
	t.Parallel()
	for _, byStamp := range []bool{false, true} {
		t.Run(fmt.Sprint("by stamp ", byStamp), func(t *testing.T) {
			auxtest.Run(t, func(t *testing.T) auxtest.Subject {
				c := config(t)
				c.ByStamp, c.Region = byStamp, auxtest.Region
				return subject(t, c)
			})
		})
	}
}

func subject(t *testing.T, c Config) auxtest.Subject {
	d, stop := start(t, c)
	return auxtest.Subject{Auxiliary: d, Base: t0, Settle: func() { flush(t, d) }, Reopen: func() auxtest.Subject { stop(); return subject(t, c) }}
}

// model is what a disk must answer: of each key the version with the largest
// stamp, unless a removal of many with a larger one means it.
type model struct {
	byStamp bool
	keys    map[string]cache.Element
	floors  floors
}

func (m *model) note(n *note) {
	old, there := m.keys[n.e.Key]
	c := n.e.Stamp.Compare(old.Stamp)
	switch {
	case n.kind == supersede || n.kind == forget:
		if c > 0 || c == 0 && n.kind == forget {
			delete(m.keys, n.e.Key)
		}
	case n.kind == remove && !m.byStamp:
		delete(m.keys, n.e.Key)
	case !there || c > 0:
		m.keys[n.e.Key] = n.e
	}
}

func (m *model) get(key string) string {
	e, ok := m.keys[key]
	if !ok || e.State != cache.Live || m.byStamp && m.floors.covers(&e, true) {
		return ""
	}
	return e.Value.Bytes
}

func (m *model) floor(k floor, s cache.Stamp) {
	if m.byStamp {
		m.floors.raise(k, s)
		return
	}
	for key, e := range m.keys {
		if (floors{k: s}).covers(&e, false) {
			delete(m.keys, key)
		}
	}
}

var propertyKeys = []string{"a", "b", "p:1", "p:2", "p:q:3", cache.GroupKey("g", "x"), cache.GroupKey("h", "x")}

// TestMergeAtReopening: whatever is noted in whatever order of stamps, written
// and opened again at whatever points, a disk answers as the merge by stamp does.
func TestMergeAtReopening(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := config(t)
		c.unsynced = true
		c.ByStamp = rapid.Bool().Draw(rt, "by stamp")
		d, stop := start(t, c)
		m := &model{c.ByStamp, map[string]cache.Element{}, floors{}}
		void, now := map[string]int{}, 100
		for i := range rapid.IntRange(1, 40).Draw(rt, "steps") {
			key := rapid.SampledFrom(propertyKeys).Draw(rt, "key")
			now++
			ms := now
			if c.ByStamp { // late arrivals; but not from before what memory said is void
				ms = max(now-rapid.IntRange(0, 20).Draw(rt, "late by"), void[key]+1)
			}
			unique := func(s cache.Stamp) cache.Stamp { s.Time |= uint64(i); return s } // as stamps are
			switch rapid.IntRange(0, 9).Draw(rt, "what") {
			case 0, 1, 2:
				e := element(key, fmt.Sprint("v", i), ms)
				e.Stamp = unique(e.Stamp)
				if rapid.Bool().Draw(rt, "tagged") {
					a := cache.DefaultAttributes
					a.Tags = "t"
					e.Attr = &a
				}
				d.Note(cache.Change{Op: cache.Put, Region: "r", Element: e})
				m.note(&note{e, put})
			case 3:
				ch := removeOf(cache.Remove, key, ms)
				ch.Element.Stamp = unique(ch.Element.Stamp)
				d.Note(ch)
				m.note(&note{ch.Element, remove})
			case 4:
				k := rapid.SampledFrom([]floor{{cache.Remove, "p:"}, {cache.Remove, "p:q:"}, {cache.RemoveGroup, "g"}, {cache.RemoveTag, "t"}, {cache.RemoveAll, ""}}).Draw(rt, "floor")
				ch := removeOf(k.op, k.name, ms)
				ch.Element.Stamp = unique(ch.Element.Stamp)
				d.Note(ch)
				m.floor(k, ch.Element.Stamp)
			case 5:
				k := rapid.SampledFrom([]kind{supersede, forget}).Draw(rt, "kind")
				void[key] = now
				e := cache.Element{Key: key, Stamp: unique(at(now)), State: cache.Forgotten}
				op := cache.Put
				if k == forget {
					op = cache.Remove
				}
				d.Note(cache.Change{Op: op, Region: "r", Element: e})
				m.note(&note{e, k})
			case 6:
				flush(t, d)
			case 7:
				stop()
				d, stop = start(t, c)
			default:
				holds(rt, d, key, m.get(key))
			}
		}
		for _, key := range propertyKeys {
			holds(rt, d, key, m.get(key))
		}
		stop()
		d, stop = start(t, c)
		for _, key := range propertyKeys {
			holds(rt, d, key, m.get(key))
		}
		if st := d.Status(); st.Harmed != 0 || !st.Works {
			rt.Errorf("%+v", st)
		}
		stop()
	})
}

// TestOldestGoFirst: within its bounds a disk keeps the newest.
func TestOldestGoFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := config(t)
		c.unsynced = true
		c.MaxElements = rapid.IntRange(1, 20).Draw(rt, "max")
		d, stop := start(t, c)
		defer func() { stop() }()
		order := rapid.Permutation(seq(30)).Draw(rt, "order")
		for i, ms := range order {
			d.Note(putOf(fmt.Sprint("k", ms), "v", ms))
			if i%11 == 0 {
				flush(t, d)
			}
		}
		flush(t, d)
		for ms := range 30 {
			holds(rt, d, fmt.Sprint("k", ms), map[bool]string{true: "v"}[ms >= 30-c.MaxElements])
		}
		if st := d.Status(); st.Elements != c.MaxElements {
			rt.Errorf("%+v", st)
		}
	})
	c := config(t)
	c.MaxBytes = 10_000
	d, _ := start(t, c)
	for i := range 100 {
		d.Note(putOf(fmt.Sprint("k", i), strings.Repeat("x", 1000), i))
	}
	flush(t, d)
	if st := d.Status(); st.Bytes > 10_000 || st.Elements < 8 || st.Evicted != uint64(100-st.Elements) {
		t.Errorf("%+v", st)
	}
	holds(t, d, "k99", strings.Repeat("x", 1000))
	holds(t, d, "k0", "")
}

func seq(n int) (s []int) {
	for i := range n {
		s = append(s, i)
	}
	return s
}
