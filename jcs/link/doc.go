// SPDX-License-Identifier: Apache-2.0

// Package link is an endpoint's connections with Java nodes: what they dialled
// to tell us, and one that we dial to each of them.
//
// # What comes in
//
// A connection that does not open with the mesh's magic is handed to Serve. It
// is acknowledged at once (TCP_QUICKACK after each read): a JCS 3 node writes
// frames in two segments without TCP_NODELAY, and waits up to 40 ms for a
// delayed acknowledgement otherwise. And it is read ahead of who applies what it
// says (ahead.go), with as much room in the kernel as that gives (widen): a JCS 3
// node that can't get rid of a write within a second never writes again.
// Messages are applied as a peer's changes, in their order; questions are
// answered at once, a miss with null, from memory only (JCS: a get by a peer is
// local). What carries our own requesterId is ignored.
//
// A message that makes no sense is counted and skipped, as long as its end is
// known: Java nodes from 2 on never dial an address again that they once had a
// connection with.
//
// # Stamps
//
// An element has the time of its creation at the Java node and the node's id.
// If the same node said something about the key before, and that was not
// earlier, it is the next after that: one node is never older than itself. A
// removal, which carries no time, has that of its arrival. So a Java node whose
// clock is behind loses against what others write in between; JCS would take
// what arrives last, on each node another. JCS writes milliseconds: a put counts
// from the beginning of the one in which it was created, so that within one a
// removal by another node is the later. That may cost a value that Java has put
// just behind it; the other order would keep one that the removal was about.
//
// # What goes out
//
// For each Java node a loop dials, follows the log of changes from where that
// node was first known (one of the configuration: from its beginning), and writes. A message is one write. Towards JCS 3 and 4
// the next frame is not written before the kernel has sent all of the last:
// else frames would share segments, and one whose length is split kills a
// 3.2.1 listener (jcs-protocol.md 2.2). Of each message we know when its bytes
// were acknowledged by the other kernel; after a break the log is followed from
// the first that was not. For a while after each dial (Config.Settle) a node is
// told nothing: JCS listens before it has its regions, and forgets what it is
// told until then. What fell off the log is counted as a gap: JCS has no way to
// say so.
//
// # What is asked
//
// Questions have connections of their own (ask.go): a Java node that is slow to
// answer, or that does not answer a miss (JCS 2 to 4), holds up no change, and
// JCS 2 closes only what was asked on. One that was answered is kept for the
// next; one that was not is closed. Misses ask for one key (Fetch). Who wants to
// know what Java nodes hold asks for it by name (held.go), and is told of each
// node what it said, or why it could not be asked.
//
// # Whom to dial
//
// A node whose datagrams name a generation is dialled at their source (JCS 1.3:
// at the host in them) for the regions they name. An address of the
// configuration may be Lateral's or Java's: a mesh hello would kill a JCS 3.2.1
// listener, which takes it for a length. So it is probed first with a DISPOSE,
// which every JCS ignores and no JCS sends: Lateral answers with its magic.
// When a JCS 1.3 node may be opening its port it is not dialled (opening.go).
//
// # Only listening
//
// With Config.ListenOnly nobody is dialled, so nothing is told or asked, and
// probes are not answered: to Lateral nodes we are one more Java node. Questions
// are answered with nothing. What is said is taken down (observe.go), with the
// keys on which nodes may disagree (keys.go).
//
// # Limits
//
// maxInbound connections, each with the limits of package jcs, and a time for
// each message (Config.Message); what is read ahead of them, aheadAll in all and
// aheadLeast of each beside that; maxPeers nodes; maxAsking questions to each at
// one time, whose answers have those limits, and a time, too;
// cache.MaxJavaLosses causes;
// the change log bounds what waits for a slow one.
package link
