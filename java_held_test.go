// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"errors"
	"testing"
	"testing/synctest"

	"lateral"
	"lateral/cache"
)

// TestAskJava: who is asked where there is no Java node, and who must not ask.
// What real ones answer is in interop.
func TestAskJava(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCluster(t)
		a := c.startText("a", 1, observed("jcs.region.alpha=LTCP\njcs.region.here="))
		o := c.startText("o", 2, observed("jcs.region.alpha=LTCP", "ListenOnly=true"))
		for _, x := range []struct {
			n    *lateral.Node
			c    cache.Command
			want error // nil: some error
			ok   bool
		}{
			{a, cache.Command{Op: cache.Keys, Region: "alpha"}, nil, true},
			{a, cache.Command{Op: cache.GetMatching, Region: "alpha", Pattern: "a.*"}, nil, true},
			{a, cache.Command{Op: cache.Keys, Region: "here"}, nil, true},
			{a, cache.Command{Op: cache.Keys, Region: "alpha", Pattern: "a)|(b"}, nil, false},
			{a, cache.Command{Op: cache.Put, Region: "alpha", Key: "k"}, nil, false},
			{o, cache.Command{Op: cache.Keys, Region: "alpha"}, cache.ErrObserved, false},
		} {
			held, err := x.n.AskJava(t.Context(), x.c)
			if (err == nil) != x.ok || x.want != nil && !errors.Is(err, x.want) || x.ok && (held == nil || len(held) != 0) {
				t.Errorf("%+v: %+v, %v", x.c, held, err)
			}
		}
		c.stop("a")
		if _, err := a.AskJava(t.Context(), cache.Command{Op: cache.Keys, Region: "alpha"}); !errors.Is(err, cache.ErrClosed) {
			t.Error(err)
		}
		c.stop("o")
	})
}
