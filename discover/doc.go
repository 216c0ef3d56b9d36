// SPDX-License-Identifier: Apache-2.0

// Package discover turns announcements, static lists and DNS answers into
// members; it announces us and says goodbye.
//
// # The datagram
//
// One datagram serves both worlds. It starts with the message that JCS nodes
// read (Config.Also; may be empty), then comes our section, then a footer by which we find the
// section from the end. JCS reads one object from the start and never looks at
// what follows (tried with 1.3.3.5 and 3.2.1). All numbers are big-endian.
//
//	JCS message   any length, may be empty
//	section       see below
//	length        4 bytes, of the section, at most 1024
//	magic         4 bytes, "LatD"
//
// The section of version 1:
//
//	offset size
//	 0     1    version, 1
//	 1     1    flags: bit 0 Receive (listens and wants changes); bit 7: it is
//	            sealed, see below; the others are 0 and ignored
//	 2     1    kind: 1 announce, 2 solicit (announces too), 3 withdraw
//	 3     2    TCP port, 0 if it does not listen
//	 5     8    id of the endpoint, new at every start, never 0
//	13     8    id of the node (process)
//	21     4    process id
//	25     4    number of the packet, from 1
//	29          cluster name, advertised host (usually empty), host name,
//	            service, endpoint: each one byte of length, then UTF-8 without
//	            control characters; hosts at most 253 bytes, others 128
//
// Later versions may add fields at the end; a reader skips what it does not
// know. Whatever else changes gets another version number, and is ignored by
// nodes that know only this one.
//
// An example:
//
//	01 01 02                 version 1, receives, solicit
//	e0 76                    port 57462
//	00 11 22 33 44 55 66 77  endpoint
//	88 99 aa bb cc dd ee ff  node
//	00 00 0e 7a              pid 3706
//	00 00 00 01              first packet
//	02 6f 78                 cluster "ox"
//	00                       advertised host "": dial the source
//	06 6f 78 67 77 30 31     host "oxgw01"
//	09 67 72 6f 75 70 77 61 72 65  service "groupware"
//	04 4c 54 43 50           endpoint "LTCP"
//	00 00 00 37              55 bytes of section
//	4c 61 74 44              "LatD"
//
// With a cluster secret a section is sealed: version 1, flags with bit 7 alone,
// and then the whole section as above, sealed as lateral/secret says, 60 bytes
// longer. Such a node believes nothing else; what is forged, replayed, too old
// or of another secret is counted and told (Config.Refuse), and has no effect.
//
// # When
//
// The first packet is sent at once, and asks: everybody answers within 50 ms.
// Packets go on asking until somebody is heard. The pauses between them are
// 100 ms, 200 ms, 400 ms … up to the steady 10 s, each ±10 %, so that a lost
// packet costs little. A question, and a member not known before, is answered
// by an announcement; there are never more than ten a second. After a change
// of the interfaces all this starts anew. The end of Run is announced thrice.
//
// # Whom to believe
//
// A member is dialled at the packet's source and the port announced in it,
// never at a loopback address unless the packet came over loopback. Of two
// members that claim one address the later is right, as the other must have
// died without a word. A member is forgotten after 180 s without packet,
// mention or link; members named by the configuration, or by DNS, go back to
// being an address. What other members say only adds: it neither takes an
// address away nor brings back who left.
//
// # Not defended
//
// Without a cluster secret (Config.Ring) anybody on the segment can announce, and withdraw
// whoever has no link. Memory is bounded (MaxMembers) whatever they send.
package discover
