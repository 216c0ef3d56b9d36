// SPDX-License-Identifier: Apache-2.0

//go:build unix && !linux

package beacon

import "golang.org/x/sys/unix"

// shareOptions lets other services bind the port too. BSD wants both options
// for that, and delivers only what the socket itself has joined.
func shareOptions(fd int, _ bool) error {
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return err
	}
	return unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEPORT, 1)
}
