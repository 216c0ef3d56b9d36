// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"slices"
	"testing"

	"lateral/cache"
)

// Who lacks what of a key, by what three members held before and hold now.
func TestLacking(t *testing.T) {
	at := func(n uint64) cache.Stamp { return cache.Stamp{Time: n, Node: 1} }
	none := cache.Known{State: cache.KnownAbsent, Stable: 50}
	live := func(n uint64) cache.Known { return cache.Known{State: cache.KnownLive, Stamp: at(n), Stable: 50} }
	dead := func(n uint64) cache.Known {
		return cache.Known{State: cache.KnownTombstone, Stamp: at(n), Stable: 50}
	}
	under := func(k cache.Known, n uint64) cache.Known { k.FloorAt = at(n); return k }
	is := func(k cache.Known, s cache.KnownState) cache.Known { k.State = s; return k }
	for _, c := range []struct {
		what     string
		was, now []cache.Known
		lacks    []int
	}{
		{"all the same", []cache.Known{live(60), live(60), live(60)}, nil, nil},
		{"one has nothing", []cache.Known{live(60), none, live(60)}, nil, []int{1}},
		{"one is older", []cache.Known{live(60), live(55), live(60)}, nil, []int{1}},
		{"one alone has it", []cache.Known{live(60), none, none}, nil, []int{1, 2}},
		{"it has arrived meanwhile", []cache.Known{live(60), none, live(60)}, []cache.Known{live(60), live(60), live(60)}, nil},
		{"something newer is on its way", []cache.Known{live(60), live(60), live(60)}, []cache.Known{live(70), live(60), live(60)}, nil},
		{"one stands still while others go on", []cache.Known{live(60), live(55), live(60)}, []cache.Known{live(70), live(55), live(71)}, []int{1}},
		{"a removal that some have forgotten", []cache.Known{dead(45), none, none}, nil, nil},
		{"a removal too young to be forgotten", []cache.Known{dead(60), none, dead(60)}, nil, []int{1}},
		{"a removal that every member should have, and one has not", []cache.Known{dead(45), live(40), none}, nil, []int{1}},
		{"a removal of many that means it", []cache.Known{under(none, 60), live(55), under(none, 60)}, nil, []int{1}},
		{"a removal of many hides what one holds", []cache.Known{live(60), under(none, 70), under(none, 70)}, nil, []int{0}},
		{"what is over its lifetime", []cache.Known{is(live(60), cache.KnownExpired), none, none}, nil, nil},
		{"what one has forgotten alone", []cache.Known{is(live(60), cache.KnownForgotten), none, live(60)}, nil, []int{1}},
		{"what the only one has forgotten", []cache.Known{is(live(60), cache.KnownForgotten), none, none}, nil, nil},
		{"removed and forgotten meanwhile", []cache.Known{live(40), none, live(40)}, []cache.Known{none, none, dead(45)}, nil},
	} {
		table := func(ks []cache.Known) (out []known) {
			for _, k := range ks {
				out = append(out, known{of: map[string]cache.Known{"k": k}})
			}
			return out
		}
		if c.now == nil {
			c.now = c.was
		}
		if got := lacking("k", table(c.now), table(c.was)); !slices.Equal(got, c.lacks) {
			t.Errorf("%s: %v lack it, want %v", c.what, got, c.lacks)
		}
	}
}
