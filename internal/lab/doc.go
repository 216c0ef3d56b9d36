// SPDX-License-Identifier: Apache-2.0

// Package lab makes hosts for real processes out of network namespaces, for
// integration tests.
//
// A Lab is a bridge, in a namespace of its own, and hosts oxgw01, oxgw02, …
// each with its own network, hostname and /etc/hosts, and an eth0 on that
// bridge: 10.77.0.N/24 and fd77::N/64, no default route, and, unless told
// otherwise, the one route that the page asks for, 224.0.0.0/8 dev eth0.
// Nothing reaches the interfaces of the machine itself.
//
// The namespaces have no names: each is held by one thread of the test, so
// that nothing is left of them, nor of the processes in them (PR_SET_PDEATHSIG),
// when the test ends, is killed or crashes, and labs in parallel cannot meet.
// A process started by Start is forked by that thread: its pid is its own from
// the first moment, with no wrapper that a signal could hit instead.
//
// Linux and root only. Elsewhere a test is skipped with the reason, or fails
// if LATERAL_REQUIRE contains "lab", so that CI cannot skip in silence.
package lab
