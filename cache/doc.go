// SPDX-License-Identifier: Apache-2.0

// Package cache holds the nouns that every room of Lateral shares: Element,
// Attributes, Stamp, Command, Reply, Change, Origin, Auxiliary and Status.
//
// It contains no goroutine, no socket, no file and never reads the time:
// whoever needs "now" is handed it, in milliseconds since 1970 (UTC).
//
// The path of a change through the house is
//
//	bytes in → frame → Command → region → Change → change log → frames out
//
// and the types of this package are what travels along it.
package cache
