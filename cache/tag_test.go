// SPDX-License-Identifier: Apache-2.0

package cache_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lateral/cache"
)

func TestTags(t *testing.T) {
	long, many := strings.Repeat("x", cache.MaxTag), []string{}
	for i := range cache.MaxTags {
		many = append(many, fmt.Sprintf("%02d", i)+long[2:])
	}
	for _, c := range []struct {
		tags []string
		want string
	}{
		{nil, ""}, {[]string{"a"}, "a"}, {[]string{"b", "a", "b"}, "a\x00b"}, {[]string{"é", "user:7"}, "user:7\x00é"}, {[]string{long}, long},
		{append(many, many...), strings.Join(many, "\x00")},
	} {
		before := slices.Clone(c.tags)
		got, err := cache.JoinTags(c.tags...)
		if err != nil || got != c.want || !slices.Equal(before, c.tags) {
			t.Errorf("%q became %q, %v; the argument %q", before, got, err, c.tags)
		}
		if err := cache.CheckTags(got); err != nil {
			t.Error(err)
		}
		a := cache.Attributes{Tags: got}
		for _, tag := range c.tags {
			if !a.Tagged(tag) || a.Tagged(tag+"x") || a.Tagged(tag[:len(tag)-1]) || a.Tagged("") {
				t.Errorf("%q has %q wrongly", got, tag)
			}
		}
		if back := cache.SplitTags(got); got != "" && strings.Join(back, "\x00") != got || got == "" && back != nil {
			t.Errorf("%q is split to %q", got, back)
		}
	}
	for _, bad := range [][]string{{""}, {"a", ""}, {long + "x"}, {"a\x00b"}, {"\xff"}, append(slices.Clone(many), "one more")} {
		if got, err := cache.JoinTags(bad...); !errors.Is(err, cache.ErrTag) || got != "" || len(err.Error()) > 300 {
			t.Errorf("%.80q: %q, %v", bad, got, err)
		}
	}
	for _, bad := range []string{"\x00", "a\x00", "\x00a", "b\x00a", "a\x00a", "a\x00\x00b", "\xff", strings.Repeat("x", 1<<20), strings.Join(append(many, "xx"), "\x00")} {
		if err := cache.CheckTags(bad); !errors.Is(err, cache.ErrTag) || len(err.Error()) > 500 {
			t.Errorf("%.80q: %v", bad, err)
		}
	}
	if op, name, ok := cache.SplitFloor(cache.FloorKey(cache.RemoveTag, "user:7")); !ok || op != cache.RemoveTag || name != "user:7" {
		t.Errorf("%s %q %v", op, name, ok)
	}
}
