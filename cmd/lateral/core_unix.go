// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import "golang.org/x/sys/unix"

// noCore has the system write no memory of this process to a core file, nor
// hand it to a collector of them, where secrets would be found. The process
// stays one that its user may look at: doctor and ports do.
func noCore() error { return unix.Setrlimit(unix.RLIMIT_CORE, &unix.Rlimit{}) }
