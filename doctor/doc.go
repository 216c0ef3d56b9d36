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
//	interfaces-alike  services of this host that share a group use the same interfaces
//	rp-filter         the kernel keeps what comes in by the interface (RFC 3704)
//	memberships       groups joined, and how that is said to switches (IGMP)
//	snooping          bridges of this host that forget groups (RFC 4541)
//	listener-ports    TCP ports free, ours, or taken and by whom
//	packet-filter     nothing that nftables or iptables list keeps members from them
//	udp-port          discovery's port can be shared
//	neighbours        other members heard; lent by the caller, no protocol is known here
//	peer-names        names of configured peers lead to hosts other than this
//	peers             each member can be dialled, and takes packets as large as ours
//	hostname          does not lead to loopback
//	file-limit        enough files for the links
//	disk-space        room where services write
//	config            what other rooms found, handed in as values
//
// and those lent by the caller, who knows files and services; before neighbours:
//
//	services          none answers and no files are named: what was not looked at
//	advertised        peers are told an address that leads here
//	security          the files of secrets; who was refused for want of one
//	disk-tier         directories of regions on disk: writable, with room
//	remote-tier       servers of regions answer, take the password, tell of changes
//	clock             this host's clock, by those of linked members
//	peer-address-changed    links with peers that files name are where their names lead
//	regions           linked members make the same of regions that they share
//	jcs-nodes, jcs-address, jcs-listener, jcs-regions    Java nodes, see JCS.Checks
//
// and after peers:
//
//	links             all links of the mesh are up
//
// Cluster judges what all members say that they could hear and reach at one
// time: there the direction shows in which something is lost. Its checks:
//
//	members, multicast, tcp, mtu, clocks, regions
//
// The network is touched in few places only. multicast-loop joins the group
// and sends with TTL 0: the datagram never leaves this host, though the join
// may be reported to the segment (IGMP), as it is when the service runs. It
// does so only on interfaces that the configuration selects. udp-port binds
// the port for an instant without joining anything. hostname and peer-names ask
// the resolver, peers opens a connection to each member and closes it.
//
// A remedy is a command where there is one (Finding.Run), in the words of what
// this machine keeps its network and packet filter with. Names from files and
// neighbours are put into a command only where they mean themselves to a shell.
//
// Everything runs without privileges. What root would see in addition, the
// pid of another user's socket and the rules of the packet filter, is said where
// it is missing.
//
// Exit codes: 0 all is well, 1 warnings, 2 failures.
package doctor
