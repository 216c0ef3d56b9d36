// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestHandlesForget gives out handles and asks for them again, in any order,
// with room for some only: what is found is what was put there, what was found
// once is found for ever, and what is kept costs what is reckoned.
func TestHandlesForget(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		limit := rapid.SampledFrom([]int{2 << 10, 20 << 10, 200 << 10}).Draw(t, "limit")
		var h handles
		var all []Value
		found := map[int]bool{}
		for range rapid.IntRange(1, 300).Draw(t, "values") {
			cost := 0
			for range rapid.IntRange(0, 5).Draw(t, "handles") {
				v, c := anyHandled(t)
				all, cost = append(all, v), cost+c
				h.add(v)
			}
			for range rapid.IntRange(0, 2).Draw(t, "asked for") {
				i := rapid.IntRange(0, len(all)).Draw(t, "which")
				v, known := h.get(i)
				switch {
				case known != (i < len(all)):
					t.Fatalf("handle %d of %d: known %t", i, len(all), known)
				case v != nil && v != all[i]:
					t.Fatalf("handle %d is another", i)
				case v == nil && found[i]:
					t.Fatalf("handle %d was referred to and is forgotten", i)
				}
				found[i] = found[i] || v != nil && i < h.start
			}
			if h.close(cost, limit) != (h.pinned <= limit) {
				t.Fatal("it says the wrong thing of room")
			}
			wantReckoned(t, &h)
			if len(h.values) > 1 && h.kept > limit {
				t.Fatalf("%d bytes are kept, %d allowed", h.kept, limit)
			}
		}
	})
}

// anyHandled is something that has a handle, and what it costs.
func anyHandled(t *rapid.T) (Value, int) {
	switch rapid.IntRange(0, 3).Draw(t, "kind") {
	case 0:
		return &Class{Name: "a.B"}, costNode
	case 1:
		return &Object{}, 3 * costNode
	}
	n := rapid.SampledFrom([]int{3, maxKey, maxKey + 1, 100, maxText + 1}).Draw(t, "length")
	return &String{strings.Repeat("x", n)}, costNode + n
}

// wantReckoned adds up what is kept.
func wantReckoned(t *rapid.T, h *handles) {
	sum := 0
	for _, s := range h.values {
		sum += s.cost
	}
	for i, v := range h.keys {
		cost, ok := light(v)
		if !ok || h.pins[i] != nil {
			t.Fatalf("handle %d is no key, or pinned as well", i)
		}
		sum += cost + costPin
	}
	if sum != h.kept {
		t.Fatalf("%d bytes are kept, %d reckoned", sum, h.kept)
	}
}
