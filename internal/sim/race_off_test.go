// SPDX-License-Identifier: Apache-2.0

//go:build !race

package sim

// few is how many schedules go test runs by itself.
const few = 40
