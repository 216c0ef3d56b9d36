// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lateral/cache"
)

var seedFields = []string{"", " ", "-", "removed", "2026-11-28T23:15:04.123Z+0@00000000000000a7", "2026-11-28T23:15:04.123Z+0@00000000000000a7 removed",
	"2026-11-28T23:15:04.123Z+65535@ffffffffffffffff - life=-1ns idle=2562047h47m16.854775807s size=-9223372036854775808 form=255 tags=a%00b used=9223372036854775807",
	"2026-11-28T23:15:04.123Z+0@00000000000000a7 ESLR", "all 2026-11-28T23:15:04.123Z+0@00000000000000a7", "prefix 2026-11-28T23:15:04.123Z+0@00000000000000a7 a:b:",
	"tag 2026-11-28T23:15:04.123Z+0@00000000000000a7 ", strings.Repeat("x", 1<<20)}

// FuzzField: what is on the server may be anything. What is read is what would be
// written, or is refused.
func FuzzField(f *testing.F) {
	for _, s := range seedFields {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, field string) {
		if e, err := readField(field); err == nil {
			again, err := readField(fieldOf(&e))
			if err != nil || again.Stamp != e.Stamp || again.State != e.State || e.State == cache.Live && *again.Attr != *e.Attr {
				t.Errorf("%q is %+v, then %+v, %v", field, e, again, err)
			}
			ends(&e, time.Now().UnixMilli(), 24*time.Hour, time.Hour)
		}
		if k, s, ok := readFloor(field); ok {
			if k2, s2, ok := readFloor(k.field(s)); !ok || k2 != k || s2 != s {
				t.Errorf("%q is %v at %s, then %v at %s, %t", field, k, s, k2, s2, ok)
			}
		}
		newest([]string{field, seedFields[4], field})
		readFloors([]string{field, seedFields[8]})
		splitKey("lateral", "lateral:"+field)
	})
}

// TestFields: every element is read as it was written, and the newest of
// several versions does not depend on their order.
func TestFields(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		life := rapid.OneOf(rapid.Just(time.Duration(-1)), rapid.Just(time.Duration(0)), rapid.Map(rapid.Int64Range(math.MinInt64, math.MaxInt64), func(n int64) time.Duration { return time.Duration(n) }))
		var fields []string
		var want cache.Stamp
		for i := range rapid.IntRange(1, 5).Draw(rt, "versions") {
			tags, err := cache.JoinTags(rapid.SliceOfN(rapid.StringMatching(`[a-z %=+\xff]{1,8}`), 0, 3).Draw(rt, "tags")...)
			if err != nil {
				rt.Fatal(err)
			}
			a := cache.Attributes{Eternal: rapid.Bool().Draw(rt, "e"), Spool: rapid.Bool().Draw(rt, "s"), Lateral: rapid.Bool().Draw(rt, "l"), Remote: rapid.Bool().Draw(rt, "r"),
				MaxLife: life.Draw(rt, "life"), MaxIdle: life.Draw(rt, "idle"), Size: rapid.Int().Draw(rt, "size"), Tags: tags}
			e := cache.Element{Stamp: cache.StampAt(rapid.Int64Range(0, 4e12).Draw(rt, "ms"), cache.NodeID(i+1)), Attr: &a, Value: cache.Value{Form: cache.Form(rapid.IntRange(0, 255).Draw(rt, "form"))}}
			e.Stamp.Time |= rapid.Uint64Range(0, 65535).Draw(rt, "counter")
			e.Accessed = e.Stamp.UnixMilli() + rapid.Int64Range(0, 1e9).Draw(rt, "accessed")
			got, err := readField(fieldOf(&e))
			if err != nil || *got.Attr != a || got.Stamp != e.Stamp || got.Accessed != e.Accessed || got.Value.Form != e.Value.Form {
				rt.Fatalf("%q: %+v, %v; want %+v %+v", fieldOf(&e), got, err, e, a)
			}
			if e.Stamp.Compare(want) > 0 {
				want = e.Stamp
			}
			fields = append(fields, fieldOf(&e))
		}
		for range 3 {
			perm := rapid.Permutation(fields).Draw(rt, "order")
			field, e, older := newest(perm)
			if e.Stamp != want || len(older) != len(fields)-1 || slices.Contains(older, field) {
				rt.Fatalf("of %q the newest is %q, older %q", perm, field, older)
			}
		}
	})
}

// TestNames: regions and keys are told apart on the server.
func TestNames(t *testing.T) {
	seen := map[string]string{}
	for _, region := range []string{"a", "a:b", "a%3Ab", "a%", "ü", "", " "} {
		for _, key := range []string{"", "c", "b:c", "\x00g\x01gk"} {
			k := "p:" + regionName(region) + ":" + key
			if other, twice := seen[k]; twice {
				t.Errorf("%q is %q and %q of %q", k, other, key, region)
			}
			seen[k] = key
			r, name, many, ok := splitKey("p", k)
			if region != "" && (!ok || many || r != regionName(region) || name != key) {
				t.Errorf("%q: %q %q %t %t", k, r, name, many, ok)
			}
		}
	}
}
