// SPDX-License-Identifier: Apache-2.0

// Package doctor runs named checks of this host and turns what they see into
// findings with remedies.
//
// A Check has a name and a function; all run at once, each with a deadline. A
// Finding has three texts for a human: what was Seen, Why it matters, what to
// Do. A finding that only follows from another one is kept out of sight and
// points to its cause: where an interface is down there is no route, without a
// route no packet, without packets no neighbour, and one line should say so.
//
// The checks that are built in, in the order of their causes:
//
//	interfaces        the interfaces that would be used: there, up, able to multicast, with an address
//	multicast-route   for each group, the route and interface the kernel would choose
//	multicast-loop    a datagram to each group, on each of those interfaces, comes back
//	listener-ports    TCP ports free, ours, or taken and by whom
//	udp-port          discovery's port can be shared
//	neighbours        other members heard; lent by the caller, no protocol is known here
//	hostname          does not lead to loopback
//	file-limit        enough files for the links
//	security          who may take part, and who was refused; lent by the caller
//	jcs-…             Java nodes of JCS: see JCS.Checks; lent by the caller
//	config            what other rooms found, handed in as values
//
// The network is touched in three places only. multicast-loop joins the group
// and sends with TTL 0: the datagram never leaves this host, though the join
// may be reported to the segment (IGMP), as it is when the service runs. It
// does so only on interfaces that the configuration selects. udp-port binds
// the port for an instant without joining anything. hostname asks the resolver.
//
// Everything runs without privileges. What root would see in addition, the
// pid of another user's socket, is said where it is missing.
//
// Exit codes: 0 all is well, 1 warnings, 2 failures.
package doctor
