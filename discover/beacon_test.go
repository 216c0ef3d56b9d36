// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"context"
	"net"
	"net/netip"
	"testing"
	"time"

	"lateral/beacon"
	"lateral/cache"
)

// TestOverRealLoopback has two nodes find each other by real multicast on lo,
// at the addresses that their packets come from.
func TestOverRealLoopback(t *testing.T) {
	free, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	port := free.LocalAddr().(*net.UDPAddr).AddrPort().Port()
	free.Close()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error)
	start := func(id cache.NodeID, addr string) *Discoverer {
		conn, err := beacon.Open(beacon.Config{
			Group: netip.AddrPortFrom(group.Addr(), port), Interfaces: []string{"lo"}, Source: netip.MustParseAddr(addr), Log: quiet,
		})
		if err != nil {
			t.Fatal(err)
		}
		d := New(Config{Self: Self{ID: id, Cluster: "ox", Port: 7, Receive: true}, Conn: conn, Log: quiet})
		go func() { done <- d.Run(ctx) }()
		return d
	}
	a, b := start(anna, "127.77.0.1"), start(bert, "127.77.0.2")
	for d, want := range map[*Discoverer]string{a: "127.77.0.2:7", b: "127.77.0.1:7"} {
		select {
		case <-d.Changed():
		case <-time.After(5 * time.Second):
			t.Error("nobody was found")
		}
		if m := d.Members(); len(m) != 1 || len(m[0].Addrs) != 1 || m[0].Addrs[0] != want || m[0].Source != Multicast {
			t.Errorf("members %+v, want one at %s", m, want)
		}
	}
	cancel()
	for range 2 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}
