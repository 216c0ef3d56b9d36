// SPDX-License-Identifier: Apache-2.0

//go:build linux || darwin

package main

import "golang.org/x/sys/unix"

// freeBytes is what whoever is not root may still write.
func freeBytes(dir string) (n uint64, known bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return 0, false
	}
	return uint64(s.Bavail) * uint64(s.Bsize), true
}
