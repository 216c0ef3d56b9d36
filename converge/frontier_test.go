// SPDX-License-Identifier: Apache-2.0

package converge

import (
	"testing"

	"lateral/cache"
)

// What is everywhere stays so: S never falls. But it is not with a member that is new.
func TestPresent(t *testing.T) {
	f := NewFrontier(1)
	want := func(stable, present uint64) {
		t.Helper()
		if s, p := f.Stable(), f.Present(); s != stable || p != present {
			t.Errorf("S is %d, with the members of now %d; want %d and %d", s, p, stable, present)
		}
	}
	tells := func(id int, at uint64, set ...int) {
		var all []Member
		for _, n := range set {
			all = append(all, Member{ID: cache.NodeID(n), Receives: true})
		}
		f.Linked(cache.NodeID(id), true)
		f.Reckons(cache.NodeID(id), all)
		f.Heard(cache.NodeID(id), at)
		f.Told(cache.NodeID(id), at, 0)
	}
	tells(2, 100, 1, 2)
	want(100, 100)
	tells(2, 200, 1, 2)
	want(200, 200)
	f.Linked(cache.NodeID(3), true)
	want(200, 0)
	tells(3, 50, 1, 2, 3)
	want(200, 0) // 2 has told nothing since it knows of 3
	tells(2, 300, 1, 2, 3)
	want(200, 50)
	tells(3, 250, 1, 2, 3)
	want(250, 250)
	f.Told(cache.NodeID(2), 300, 280) // it knows that all have it
	want(280, 280)
}
