// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"strings"

	"lateral/cache"
)

// floors are removals of many by op and name: the newest stamp of each.
type floors map[floor]cache.Stamp

type floor struct {
	op   cache.Op
	name string
}

// maxFloors bounds them. Beyond it the disk starts empty: a cache may forget.
const maxFloors = 1 << 16

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

func (f floors) raise(k floor, s cache.Stamp) {
	if old, ok := f[k]; !ok || old.Before(s) {
		f[k] = s
	}
}

// covers reports whether a removal of many means the element, and is not older.
// Without stamps every removal is newer than what is asked for.
func (f floors) covers(e *cache.Element, byStamp bool) bool {
	if len(f) == 0 {
		return false
	}
	hit := func(op cache.Op, name string) bool {
		s, ok := f[floor{op, name}]
		return ok && (!byStamp || e.Stamp.Compare(s) <= 0)
	}
	if hit(cache.RemoveAll, "") {
		return true
	}
	if e.Attr != nil {
		for _, tag := range cache.SplitTags(e.Attr.Tags) {
			if hit(cache.RemoveTag, tag) {
				return true
			}
		}
	}
	if group, _, ok := cache.SplitGroup(e.Key); ok {
		return hit(cache.RemoveGroup, group)
	}
	for i := range len(e.Key) {
		if e.Key[i] == cache.Separator[0] && hit(cache.Remove, e.Key[:i+1]) {
			return true
		}
	}
	return false
}

// within returns what the keys that a floor may mean start with.
func (k floor) within() string {
	switch k.op {
	case cache.Remove:
		return k.name
	case cache.RemoveGroup:
		return strings.TrimSuffix(cache.GroupKey(k.name, "x"), "x")
	}
	return ""
}
