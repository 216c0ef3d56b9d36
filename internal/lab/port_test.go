// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"fmt"
	"net"
	"os"
	"testing"
)

// A reserved port can be listened to, again and again, but it is reserved once.
func TestPort(t *testing.T) {
	p := Port(t)
	for range 2 {
		ln, err := net.Listen("tcp", fmt.Sprintf(":%d", p))
		if err != nil {
			t.Fatal(err)
		}
		ln.Close()
	}
	if release, _, err := Reserve(p); err == nil {
		release()
		t.Errorf("port %d is reserved twice", p)
	}
	if q := PortPair(t, 1); q == p || q+1 == p {
		t.Errorf("port %d is in the pair %d, too", p, q)
	}
}

// On a host that has eight ports to give, connections and listeners that ask for
// any get those that nobody reserved.
func TestPortIsKept(t *testing.T) {
	h := New(t, Options{}).AddHost()
	h.Do(func() {
		if err := os.WriteFile("/proc/sys/net/ipv4/ip_local_port_range", []byte("40000 40007"), 0o644); err != nil {
			t.Error(err)
			return
		}
		mine := map[int]bool{Port(t): true, Port(t): true, Port(t): true}
		server, err := net.Listen("tcp", "127.0.0.1:30000")
		if err != nil {
			t.Error(err)
			return
		}
		defer server.Close()
		given := 0
		for {
			c, err := net.Dial("tcp", "127.0.0.1:30000")
			if err != nil {
				break
			}
			defer c.Close()
			given++
			if p := c.LocalAddr().(*net.TCPAddr).Port; mine[p] {
				t.Errorf("a connection has port %d, which is reserved", p)
			}
		}
		for {
			ln, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				break
			}
			defer ln.Close()
			given++
			if p := ln.Addr().(*net.TCPAddr).Port; mine[p] {
				t.Errorf("a listener has port %d, which is reserved", p)
			}
		}
		if given == 0 {
			t.Error("no port was given: nothing was tried")
		}
	})
}
