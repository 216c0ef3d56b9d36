// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"slices"
	"strings"

	"lateral/cache"
)

// floors are removals of many by op and name: the newest stamp of each.
type floors map[floor]cache.Stamp

type floor struct {
	op   cache.Op
	name string
}

// maxFloors bounds what a region has of them on the server: every node reads
// all. Beyond it the older half becomes a removal of everything: a cache may forget.
const maxFloors = 512

// floorOf returns the removal of many that a change is.
func floorOf(c *cache.Change) (floor, bool) {
	switch {
	case c.Op == cache.RemoveAll:
		return floor{op: cache.RemoveAll}, true
	case c.Op == cache.RemoveGroup, c.Op == cache.RemoveTag, c.Op == cache.Remove && cache.IsPrefix(c.Element.Key):
		return floor{c.Op, c.Element.Key}, true
	}
	return floor{}, false
}

var floorWords = map[cache.Op]string{cache.RemoveAll: "all", cache.RemoveGroup: "group", cache.Remove: "prefix", cache.RemoveTag: "tag"}

// field is the name of the field that a removal of many is.
func (k floor) field(s cache.Stamp) string {
	if k.op == cache.RemoveAll {
		return floorWords[k.op] + " " + s.String()
	}
	return floorWords[k.op] + " " + s.String() + " " + k.name
}

func readFloor(field string) (k floor, s cache.Stamp, ok bool) {
	word, rest, _ := strings.Cut(field, " ")
	stamp, name, _ := strings.Cut(rest, " ")
	for op, w := range floorWords {
		if w == word && len(name) <= cache.MaxKey {
			s, err := cache.ParseStamp(stamp)
			return floor{op, name}, s, err == nil && !s.IsZero() && (name == "") == (op == cache.RemoveAll)
		}
	}
	return floor{}, s, false
}

// readFloors returns what the fields of the region's hash come to, and the names of
// those that say nothing besides.
func readFloors(fields []string) (f floors, idle []string) {
	f = floors{}
	for _, field := range fields {
		if k, s, ok := readFloor(field); ok {
			f.raise(k, s)
		}
	}
	for _, field := range fields {
		if k, s, ok := readFloor(field); ok && (s.Before(f[k]) || k.op != cache.RemoveAll && s.Compare(f[floor{op: cache.RemoveAll}]) <= 0) {
			idle = append(idle, field)
		}
	}
	return f, idle
}

// raise merges a removal and reports whether it is news.
func (f floors) raise(k floor, s cache.Stamp) bool {
	old := f[k]
	if s.Compare(old) > 0 {
		f[k] = s
		return true
	}
	return false
}

// median is the stamp in the middle.
func (f floors) median() cache.Stamp {
	var all []cache.Stamp
	for _, s := range f {
		all = append(all, s)
	}
	slices.SortFunc(all, cache.Stamp.Compare)
	return all[len(all)/2]
}

// covers reports whether a removal of many means an element, and is not older.
func (f floors) covers(e *cache.Element) bool {
	for k, s := range f {
		if e.Stamp.Compare(s) <= 0 && k.means(e.Key, e.Attr) {
			return true
		}
	}
	return false
}

func (k floor) means(key string, a *cache.Attributes) bool {
	switch k.op {
	case cache.RemoveGroup:
		g, _, ok := cache.SplitGroup(key)
		return ok && g == k.name
	case cache.Remove:
		return strings.HasPrefix(key, k.name)
	case cache.RemoveTag:
		return a != nil && a.Tagged(k.name)
	}
	return true
}
