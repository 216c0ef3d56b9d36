// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package lab

import (
	"net"
	"strconv"
)

// Reserve finds a port that nobody listens on.
func Reserve(port int) (release func(), bound int, err error) {
	ln, err := net.Listen("tcp", ":"+strconv.Itoa(port))
	if err != nil {
		return nil, 0, err
	}
	return func() {}, ln.Addr().(*net.TCPAddr).Port, ln.Close()
}
