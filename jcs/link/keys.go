// SPDX-License-Identifier: Apache-2.0

package link

import (
	"container/list"
	"slices"
	"strings"
	"time"

	"lateral/cache"
	"lateral/jcs"
)

// What an observer can and cannot tell of the values of Java nodes. It hears
// what each node says, not what it holds. A node holds what it said itself or
// was told last, whichever came later there. So, if two nodes write one key
// differently and the second write comes well after the first, both hold the
// second, as long as its writer reaches the other: that is "in turn", and whether
// the link between them works the observer cannot hear. If the writes cross, each
// node is told of the other's after its own, and they end swapped, which of real
// nodes 92 to 100 % of the keys did (jcs-protocol.md section 8). That is
// "crossed", and it stays so until somebody writes the key again.
const (
	// crossWindow is how close two writes are for that: five times what a put
	// between two nodes of JCS 3.2.1 was seen to take at the worst (40 ms).
	crossWindow = 200 * time.Millisecond
	// settleTime is how long a key must have rested before it counts: the write
	// that settles it may be in a queue.
	settleTime = 2 * time.Second
)

// Limits of the memory for that, about 40 MB.
const (
	maxCalm     = 1 << 16 // keys that are not crossed, the latest: 6 s of 10,000 changes a second
	maxCrossed  = 1 << 14 // keys that are
	maxKeyBytes = 16 << 20
	maxSaid     = 8    // nodes per key, the latest
	maxMany     = 8    // removals of many per region, the latest
	maxManyOf   = 4096 // regions of which they are kept
	maxRejudged = 4096 // keys looked at because of one removal of many
)

// A scope is what of a region a word is about.
type scope uint8

const (
	scopeNone scope = iota // nothing: a question
	scopeKey
	scopePrefix
	scopeGroup
	scopeAll
)

// A word is what one node last said of a key, or of many.
type word struct {
	scope  scope
	source int64
	hash   uint64 // of the value; 0: it removed it
	size   uint64 // of the value
	life   time.Duration
	at     time.Time
}

// wordOf reads a message. The key of a group or a prefix is its name.
func wordOf(m *jcs.Message) (w word, key string) {
	if len(m.Region) > cache.MaxRegion {
		return w, ""
	}
	if m.Op == jcs.RemoveAll {
		return word{scope: scopeAll}, ""
	}
	if m.Op != jcs.Update && m.Op != jcs.Remove {
		return w, ""
	}
	key, whole, err := jcs.KeyOf(m.Key)
	if err != nil || len(key) > cache.MaxKey {
		return w, ""
	}
	switch {
	case m.Op == jcs.Update && !whole:
		v, err := jcs.ValueOf(m.Value)
		if err != nil {
			return w, ""
		}
		w = word{scope: scopeKey, hash: valueHash(v), size: uint64(len(v.Bytes))}
		if m.Attr != nil && !m.Attr.Eternal && m.Attr.MaxLife > 0 {
			w.life = m.Attr.MaxLife
		}
	case m.Op == jcs.Update:
	case whole:
		w.scope = scopeGroup
	case cache.IsPrefix(key):
		w.scope = scopePrefix
	default:
		w.scope = scopeKey
	}
	return w, key
}

// A many is a removal of more than one key.
type many struct {
	word
	name string
}

func (m *many) means(key string) bool {
	switch m.scope {
	case scopeGroup:
		g, _, ok := cache.SplitGroup(key)
		return ok && g == m.name
	case scopePrefix:
		return strings.HasPrefix(key, m.name)
	}
	return m.scope == scopeAll
}

type keyID struct{ region, key string }

// An entry is one key and what nodes last said of it.
type entry struct {
	id      keyID
	said    []word // of each node one
	crossed bool
	gap     time.Duration // between the last write and the nearest that differs from it
	latest  time.Time
}

// A keyTable remembers the keys that were written last.
type keyTable struct {
	of        map[keyID]*list.Element
	calm      list.List // of *entry, the latest first
	disputed  list.List // likewise, those that are crossed
	bytes     int       // of regions and keys
	many      map[string][]many
	forgotten int64
	crossings int64
}

// note takes in a word about a key, or about many.
func (t *keyTable) note(region, key string, w word) {
	if w.scope != scopeKey {
		t.noteMany(region, many{w, key})
		return
	}
	id := keyID{region, key}
	el := t.of[id]
	if el == nil {
		if t.of == nil {
			t.of = map[keyID]*list.Element{}
		}
		el = t.calm.PushFront(&entry{id: id})
		t.of[id] = el
		t.bytes += len(region) + len(key)
	}
	e := el.Value.(*entry)
	e.said = slices.DeleteFunc(e.said, func(o word) bool { return o.source == w.source })
	if len(e.said) >= maxSaid {
		e.said = e.said[1:]
	}
	e.said = append(e.said, w) // in the order of time
	e.latest = w.at
	t.place(el)
	t.trim()
}

// noteMany takes in a removal of many, which may cross puts of a moment ago.
func (t *keyTable) noteMany(region string, m many) {
	if t.many[region] == nil && len(t.many) >= maxManyOf || t.many == nil {
		t.many = map[string][]many{}
	}
	list := t.many[region]
	if len(list) >= maxMany {
		list = list[1:]
	}
	t.many[region] = append(list, m)
	n := 0
	for el := t.calm.Front(); el != nil && n < maxRejudged; n++ {
		e, next := el.Value.(*entry), el.Next()
		if m.at.Sub(e.latest) > crossWindow {
			break
		}
		if e.id.region == region && m.means(e.id.key) {
			t.place(el)
		}
		el = next
	}
}

// words are what nodes last said of a key, removals of many included, the
// latest first.
func (t *keyTable) words(e *entry) []word {
	out := slices.Clone(e.said)
	for _, m := range t.many[e.id.region] {
		if !m.means(e.id.key) {
			continue
		}
		i := slices.IndexFunc(out, func(w word) bool { return w.source == m.source })
		switch {
		case i < 0:
			out = append(out, m.word)
		case m.at.After(out[i].at):
			out[i] = m.word
		}
	}
	slices.SortStableFunc(out, func(a, b word) int { return b.at.Compare(a.at) })
	return out
}

// nearest returns how long before the last word the nearest one was that
// differs from it. Two Lateral nodes do not differ: of them the later stamp
// wins everywhere.
func nearest(said []word) (gap time.Duration, ok bool) {
	for _, w := range said[1:] {
		if w.hash != said[0].hash && !(jcs.IsLateral(w.source) && jcs.IsLateral(said[0].source)) {
			return said[0].at.Sub(w.at), true
		}
	}
	return 0, false
}

// place judges an entry, and puts it in front of the list that it belongs to.
func (t *keyTable) place(el *list.Element) {
	e := el.Value.(*entry)
	from := t.listOf(e)
	gap, differ := nearest(t.words(e))
	e.gap, e.crossed = gap, differ && gap <= crossWindow
	if to := t.listOf(e); to != from && e.crossed {
		t.crossings++
	}
	if to := t.listOf(e); to != from {
		from.Remove(el)
		t.of[e.id] = to.PushFront(e)
	} else {
		to.MoveToFront(el)
	}
}

func (t *keyTable) listOf(e *entry) *list.List {
	if e.crossed {
		return &t.disputed
	}
	return &t.calm
}

// trim drops what was written longest ago.
func (t *keyTable) trim() {
	for t.calm.Len() > maxCalm || t.bytes > maxKeyBytes && t.calm.Len() > 0 {
		t.drop(&t.calm)
	}
	for t.disputed.Len() > maxCrossed || t.bytes > maxKeyBytes {
		t.drop(&t.disputed)
	}
}

func (t *keyTable) drop(l *list.List) {
	e := l.Remove(l.Back()).(*entry)
	delete(t.of, e.id)
	t.bytes -= len(e.id.region) + len(e.id.key)
	t.forgotten++
}

// over reports whether what nodes said of a key is past: all of it has expired,
// or was removed with many others since.
func (t *keyTable) over(e *entry, now time.Time) bool {
	for _, m := range t.many[e.id.region] {
		if m.at.Sub(e.latest) > crossWindow && m.means(e.id.key) {
			return true
		}
	}
	return !slices.ContainsFunc(e.said, func(w word) bool { return w.hash != 0 && (w.life == 0 || now.Before(w.at.Add(w.life))) })
}

// inTurn reports whether nodes gave a key different values one after the other.
// One that was removed last is gone.
func inTurn(e *entry) bool {
	last := e.said[len(e.said)-1]
	return !e.crossed && last.hash != 0 && slices.ContainsFunc(e.said, func(w word) bool {
		return w.hash != 0 && w.hash != last.hash && !(jcs.IsLateral(w.source) && jcs.IsLateral(last.source))
	})
}

// count sums up, and names the latest.
func (t *keyTable) count(now time.Time, out *cache.Observed, name func(id int64) string) {
	out.Keys, out.Forgotten = len(t.of), t.forgotten
	for el := t.disputed.Front(); el != nil; el = el.Next() {
		switch e := el.Value.(*entry); {
		case t.over(e, now):
		case now.Sub(e.latest) < settleTime:
			out.Unsettled++
		default:
			if out.Crossed++; out.Crossed <= cache.MaxLatest {
				out.Latest = append(out.Latest, t.dispute(e, cache.Crossed, name))
			}
		}
	}
	for el := t.calm.Front(); el != nil; el = el.Next() {
		if e := el.Value.(*entry); inTurn(e) && !t.over(e, now) {
			out.InTurn++
		}
	}
}

// list returns the disputes of a region, or with "" of all, and how many there
// are of each kind.
func (t *keyTable) list(now time.Time, region string, name func(id int64) string) (out []cache.Dispute, crossed, turns int) {
	mine := func(e *entry) bool { return (region == "" || e.id.region == region) && !t.over(e, now) }
	add := func(e *entry, kind string) {
		if len(out) < cache.MaxDifferences {
			out = append(out, t.dispute(e, kind, name))
		}
	}
	for el := t.disputed.Front(); el != nil; el = el.Next() {
		if e := el.Value.(*entry); mine(e) && now.Sub(e.latest) >= settleTime {
			crossed++
			add(e, cache.Crossed)
		}
	}
	for el := t.calm.Front(); el != nil; el = el.Next() {
		if e := el.Value.(*entry); inTurn(e) && mine(e) {
			turns++
			add(e, cache.InTurn)
		}
	}
	return out, crossed, turns
}

func (t *keyTable) dispute(e *entry, kind string, name func(id int64) string) cache.Dispute {
	d := cache.Dispute{Region: e.id.region, KeyName: cache.NameKey(e.id.key), Kind: kind, Gap: e.gap}
	for _, w := range t.words(e) {
		s := cache.Said{Node: name(w.source), ID: requesterText(w.source), At: w.at}
		if w.hash != 0 {
			s.Value = hashText(w.hash)
		}
		d.Said = append(d.Said, s)
	}
	return d
}
