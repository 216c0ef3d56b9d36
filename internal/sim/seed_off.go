// SPDX-License-Identifier: Apache-2.0

//go:build !simseed

package sim

// seeded reports whether the runtime of this build draws from the seed.
const seeded = false

func seedRuntime(uint64) {}
