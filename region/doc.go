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
//     What was loaded by a caller is kept with a Ticket (Fill): not if the key
//     was invalidated since the load began.
//   - Replicate: values travel. Of two versions the larger stamp wins; a
//     removal leaves a tombstone, a removal of many a floor, so that nothing
//     older that arrives later resurrects anything. Over capacity the elements
//     with the largest stamps stay, tombstones among them, which commutes with
//     the merge. Three things do not commute and are made good by a sync: a
//     bound by bytes, what expires on one node sooner than on another, and
//     bounds that differ between nodes.
//
// In a replicated region some things concern this node alone: LocalOnly
// commands and elements with IsLateral=false. A local removal leaves a
// Forgotten element, a local value hides what peers hold (an aside); either
// keeps the place of the peers' version in the digest and gives way to the
// next newer one that arrives. Local values take room like all others, so in
// a full region they push out elements that peers still have.
//
// Lock order: an element's shard, then the floors, then an auxiliary's own or
// the digest's. Eviction alone holds two shards, one evictor at a time.
package region
