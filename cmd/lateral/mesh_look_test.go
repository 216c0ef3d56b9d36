// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"slices"
	"testing"

	"lateral/cache"
	"lateral/web"
)

// A service that starts while the others are asked is asked, too, before a mesh
// is called complete.
func TestLookAll(t *testing.T) {
	gone := errors.New("all have stopped")
	for _, c := range []struct {
		what     string
		lists    [][]string // nil: none runs
		complete bool
		asked    []string
		err      error
	}{
		{"none starts", [][]string{{"a"}, {"a"}}, true, []string{"a"}, nil},
		{"one starts", [][]string{{"a"}, {"a", "b"}, {"a", "b"}}, true, []string{"a", "a, b"}, nil},
		{"it is incomplete anyhow", [][]string{{"a"}, {"a", "b"}}, false, []string{"a"}, nil},
		{"none runs", [][]string{nil}, true, nil, gone},
		{"they stop", [][]string{{"a"}, nil}, true, []string{"a"}, gone},
	} {
		var asked []string
		list := func() (cs []*web.Client, err error) {
			if c.lists[0] == nil {
				return nil, gone
			}
			for _, name := range c.lists[0] {
				cs = append(cs, web.NewClient(name, "/nowhere"))
			}
			c.lists = c.lists[1:]
			return cs, nil
		}
		r, err := lookAll(list, func(cs []*web.Client) *meshReport {
			asked = append(asked, names(cs))
			return &meshReport{MeshStatus: cache.MeshStatus{Complete: c.complete}}
		})
		if !slices.Equal(asked, c.asked) || err != c.err || (r == nil) != (err != nil) {
			t.Errorf("%s: asked %q, want %q; %v", c.what, asked, c.asked, err)
		}
	}
}
