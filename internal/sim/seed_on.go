// SPDX-License-Identifier: Apache-2.0

//go:build simseed

package sim

// seedRuntime is in the runtime of this build, see overlay_test.go.
func seedRuntime(seed uint64)
