// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lateral/cache"
)

// Ready returns nil once the node may be given work: each region whose values
// travel has been filled and compared with every peer that it was linked with
// meanwhile. Before, the error (a cache.ErrNotReady) says what is missing, by
// region. A node that hears of no peer for a second is ready; peers that are
// known but silent are waited for for 30 seconds. Ready does not mean complete:
// see WaitComplete.
func (n *Node) Ready() error {
	var why []string
	for _, b := range n.regions.all() {
		if w := n.unready(b); w != "" {
			why = append(why, "region "+b.Name()+": "+w)
		}
	}
	if len(why) == 0 {
		return nil
	}
	return fmt.Errorf("%w: %s", cache.ErrNotReady, strings.Join(why, "; "))
}

// WaitReady returns when the node is ready, or when ctx ends; then the error
// says what is missing.
func (n *Node) WaitReady(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := n.Ready()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-n.done:
			return cache.ErrClosed
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		}
	}
}

// unready says why a region is not ready at one of its endpoints.
func (n *Node) unready(b *bound) string {
	for _, e := range n.endpoints {
		if slices.Contains(b.aux, e.name) {
			if why := e.mesh.Unready(b); why != "" {
				return why
			}
		}
	}
	return ""
}
