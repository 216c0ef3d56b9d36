// SPDX-License-Identifier: Apache-2.0

package lateral_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"lateral"
	"lateral/ccf"
)

// overLoopback opens three nodes on loopback, whose Inv is strict or not.
func overLoopback(b *testing.B, strict bool) *lateral.Region[string] {
	b.Helper()
	var ports, servers []string
	for range 3 {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		servers = append(servers, l.Addr().String())
		_, p, _ := net.SplitHostPort(l.Addr().String())
		ports = append(ports, p)
		l.Close()
	}
	var nodes []*lateral.Node
	for i, port := range ports {
		text := strings.NewReplacer("TcpListenerPort=57462", "TcpListenerPort="+port, "UdpDiscoveryEnabled=true", "UdpDiscoveryEnabled=false").Replace(plain) +
			"jcs.auxiliary.LTCP.attributes.TcpListenerHost=127.0.0.1\njcs.auxiliary.LTCP.attributes.TcpServers=" + strings.Join(servers, ",") + "\n" +
			attribute("Inv", "MaxObjects=10000") + "\n" + attribute("Inv", fmt.Sprint("Strict=", strict)) + "\n"
		cfg, err := ccf.Parse(ccf.Source{Name: "bench.ccf", Data: []byte(text)})
		if err != nil {
			b.Fatal(err)
		}
		n, err := lateral.Open(b.Context(), lateral.Config{Service: fmt.Sprint("s", i), Host: "h", CCF: cfg, Logger: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() { n.Close() })
		nodes = append(nodes, n)
	}
	ctx, cancel := context.WithTimeout(b.Context(), 20*time.Second)
	defer cancel()
	if err := nodes[0].WaitComplete(ctx, 3); err != nil {
		b.Fatal(err)
	}
	r, err := lateral.In(nodes[0], "Inv", lateral.Text)
	if err != nil {
		b.Fatal(err)
	}
	if err := r.Put(ctx, "k", "v"); err != nil {
		b.Fatal(err)
	}
	for ok := false; !ok; { // until there are leases
		if _, ok, err = r.Get(ctx, "k"); err != nil || ctx.Err() != nil {
			b.Fatal(err, ctx.Err())
		}
		time.Sleep(10 * time.Millisecond)
	}
	return r
}

func eachMode(b *testing.B, run func(b *testing.B, r *lateral.Region[string])) {
	for _, strict := range []bool{false, true} {
		b.Run(fmt.Sprint("strict=", strict), func(b *testing.B) {
			r := overLoopback(b, strict)
			b.ResetTimer()
			run(b, r)
		})
	}
}

func BenchmarkStrictGet(b *testing.B) {
	eachMode(b, func(b *testing.B, r *lateral.Region[string]) {
		for b.Loop() {
			if _, ok, _ := r.Get(b.Context(), "k"); !ok {
				b.Fatal("not served")
			}
		}
	})
}

func BenchmarkStrictGetParallel(b *testing.B) {
	eachMode(b, func(b *testing.B, r *lateral.Region[string]) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				r.Get(b.Context(), "k")
			}
		})
	})
}

func BenchmarkStrictRemove(b *testing.B) {
	eachMode(b, func(b *testing.B, r *lateral.Region[string]) {
		for b.Loop() {
			if err := r.Remove(b.Context(), "k"); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkStrictUpdate(b *testing.B) {
	eachMode(b, func(b *testing.B, r *lateral.Region[string]) {
		for b.Loop() {
			if err := r.Update(b.Context(), "k", func(context.Context) error { return nil }); err != nil {
				b.Fatal(err)
			}
		}
	})
}
