// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"errors"
	"net"
	"slices"
	"sync"
)

// maxHalfOpen bounds connections that have not introduced themselves. Beyond
// it the oldest makes room: an honest peer says hello within a round trip, so
// whoever opens connections and is silent crowds out itself first.
const maxHalfOpen = 256

// maxFromOne bounds those of one address: there the oldest of its own makes
// room, so that one host alone crowds out nobody else. Some dozens of nodes of
// one host may start at once.
const maxFromOne = 64

// errCrowded ends a connection that made room for a newer one.
var errCrowded = errors.New("too many connections are opened without a hello; the oldest make room")

// strangers are the connections that have not become links yet.
type strangers struct {
	mu     sync.Mutex            // guards what follows
	silent []net.Conn            // have not said hello, oldest first
	heard  map[net.Conn]struct{} // have, and wait for the link before them to end
}

// add takes a connection in, closing the oldest silent one if there are too
// many. It returns false if all of them have said hello.
func (s *strangers) add(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	first, n := -1, 0
	for i, o := range s.silent {
		if hostOf(o) == hostOf(c) {
			if n++; n == 1 {
				first = i
			}
		}
	}
	if n >= maxFromOne {
		s.silent[first].Close()
		s.silent = slices.Delete(s.silent, first, first+1)
	}
	if len(s.silent)+len(s.heard) >= maxHalfOpen {
		if len(s.silent) == 0 {
			return false
		}
		s.silent[0].Close()
		s.silent = slices.Delete(s.silent, 0, 1)
	}
	s.silent = append(s.silent, c)
	return true
}

// known notes that a connection has said hello: it makes room for nobody any
// more. It returns false if it already has.
func (s *strangers) known(c net.Conn) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.silent, c)
	if i >= 0 {
		s.silent = slices.Delete(s.silent, i, i+1)
		if s.heard == nil {
			s.heard = map[net.Conn]struct{}{}
		}
		s.heard[c] = struct{}{}
	}
	return i >= 0
}

// remove lets go of a connection that is a link now, or closed.
func (s *strangers) remove(c net.Conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.heard, c)
	if i := slices.Index(s.silent, c); i >= 0 {
		s.silent = slices.Delete(s.silent, i, i+1)
	}
}

// hostOf is the address that a connection comes from, without its port.
func hostOf(c net.Conn) string {
	host, _, err := net.SplitHostPort(c.RemoteAddr().String())
	if err != nil {
		return c.RemoteAddr().String()
	}
	return host
}
