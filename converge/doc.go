// SPDX-License-Identifier: Apache-2.0

// Package converge compares two stamped views of a region and says what each
// lacks.
//
// A replica keeps a Digest: its keys are dealt out to 4096 buckets, and each
// bucket holds the sum of a 128-bit hash of (key, stamp) over its elements.
// Adding and taking away an element costs two additions, so the digest is kept
// up to date on every write. Two replicas whose digests are equal hold the
// same elements at the same stamps, tombstones and floors included.
//
// A sync of two replicas goes in steps, each a pure function here and a frame
// of the mesh protocol there:
//
//  1. The roots (sums of all buckets) are compared. Equal: done.
//  2. The bucket sums are compared (Differ): which buckets disagree?
//  3. One side lists keys and stamps of those (List), the other answers what it
//     has newer and asks for what it lacks (Compare).
//  4. Elements travel and are merged by their stamps, like any other change.
//
// What is sent is proportional to the number of differing buckets, not to the
// region. The merge being idempotent and commutative, writes that happen
// meanwhile do no harm.
package converge
