// SPDX-License-Identifier: Apache-2.0

//go:build unix

package redistest

import "syscall"

// Stop and Continue are SIGSTOP and SIGCONT.
func (s *Server) Stop()     { s.signal(syscall.SIGSTOP) }
func (s *Server) Continue() { s.signal(syscall.SIGCONT) }
