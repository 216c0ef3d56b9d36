// SPDX-License-Identifier: Apache-2.0

//go:build unix

package lab

import "syscall"

// Reserve binds a socket to a port of all addresses, or to any port for 0. It sets
// SO_REUSEADDR after that: the port isn't shared with another that is reserved, but
// with those who listen later.
func Reserve(port int) (release func(), bound int, err error) {
	syscall.ForkLock.RLock() // SOCK_CLOEXEC is not known everywhere
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return nil, 0, err
	}
	release = func() { syscall.Close(fd) }
	if bound, err = bind(fd, port); err != nil {
		release()
		return nil, 0, err
	}
	return release, bound, nil
}

func bind(fd, port int) (int, error) {
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Port: port}); err != nil {
		return 0, err
	}
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	return sa.(*syscall.SockaddrInet4).Port, nil
}
