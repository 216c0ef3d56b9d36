// SPDX-License-Identifier: Apache-2.0

package lab

import "testing"

// Port returns a TCP port, the test's own until it ends: a socket is bound to it that
// doesn't listen. With SO_REUSEADDR, which Go, Java and redis-server set, another socket
// may listen to the port all the same, while Linux gives it to no connection and to no
// listener that asks for any port. A port that was merely free a moment ago is
// taken now and then by a connection of somebody else's; on Windows it is no more than that.
func Port(t testing.TB) int {
	t.Helper()
	release, port, err := Reserve(0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	return port
}

// PortPair returns a port that is the test's own, and so is the one distance higher.
func PortPair(t testing.TB, distance int) int {
	t.Helper()
	for range 1000 {
		release, port, err := Reserve(0)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(release)
		if port+distance > 65535 {
			continue
		}
		if release, _, err := Reserve(port + distance); err == nil {
			t.Cleanup(release)
			return port
		}
	}
	t.Fatalf("no pair of free ports, %d apart", distance)
	return 0
}
