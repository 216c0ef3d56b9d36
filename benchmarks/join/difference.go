// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"lateral"
	"lateral/beacon"
	"lateral/cache"
	"lateral/internal/memnet"
)

// memory is a host of the in-memory network as a node's Network.
type memory struct{ *memnet.Host }

func (m memory) Listen(_ string, port int) (net.Listener, error) { return m.Host.Listen(port) }

func (m memory) Multicast(c beacon.Config) (beacon.Conn, func(context.Context) error, error) {
	g, err := m.Host.Multicast(c.Group)
	return g, nil, err
}

// difference has two nodes, on a network in memory that is cut meanwhile, hold
// the same but for d elements, of which each node has half newer; then it
// heals the network and waits until they are equal.
func difference(d int) {
	net := memnet.New()
	addr := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i + 1)}) }
	net.Partition(addr(0), addr(1))
	var nodes [2]*lateral.Node
	for i := range nodes {
		n, err := lateral.Open(context.Background(), lateral.Config{Service: fmt.Sprint("s", i), Host: fmt.Sprint("h", i), CCF: config(), Network: memory{net.Host(addr(i)).Process()},
			Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
		if err != nil {
			log.Fatal(err)
		}
		defer n.Close()
		nodes[i] = n
	}
	now := uint64(time.Now().UnixMilli())
	value := cache.Value{Bytes: strings.Repeat("v", *size)}
	for i := range *elements {
		for k, n := range nodes {
			s := cache.Stamp{Time: now<<16 - uint64(*elements+*elements-i), Node: 7}
			if i < d && i%2 == k {
				s.Time += uint64(*elements)
			}
			if _, err := n.Do(context.Background(), cache.Command{Op: cache.Put, Origin: cache.FromSync, Region: region, Key: fmt.Sprint("key", i), Value: value, Stamp: s}); err != nil {
				log.Fatal(err)
			}
		}
	}
	net.HealAll()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := nodes[0].WaitComplete(ctx, 2); err != nil {
		log.Fatal(err)
	}
	a, b := status(nodes[0]), status(nodes[1])
	for a.Digest != b.Digest && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
		a, b = status(nodes[0]), status(nodes[1])
	}
	time.Sleep(100 * time.Millisecond) // until the second of the two has asked, too
	a, b = status(nodes[0]), status(nodes[1])
	bytes := a.Stats.SyncBytesOut + b.Stats.SyncBytesOut
	fmt.Printf("difference: %d of %d elements: %d bytes by syncs, %d beyond the values; %d elements sent; equal: %v\n",
		d, a.Elements, bytes, int(bytes)-d**size, a.Stats.SyncOut+b.Stats.SyncOut, a.Digest == b.Digest)
}
