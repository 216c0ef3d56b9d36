// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"testing"

	"lateral/cache"
)

// Between a miss and its turn a flight may have ended: what that left in
// memory is found, and nothing is loaded again.
func TestFlightThatHasJustEnded(t *testing.T) {
	var f flights
	k := flightKey{key: "k"}
	held := false
	peek := func() (cache.Element, bool) { return cache.Element{Key: "held"}, held }
	work := func(context.Context) (cache.Element, bool, error) {
		if held {
			t.Error("loaded again")
		}
		held = true
		return cache.Element{Key: "loaded"}, true, nil
	}
	for _, want := range []string{"loaded", "held"} {
		e, ok, err := f.join(context.Background(), nil, k, peek, work)
		if e.Key != want || !ok || err != nil {
			t.Errorf("%+v, %v, %v", e, ok, err)
		}
	}
	if len(f.of) != 0 {
		t.Errorf("%d flights are left", len(f.of))
	}
}
