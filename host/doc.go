// SPDX-License-Identifier: Apache-2.0

// Package host knows this machine: interfaces, routes, multicast memberships,
// sockets and the pid that owns them, the host's name and what it resolves to.
//
// It reads, and never changes anything; Delivered alone sends, on a connection
// that it is given. The sources are
//
//	interfaces      the Go runtime (rtnetlink on Linux)
//	Routes          /proc/net/route, /proc/net/ipv6_route   what route -n prints
//	RouteTo         rtnetlink RTM_GETROUTE                  what ip route get prints
//	Memberships     /proc/net/igmp, /proc/net/igmp6         what netstat -gn prints
//	Sockets         /proc/net/{tcp,tcp6,udp,udp6}           what netstat -an prints
//	OwnersOf        /proc/PID/fd                            what netstat -p prints
//	Identify        the resolver, /etc/hosts
//	Watch           rtnetlink groups                        what ip monitor prints
//	PacketOf        TCP_INFO                                what ss -ti prints
//
// Each text source has a parser of an io.Reader; opening the file is the
// caller's two lines. RouteTo is asked of the kernel because /proc shows one
// table only and knows nothing of policy rules.
//
// Everything works without privileges but one thing: which process holds a
// socket can only be seen for one's own processes, unless one is root or has
// CAP_SYS_PTRACE. ErrHidden says so.
//
// Linux is the target. Elsewhere Interfaces and Identify work and the rest
// returns an error that is errors.ErrUnsupported.
//
// Limits: a line of 64 KiB, a table of 1,048,576 rows, a command line of
// 4 KiB; see limits.go. All functions may be called by many goroutines.
package host
