// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A sock is a connection whose descriptor Go's poller does not know, so that
// it is not woken for what a loop reads. Read and Write wait as those of any
// connection do: from the first time that they have to, through a second
// descriptor that the poller knows. Close ends the connection; the
// descriptor remains until release, as a loop may be about to use it.
type sock struct {
	fd            int
	local, remote net.Addr

	mu       sync.Mutex // guards what follows
	waits    net.Conn
	released bool
}

// grip makes a sock of a connection, or returns nil if it is none of the kernel's,
// and takes it from the caller if it is.
func grip(conn net.Conn) *sock {
	inner := conn
	if u, ok := conn.(*unixConn); ok {
		inner = u.Conn
	}
	switch inner.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return nil
	}
	raw, err := inner.(syscall.Conn).SyscallConn()
	if err != nil {
		return nil
	}
	fd := -1
	if raw.Control(func(in uintptr) { fd, err = unix.FcntlInt(in, unix.F_DUPFD_CLOEXEC, 0) }) != nil || err != nil {
		return nil
	}
	s := &sock{fd: fd, local: conn.LocalAddr(), remote: conn.RemoteAddr()}
	conn.Close()
	return s
}

// errNotYet says that nothing has arrived.
var errNotYet = errors.New("nothing to read yet")

// quick reads from a sock without waiting.
type quick sock

func (q *quick) Read(b []byte) (int, error) {
	for {
		n, _, err := unix.RawSyscall(unix.SYS_READ, uintptr(q.fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)))
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return 0, errNotYet
		case err != 0:
			return 0, os.NewSyscallError("read", err)
		case n == 0:
			return 0, io.EOF
		default:
			return int(n), nil
		}
	}
}

// try writes what goes without waiting.
func (s *sock) try(b []byte) (n int, err error) {
	for n < len(b) {
		m, _, err := unix.RawSyscall(unix.SYS_WRITE, uintptr(s.fd), uintptr(unsafe.Pointer(&b[n])), uintptr(len(b)-n))
		switch {
		case err == unix.EINTR:
		case err == unix.EAGAIN:
			return n, nil
		case err != 0:
			return n, os.NewSyscallError("write", err)
		default:
			n += int(m)
		}
	}
	return n, nil
}

func (s *sock) Write(b []byte) (int, error) {
	n, err := s.try(b)
	if n == len(b) || err != nil {
		return n, err
	}
	w, err := s.waiting()
	if err != nil {
		return n, err
	}
	m, err := w.Write(b[n:])
	return n + m, err
}

func (s *sock) Read(b []byte) (int, error) {
	w, err := s.waiting()
	if err != nil {
		return 0, err
	}
	return w.Read(b)
}

// waiting is the connection by a descriptor that Go's poller knows.
func (s *sock) waiting() (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.waits != nil || s.released {
		return s.waits, nil
	}
	fd, err := unix.FcntlInt(uintptr(s.fd), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("fcntl", err)
	}
	file := os.NewFile(uintptr(fd), "client")
	defer file.Close()
	s.waits, err = net.FileConn(file)
	return s.waits, err
}

func (s *sock) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released {
		return net.ErrClosed
	}
	return unix.Shutdown(s.fd, unix.SHUT_RDWR)
}

// release gives the descriptors back. Nobody reads or writes any more.
func (s *sock) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.released {
		return
	}
	s.released = true
	unix.Close(s.fd)
	if s.waits != nil {
		s.waits.Close()
	}
}

func (s *sock) LocalAddr() net.Addr  { return s.local }
func (s *sock) RemoteAddr() net.Addr { return s.remote }

func (s *sock) SetDeadline(t time.Time) error      { return s.deadline(t, net.Conn.SetDeadline) }
func (s *sock) SetReadDeadline(t time.Time) error  { return s.deadline(t, net.Conn.SetReadDeadline) }
func (s *sock) SetWriteDeadline(t time.Time) error { return s.deadline(t, net.Conn.SetWriteDeadline) }

func (s *sock) deadline(t time.Time, set func(net.Conn, time.Time) error) error {
	w, err := s.waiting()
	if err != nil {
		return err
	}
	return set(w, t)
}
