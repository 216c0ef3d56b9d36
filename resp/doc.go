// SPDX-License-Identifier: Apache-2.0

// Package resp is the front for clients of the Redis protocol: it turns their
// requests into Commands for regions, and what happens in regions into
// messages and invalidations for them.
//
// A database (SELECT n) is a region, and so are the keys with a prefix (Map).
// What SET means follows from the region's way of being coherent;
// docs/resp.md says it for users, with the table of commands, which is
// generated from table.go.
//
// # How a request goes
//
// A loop, or one goroutine per connection, reads, carries out and answers; pipelining
// falls out of carrying out all that has arrived before the answers are
// written. table.go says of each command where its keys are and how it is
// carried out:
//
//   - What memory lacks and the region's settings let us ask for elsewhere is
//     fetched first (fetch).
//   - The command runs while it holds the gate: shared, or alone if it is
//     atomic over several keys, as EXEC is. It looks at memory only and does
//     not wait, but for writes to a strict region within EXEC, which take as
//     long as its lease at most. A client keeps the gate from one request to
//     the next until it waits for something.
//   - A command that reads before it writes makes the write conditional
//     (cache.Command.Seen) and begins anew if somebody else was faster, be it
//     a client of this node, another front or a peer (update). So INCR and SET
//     NX are atomic on this node; between nodes they are not, as nothing is
//     without a coordinator.
//   - Peers are sent together what has been read together (gathered), before
//     anybody waits for them.
//   - Acknowledgements that the region wants are waited for outside the gate.
//     If they do not come the answer is NOREPLICAS.
//
// # What nobody asked for
//
// Messages and invalidations wait in a bounded queue per client (pushes) and
// are written when no request of that client is being answered. A client reads
// an answer before the invalidation of what it says, so it never caches
// something for good that was stale when it arrived.
//
// Invalidations come from watchers of the regions (ears), which hear changes
// by peers as well. A watcher that missed something, and a region that dropped
// everything because of a gap, have every tracking client forget all it has.
//
// # Limits
//
// Those of a request are in package wire; else: clients (MaxClients), bytes
// that wait for a client (PushLimit; answers are not queued: who does not read
// them is not read from, and is cut off after SendTimeout), keys that are
// tracked (TrackedKeys), commands and bytes of a transaction, watched keys,
// channels, prefixes, remembered scripts. A hash has those of package fields.
//
// # Not defended
//
// There is one user, and no TLS: this is for clients of the same host. Who may
// connect may read and change all mapped regions, list and close connections.
package resp
