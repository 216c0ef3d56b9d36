// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"iter"

	"lateral/cache"
)

// scanStep is how many keys are gathered at once: no lock is held while a loop
// over Keys does what it does.
const scanStep = 256

// Keys returns an iterator over the keys that this node holds in memory or on disk, in no
// order. A key that is there all the while comes at least once; one that comes
// or goes meanwhile may come or not. What only peers or a remote tier hold is not among them.
func (r *Region[V]) Keys() iter.Seq[string] {
	return func(yield func(string) bool) {
		for at := uint64(0); ; {
			keys, next := r.b.scan(r.n.now(), at, scanStep)
			for _, k := range keys {
				if !yield(k) {
					return
				}
			}
			if next == 0 {
				return
			}
			at = next
		}
	}
}

// Len returns how many elements this node holds in memory.
func (r *Region[V]) Len() int { return r.b.Len() }

// Stats returns what the region is and what has happened in it on this node
// since it started. It costs about a microsecond, more than a Get.
func (r *Region[V]) Stats() cache.RegionStatus { return r.b.Status() }

// Barrier returns when every linked peer has applied what was written on this
// node before the call, to this region or another, or when ctx ends.
func (r *Region[V]) Barrier(ctx context.Context) error { return r.n.Barrier(ctx) }
