// SPDX-License-Identifier: Apache-2.0

// Package memnet is a network in memory: hosts, TCP-like connections and
// multicast, with faults on demand. It is the twin of the real edges, for
// tests in testing/synctest bubbles and for seeded simulations.
//
// What it promises, and what a real network would do there:
//
//   - A connection holds at most Buffer bytes per direction that were written
//     and not yet read; further writes block, as they do on a full TCP window.
//   - Close sends FIN: the peer reads what is left, then io.EOF. Close with
//     unread bytes, or with SetLinger(0), sends RST instead (RFC 2525, 2.17).
//     Data that reaches an end that is gone is answered with RST.
//   - Block, one way, and Partition, both ways, drop silently, as a firewall
//     does. Bytes stay on the way and arrive after Heal, at once: the growing
//     pauses of TCP's retransmission are not imitated. A lost RST stays lost,
//     so a peer of a killed host learns of it from its next write. Where only
//     the way back is blocked, bytes arrive and the writer's buffer fills up,
//     since no acknowledgement frees it.
//   - Dial needs both ways, and takes one round trip. It is refused where
//     nobody listens, fails after 3 s (no route to host) where there is no
//     host, and after 127 s (timed out) where nothing answers: the times of
//     Linux.
//   - Datagrams are lost by SetLoss, by a blocked way and by a full socket.
//     Whether the n-th datagram from one host to another is lost depends on
//     the seed alone, not on what other hosts do meanwhile.
//
// Not imitated: bandwidth, reordering, keep-alive, and the end of a connection
// after 15 minutes of unanswered retransmission.
//
// There is no goroutine here. All waiting is on a sync.Cond or a channel, so
// that synctest sees it as idle; make the Net inside the bubble that uses it.
package memnet
