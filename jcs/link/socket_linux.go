// SPDX-License-Identifier: Apache-2.0

package link

import (
	"net"
	"sync/atomic"
	"syscall"

	"golang.org/x/sys/unix"
)

// queued returns how many bytes of a connection the other kernel has not
// acknowledged, and how many of these have not even been sent. ok is false for
// what is no TCP socket.
func queued(conn net.Conn) (unacked, unsent int, ok bool) {
	raw := rawConn(conn)
	if raw == nil {
		return 0, 0, false
	}
	var err error
	cerr := raw.Control(func(fd uintptr) {
		if unacked, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQ); err == nil {
			unsent, err = unix.IoctlGetInt(int(fd), unix.SIOCOUTQNSD)
		}
	})
	return unacked, unsent, cerr == nil && err == nil
}

// widen has the kernel take in as much as it ever would of a connection
// (net.ipv4.tcp_rmem) at once: of itself it finds out how much is needed from
// how fast the process reads, which in the moment when it can't is nothing. The
// option says how much must have come before a reader is woken, and makes room
// for that; the second call takes the first part back. SO_RCVBUF has a lower
// limit (net.core.rmem_max), and ends the kernel's own adjustment.
func widen(conn net.Conn) {
	if raw := rawConn(conn); raw != nil {
		raw.Control(func(fd uintptr) {
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, 1<<30)
			unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_RCVLOWAT, 1)
		})
	}
}

func rawConn(conn net.Conn) syscall.RawConn {
	if sc, ok := conn.(syscall.Conn); ok {
		if raw, err := sc.SyscallConn(); err == nil {
			return raw
		}
	}
	return nil
}

// prompt acknowledges what was read at once. The kernel forgets the option, so
// it is set again after every read.
func prompt(conn net.Conn, count *atomic.Int64) *promptReader {
	return &promptReader{conn: conn, raw: rawConn(conn), count: count}
}

type promptReader struct {
	conn  net.Conn
	raw   syscall.RawConn // nil: no TCP socket
	count *atomic.Int64
}

func (p *promptReader) Read(b []byte) (int, error) {
	n, err := p.conn.Read(b)
	p.count.Add(int64(n))
	if n > 0 && p.raw != nil {
		p.raw.Control(func(fd uintptr) { unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_QUICKACK, 1) })
	}
	return n, err
}
