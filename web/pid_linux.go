// SPDX-License-Identifier: Apache-2.0

package web

import (
	"net"

	"golang.org/x/sys/unix"
)

// peerPID asks the kernel who listens: that works even if it does not answer.
func peerPID(c *net.UnixConn) (pid int) {
	raw, err := c.SyscallConn()
	if err != nil {
		return 0
	}
	raw.Control(func(fd uintptr) {
		if cred, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			pid = int(cred.Pid)
		}
	})
	return pid
}
