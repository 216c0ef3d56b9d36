// SPDX-License-Identifier: Apache-2.0

//go:build amd64 || arm64

package region

import "unsafe"

// prefetch has the processor bring the cache line of an address, without
// waiting for it.
//
//go:noescape
func prefetch(p unsafe.Pointer)
