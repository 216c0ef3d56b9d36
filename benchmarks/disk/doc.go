// SPDX-License-Identifier: Apache-2.0

// Command disk measures two embedded stores, bbolt and pebble, on what the
// disk tier does: evicted elements written in batches, gets of random keys, a
// full scan at the start, overwrites and removals in batches, space and memory;
// and what is left after kill -9 and after bytes on disk have changed.
//
//	go run . -elements 1000000 -size 100
//
// It is a module of its own, so that the store that was not taken does not
// become a dependency of Lateral.
package main
