// SPDX-License-Identifier: Apache-2.0

package host

// PacketSizes are those, in bytes and the largest first, by which the MTU of
// what lies between two hosts is found: of Ethernet, PPPoE, tunnels, IPv6's
// least and IPv4's (RFC 8200, section 5; RFC 791, section 3.1).
var PacketSizes = []int{1500, 1492, 1476, 1450, 1420, 1400, 1380, 1280, 576}
