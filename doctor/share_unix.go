// SPDX-License-Identifier: Apache-2.0

//go:build unix

package doctor

import (
	"net"
	"net/netip"
	"os"

	"golang.org/x/sys/unix"
)

// bindShared binds the group's port beside others for an instant, as discovery
// does, and joins nothing. It is bound to the group's address, so that nobody
// loses a packet addressed to this host alone; package net would bind the
// wildcard in its place. An IPv6 zone is an interface name.
func bindShared(group netip.AddrPort) error {
	family, to := unix.AF_INET, unix.Sockaddr(&unix.SockaddrInet4{Port: int(group.Port())})
	if a := group.Addr(); a.Is4() {
		to.(*unix.SockaddrInet4).Addr = a.As4()
	} else {
		family = unix.AF_INET6
		six := &unix.SockaddrInet6{Port: int(group.Port()), Addr: a.As16()}
		if ifi, err := net.InterfaceByName(a.Zone()); err == nil {
			six.ZoneId = uint32(ifi.Index)
		} else if a.IsLinkLocalMulticast() {
			six.Addr = [16]byte{} // ff02:: without an interface can only be tried on the wildcard
		}
		to = six
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	unix.CloseOnExec(fd)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
		return os.NewSyscallError("SO_REUSEADDR", err)
	}
	return os.NewSyscallError("bind", unix.Bind(fd, to))
}
