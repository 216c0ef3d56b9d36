// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"

	"lateral/cache"
)

// What is asked of verify and why, and what is answered, comes through whole.
func TestSeeing(t *testing.T) {
	n := newNode()
	c := serve(t, n)
	for _, region := range []string{"", "User", "a b&repair=x"} {
		for _, repair := range []bool{false, true} {
			v, err := c.Verify(t.Context(), region, repair)
			if err != nil || v.Verdict != cache.Different || v.Regions[0].Region != region || v.Regions[0].Repaired != repair {
				t.Errorf("%q, %v: %+v, %v", region, repair, v, err)
			}
			if d := v.Regions[0].Differences[0]; d.KeyEncoding != "base64" || d.Held[0].Stamp != cache.StampAt(1, 2) || d.Held[0].State != cache.KnownLive {
				t.Errorf("%+v", d)
			}
		}
	}
	for _, key := range append(awkward(), cache.GroupKey("g/h", "k")) {
		if !utf8.ValidString(key) {
			continue // the rig answers with the key as text
		}
		if x, err := c.Explain(t.Context(), "User", key); err != nil || x.Why[0] != keyOfKey(key) {
			t.Errorf("%q: %+v, %v", key, x, err)
		}
	}
	if s, err := c.Survey(t.Context()); err != nil || !reflect.DeepEqual(s, []cache.Survey{surveyed}) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, values := range []bool{false, true} {
		h, err := c.AskJava(t.Context(), "User", "a&b=\xc3\xa9", values)
		if err != nil || len(h) != 2 || h[0].Error != "why" || h[0].Keys == nil || h[1].Addr != "10.0.0.1:1" || h[1].Generation != "jcs-3" || h[1].ID != "7" {
			t.Fatalf("%+v, %v", h, err)
		}
		if k := h[1].Keys[0]; k.Key != "a&b=é" || k.Group != "g" || (len(h[1].Elements) == 1) != values {
			t.Errorf("%+v", h[1])
		}
		if values {
			if v, err := h[1].Elements[0].Content(); err != nil || v.Bytes != "\xff" || v.Form != cache.FormByteArray {
				t.Errorf("%+v, %v", v, err)
			}
		}
	}
	n.err = cache.ErrNoRegion
	if _, err := c.AskJava(t.Context(), "x", "", false); !errors.Is(err, cache.ErrNoRegion) {
		t.Error(err)
	}
	if _, err := c.Verify(t.Context(), "x", false); !errors.Is(err, cache.ErrNoRegion) {
		t.Error(err)
	}
	if _, err := c.Explain(t.Context(), "x", "k"); !errors.Is(err, cache.ErrNoRegion) {
		t.Error(err)
	}
}

// keyOfKey is the key that arrives: one that reads the same.
func keyOfKey(key string) string {
	if g, name, ok := cache.SplitGroup(key); ok {
		return cache.GroupKey(g, name)
	}
	return cache.PlainKey(cache.KeyText(key))
}
