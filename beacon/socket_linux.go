// SPDX-License-Identifier: Apache-2.0

package beacon

import "golang.org/x/sys/unix"

// ipv6MulticastAll is IPV6_MULTICAST_ALL of linux/in6.h (4.20 and later).
const ipv6MulticastAll = 29

// shareOptions lets other services bind the port too, and keeps out the
// packets of groups that only they have joined.
func shareOptions(fd int, v4 bool) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	if v4 {
		return unix.SetsockoptInt(fd, unix.IPPROTO_IP, unix.IP_MULTICAST_ALL, 0)
	}
	// Older kernels don't know it; the destination is checked in any case.
	unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, ipv6MulticastAll, 0)
	return nil
}
