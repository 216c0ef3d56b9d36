// SPDX-License-Identifier: Apache-2.0

package region

import (
	"testing"

	"lateral/cache"
)

// The last refusals of a region are remembered by key, and no more of them
// than there is room for.
func TestRefusals(t *testing.T) {
	var f refusals
	if f.last(1) != nil {
		t.Error("nothing was refused yet")
	}
	for i := range int64(1000) {
		f.note(i, uint64(i), cache.StampAt(i, 1), "why")
	}
	if r := f.last(1000 - uint64(len(f.ring))); r == nil || r.At.UnixMilli() != 1000-int64(len(f.ring)) {
		t.Errorf("%+v", r)
	}
	if r := f.last(1000 - uint64(len(f.ring)) - 1); r != nil {
		t.Errorf("%+v", r)
	}
	f.note(2000, 999, cache.Stamp{Time: ^uint64(0), Node: 1}, "far")
	if r := f.last(999); r.Why != "far" || !r.Stamp.IsZero() { // a year of five digits has no text
		t.Errorf("%+v", r)
	}
}
