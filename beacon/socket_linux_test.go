// SPDX-License-Identifier: Apache-2.0

package beacon

import (
	"testing"

	"golang.org/x/sys/unix"
)

// The destination of each packet is checked too, so that nobody would notice
// but for the work that other groups' packets would make.
func TestKernelKeepsOtherGroupsOut(t *testing.T) {
	b := open(t, Config{Group: group("224.0.0.1", freePort(t)), Interfaces: []string{"lo"}})
	raw, err := b.recv.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var all int
	if e := raw.Control(func(fd uintptr) { all, err = unix.GetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MULTICAST_ALL) }); e != nil || err != nil {
		t.Fatal(e, err)
	}
	if all != 0 {
		t.Error("IP_MULTICAST_ALL is on")
	}
}
