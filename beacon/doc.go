// SPDX-License-Identifier: Apache-2.0

// Package beacon carries datagrams on the chosen interfaces, without knowing
// what they say.
//
// # What goes out
//
// Every Send goes to one multicast group, once per chosen interface, from a
// socket bound to that interface's own address: a receiver may dial the
// packet's source. A loopback address is never the source of a packet on any
// other kind of interface, nor another address on loopback. TTL (hop limit) is
// 1 unless asked otherwise; 224.0.0.x and ff02:: never leave the segment
// whatever it is. Copies are looped back to this host, so that several
// services of one host hear each other.
//
// # What comes in
//
// One receiving socket, whose port is shared with every other service of the
// host that sets SO_REUSEADDR (JCS does): each gets its own copy. Linux hands
// a socket the packets of every group that anybody on the host has joined;
// IP_MULTICAST_ALL=0 and the destination of each packet, read from its control
// message, keep other groups out. What arrives on an interface that was not
// chosen is dropped and counted.
//
// # Which interfaces
//
// Config.Interfaces names them, or "*" for all that are up and can do
// multicast. Without a list it is the one that the kernel's route to the group
// names. Without a route it is loopback alone, so that the services of one
// host still find each other; the log names the missing route and its remedy.
// Run looks once a second, and at once after Refresh, whether that has
// changed: an interface may come later, go down and up, lose its address, or
// be deleted and made anew under the same name.
//
// Linux carries no IPv6 multicast on its loopback: an IPv6 group needs another
// interface.
//
// # Not defended
//
// Anybody on the segment can send to the group, with any source address. What
// a packet says must be judged by whoever reads it.
package beacon
