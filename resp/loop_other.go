// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package resp

import "net"

// Elsewhere every client has a goroutine.
type (
	loops struct{}
	loop  struct{}
	sock  struct{ net.Conn }
)

func grip(net.Conn) *sock { return nil }

func (s *sock) release()                  {}
func (s *sock) try(b []byte) (int, error) { return 0, nil }

func (ls *loops) init(*Front)      {}
func (ls *loops) add(*client) bool { return false }
func (ls *loops) close()           {}
func (l *loop) pass(*client)       {}
func (l *loop) hold(*region)       {}
func (l *loop) tellMany()          {}
func (l *loop) tell()              {}

func (ls *loops) watched() (clients, all int) { return 0, 0 }
