// SPDX-License-Identifier: Apache-2.0

//go:build !simseed

package sim

// seedRuntime does nothing: the runtime of this build does not draw from seeds.
func seedRuntime(uint64) {}
