// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"slices"

	"lateral/cache"
	"lateral/region"
)

// await waits for the acknowledgements that a write of the application is to
// have. Only where values travel can a peer hold what was written, so
// elsewhere there is nothing to wait for.
func (n *Node) await(ctx context.Context, b *bound, op cache.Op, want cache.Acks) error {
	if b.strict != nil && removes(op) && want != cache.NoAcks {
		return b.strict.settle(ctx)
	}
	if b.through() && want != cache.NoAcks && writes(op) {
		if err := b.written(ctx); err != nil {
			return err
		}
	}
	if want == cache.RegionAcks {
		want = b.acks
	}
	if want == cache.NoAcks || b.Region.Mode() != region.Replicate {
		return nil
	}
	if !writes(op) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, b.ackTimeout)
	defer cancel()
	for _, e := range n.endpoints {
		if !slices.Contains(b.aux, e.name) {
			continue
		}
		// The change is in the log by now, perhaps with others behind it:
		// waiting for these too costs next to nothing, as acks are cumulative.
		if err := e.mesh.WaitAcks(ctx, b.Name(), e.mesh.Logged(), want); err != nil {
			return err
		}
	}
	return nil
}

func writes(op cache.Op) bool {
	return op != cache.Get && op != cache.Touch && op != cache.Keys && op != cache.GetMatching
}
