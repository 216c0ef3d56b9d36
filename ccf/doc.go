// SPDX-License-Identifier: Apache-2.0

// Package ccf turns cache.ccf files (Java properties, as Apache JCS and
// Open-Xchange use them) into one checked Config, with file and line for
// every complaint, and prints the reference back with defaults explained.
//
// The path of a file through the room is
//
//	bytes → entries (lex.go) → one sheet of all files, ${} undone (entries.go)
//	→ where each key belongs (place.go) → values, by the table (block.go,
//	value.go) → Region, Auxiliary, Lateral and what contradicts in them
//
// and table.go with its two parts is the one place where keys are declared.
//
// # Which JCS
//
// The same text means different things to JCS 1.3, 2, 3 and 4. Which one a
// file is for is told by the package of its class names; a file without any is
// read as one of 1.3. Lateral reads the file as that generation does:
//
//   - What it honours is honoured, with its units and its way to split lists.
//   - What it ignores or misreads is ignored or misread here too, with a
//     Warning that names the right spelling: the same file has the same effect
//     on a JCS node and on a Lateral node beside it.
//   - Where it would run on with less than the file says (an auxiliary left
//     out, a region without its peers) there is an Error: a node that is
//     alone without knowing it is what Lateral exists to prevent.
//
// Attributes of Lateral's own stand among those of JCS, which ignores them
// with a warning of its own. TcpListenerHost, UdpTTL and UdpDiscoveryInterface
// count in files of every generation.
//
// # Several files
//
// A service has one or more files. The first must have jcs.default. In the
// others, lines for jcs.default, for regions that exist already and for keys
// that are known already are ignored with a Warning that names both places
// (Open-Xchange: JCSCacheServiceInit). Within one file the last of two equal
// keys counts, with a Warning.
//
// # Limits
//
// A file is at most 4 MiB, a logical line and a value after ${} 64 KiB, a peer
// list 1,000 peers; a service has at most 10,000 regions and 100 auxiliaries;
// 500 findings are told. What is beyond is an Error, as is
// anything that is no text; no input makes this package panic.
//
// # Not defended
//
// Whoever can write the file configures the service. Secrets in it (Password,
// PreSharedKey) appear in no finding and not in Effective, but do in
// Auxiliary.Other.
package ccf
