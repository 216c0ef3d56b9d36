// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"lateral/cache"
)

// A node that joins says that it is not ready, and why, until it holds what
// the others held.
func TestWaitReady(t *testing.T) {
	inBubble(t, func(c *cluster) {
		for i := 1; i <= 2; i++ {
			c.own(i)
		}
		c.within(time.Second, 2)
		if err := c.nodes["1"].WaitReady(c.t.Context()); err != nil {
			t.Error(err)
		}
		for i := range 3000 {
			c.put("1", "Rep", fmt.Sprint("k", i), strings.Repeat("v", 1000))
		}
		c.slow(10*time.Millisecond, 3, 1, 2)
		c.own(3)
		n := c.nodes["3"]
		st := n.Status()
		if err := n.Ready(); !errors.Is(err, cache.ErrNotReady) || !strings.Contains(err.Error(), "region Rep: looking for peers") || len(st.Unready()) == 0 {
			t.Errorf("%v, %v", err, st.Unready())
		}
		short, cancel := context.WithTimeout(c.t.Context(), time.Millisecond)
		defer cancel()
		if err := n.WaitReady(short); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, cache.ErrNotReady) {
			t.Error(err)
		}
		if err := n.WaitReady(c.t.Context()); err != nil {
			t.Error(err)
		}
		if st := n.Status(); len(st.Unready()) != 0 {
			t.Error(st.Unready())
		}
		c.expect("3", "Rep", "k2999", strings.Repeat("v", 1000))
	})
}
