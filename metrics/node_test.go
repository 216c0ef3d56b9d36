// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lateral"
	"lateral/cache"
	"lateral/ccf"
	"lateral/ccf/stock"
	"lateral/internal/memnet"
	"lateral/mesh"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// open opens a node of the stock files whose clock is ahead.
func open(t *testing.T, net *memnet.Net, host byte, ahead time.Duration) *lateral.Node {
	cfg, err := ccf.Parse(stock.Files("groupware")...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := lateral.Open(context.Background(), lateral.Config{Service: "groupware", Host: fmt.Sprint("oxgw0", host), CCF: cfg, Now: func() time.Time { return time.Now().Add(ahead) },
		Network: net.Host(netip.AddrFrom4([4]byte{10, 0, 0, host})).Edge(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestNode scrapes a node that is linked with another: whatever a node counts
// by name is a metric, and whatever is one is counted.
func TestNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := memnet.New()
		n, peer := open(t, net, 1, 0), open(t, net, 2, 0)
		if err := n.WaitComplete(t.Context(), 2); err != nil {
			t.Fatal(err)
		}
		if err := n.WaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Do(t.Context(), cache.Command{Op: cache.Put, Region: "SessionCache", Key: "s1", Value: cache.Value{Bytes: "anna"}}); err != nil {
			t.Fatal(err)
		}
		if err := n.Barrier(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, e := range n.Status().Endpoints {
			for key := range e.Counters {
				if !slices.Contains(tallies, key) {
					t.Errorf("a node counts %s, of which there is no metric", key)
				}
			}
			for _, key := range tallies {
				if _, ok := e.Counters[key]; !ok {
					t.Errorf("a metric reads %s, which no node counts", key)
				}
			}
		}
		got := gather(t, New(Config{Status: n.Status, Mesh: func(st cache.Status) cache.MeshStatus { return mesh.Verdict(st) }}))
		for name, want := range map[string]float64{"lateral_ready{}": 1, "lateral_mesh_complete{}": 1, "lateral_mesh_nodes{}": 2,
			`lateral_region_elements{region="SessionCache"}`: 1, `lateral_region_puts_total{region="SessionCache"}`: 1} {
			if v := value(got[name]); v != want {
				t.Errorf("%s is %v, want %v", name, v, want)
			}
		}
		for name := range got {
			if h := got[name].GetHistogram(); h != nil && h.GetSampleCount() != h.Bucket[len(h.Bucket)-1].GetCumulativeCount() {
				t.Errorf("%s: %v", name, h)
			}
		}
		n.Close()
		peer.Close()
	})
}
