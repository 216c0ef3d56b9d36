// SPDX-License-Identifier: Apache-2.0

package region

import (
	"testing"

	"lateral/cache"
)

// What a floor of a prefix, a group or a tag left of an element looks in a digest as
// the element does; so a replica that is given it without the floor, and one
// that holds the element, would differ for ever and not see it.
func TestCoveringFloor(t *testing.T) {
	n := open(t, Replicate, Settings{MaxObjects: 100})
	for _, key := range []string{"p:1", "p:q:1", "q:1", cache.GroupKey("g", "1")} {
		n.put(key, "v")
	}
	n.putTagged("t", "v", "w", "x")
	n.remove("p:")
	n.do(cache.Command{Op: cache.RemoveTag, Key: "x"})
	n.arrives("u", "v", at(-5, 9)) // below no floor
	n.do(cache.Command{Op: cache.Put, Origin: cache.FromLateral, Key: "late", Value: text("v"), Stamp: at(-5, 9), Attr: tagged(cache.DefaultAttributes, "x")})
	// As a peer says it that heard of both.
	n.do(cache.Command{Op: cache.Remove, Origin: cache.FromSync, Key: "told", Stamp: at(-6, 9), Attr: tagged(cache.Attributes{}, "x")})
	n.do(cache.Command{Op: cache.RemoveGroup, Key: "g"})
	for key, want := range map[string]string{"p:1": cache.FloorKey(cache.Remove, "p:"), "p:q:1": cache.FloorKey(cache.Remove, "p:"),
		cache.GroupKey("g", "1"): cache.FloorKey(cache.RemoveGroup, "g"), "q:1": "", "u": "",
		"t": cache.FloorKey(cache.RemoveTag, "x"), "late": cache.FloorKey(cache.RemoveTag, "x"), "told": cache.FloorKey(cache.RemoveTag, "x")} {
		e, _ := n.Lookup(key)
		got := ""
		for _, f := range n.Covering(key, e.Attr.Tags, e.Stamp) {
			got += f.Key
			if f.State != cache.Floor || !e.Stamp.Before(f.Stamp) {
				t.Errorf("%q: %+v does not cover %+v", key, f, e)
			}
		}
		if got != want {
			t.Errorf("%q at %s: covered by %q, want %q", key, e.Stamp, got, want)
		}
	}
	if got := n.Covering("p:1", "x", cache.StampAt(n.now+1000, 9)); got != nil {
		t.Errorf("what is newer is covered by %v", got)
	}
}
