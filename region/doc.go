// SPDX-License-Identifier: Apache-2.0

// Package region holds elements and decides what a command does to them:
// capacity, policy, expiry, attributes and fan-out.
//
// Apply is the heart. It does no I/O, starts no goroutine and never reads the
// time; what happened is told, under the element's lock and in order, to the
// auxiliaries that fan-out (fanout.go) lets it through to. A whole cluster of
// hearts can therefore run in one goroutine.
//
// A region is coherent in one of three ways, which follow from its settings
// as in JCS:
//
//   - Local: it has no lateral auxiliary; nothing leaves the node.
//   - Invalidate: removals travel, values do not. A peer's removal always
//     drops what is held, whatever its stamp.
//   - Replicate: values travel. Of two versions the larger stamp wins; a
//     removal leaves a tombstone, a removal of many a floor, so that nothing
//     older that arrives later resurrects anything. Over capacity the elements
//     with the largest stamps stay, which commutes with the merge.
//
// Lock order: an element's shard, then the floors, then an auxiliary's own.
package region
