// SPDX-License-Identifier: Apache-2.0

// Package converge compares two stamped views of a region and says what each
// lacks.
//
// A replica keeps a Digest: its keys are dealt out to 4096 buckets, each of
// which holds the sum of a 128-bit hash of (key, stamp) over its elements, and
// a Sketch of all of them. Adding and taking away an element costs a few
// additions, so the digest is kept up to date on every write. Two replicas
// whose sums are equal hold the same elements at the same stamps, tombstones
// and floors included.
//
// A sync of two replicas goes in steps, each a pure function here and a frame
// of the mesh protocol there:
//
//  1. The sums of all buckets are compared. Equal: done.
//  2. One side takes the other's sketch from its own and decodes what is left
//     (Decode): hashes of the elements that only one side has. If there are
//     too many a larger sketch is taken, in the end of a part of the region.
//  3. Each side looks up the elements of its own hashes, in one pass (Find).
//     The other lists keys and stamps of them, and it is settled which of two
//     versions is newer (Settle).
//  4. Elements travel and are merged by their stamps, like any other change.
//
// What is sent is proportional to the number of elements that differ, not to
// the region. A hash has 40 bits in a sketch, so two elements may be mistaken
// for each other, but not for long: the sums decide what is equal, and a
// sketch that contradicts them is made anew with a salt. The merge being
// idempotent and commutative, writes that happen meanwhile do no harm.
package converge
