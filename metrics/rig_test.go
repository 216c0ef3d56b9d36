// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"fmt"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"lateral/cache"
)

// full is a Status in which nothing is missing.
func full() cache.Status {
	at := time.Unix(1_800_000_000, 500_000_000)
	link := cache.LinkStatus{To: cache.Party{Host: "oxgw02", Service: "groupware", Endpoint: "LTCP"}, Direction: "out", Protocol: "mesh",
		Lag: cache.Lag{Changes: 7, Bytes: 700, Millis: 1500}, Behind: cache.Behind{Millis: 2500, Heard: 3500}, Skew: -20 * time.Millisecond,
		Travel: cache.Propagation{Times: cache.Histogram{Under: []uint64{1, 3}, Count: 4, Sum: 8 * time.Second}}}
	java := cache.LinkStatus{To: cache.Party{Addr: "192.0.2.9:1110"}, Direction: "in", Protocol: "jcs-1.3"}
	st := cache.Status{Version: "1.2.3", Host: "oxgw01", Service: "groupware", Node: "abc", Started: at, Warnings: []string{"w"},
		Endpoints: []cache.EndpointStatus{{Endpoint: "LTCP", Cluster: "default", Group: "224.0.0.1:6780", Members: []cache.Member{{}, {Stale: true}},
			Links: []cache.LinkStatus{link, java}, Log: cache.LogStatus{First: 3, Next: 11, Bytes: 800, Limit: 64 << 20},
			Counters: map[string]int64{}, Stable: cache.StableStatus{Known: true, Millis: 4500, Holder: "oxgw02/groupware.LTCP", Linked: true},
			Leases: []cache.LeaseStatus{{Why: "cut off"}, {}}, JavaDown: map[string]string{"192.0.2.8:1110": "refused"},
			JavaNodes: []cache.JavaNode{{}, {Observer: true}, {Lateral: true}}, Observed: &cache.Observed{Keys: 40, Crossed: 5, InTurn: 6, Nodes: []cache.ObservedNode{{}, {}}},
			Security: cache.Security{Open: "no secret", Strangers: []cache.Stranger{{}}}}},
		Regions: []cache.RegionStatus{
			{Region: "User", Mode: "invalidate", Policy: "LRU", MaxObjects: 1000, Elements: 5, Bytes: 50, Unready: "it is filled", StaleMost: 5 * time.Second, StaleNow: time.Second,
				Strict: true, Lease: 3 * time.Second, Stats: cache.Stats{Hits: 1, Misses: 2, Expired: 3, Bypassed: 4, Unleased: 5}},
			{Region: "SessionCache", Mode: "replicate", Policy: "LRU", Ready: true, Tombstones: 9,
				Disks:   []cache.DiskStatus{{Name: "DC", Works: true, Elements: 3, MaxElements: 5000, MaxBytes: 1 << 30, Lost: 2}},
				Remotes: []cache.RemoteStatus{{Name: "VC", Works: true, Tracked: []string{"a", "b"}, Lag: 2 * time.Second, Kept: 4}}}}}
	for _, key := range tallies {
		st.Endpoints[0].Counters[key] = 1
	}
	return st
}

func collector(status func() cache.Status) *Collector {
	return New(Config{Status: status, Mesh: func(cache.Status) cache.MeshStatus {
		return cache.MeshStatus{Expected: 3, Present: 2, Nodes: 3}
	}})
}

// called are the histograms of a region that was asked.
func called() *Calls {
	c := NewCalls()
	c.Front("http", "User").Get.End(time.Now())
	return c
}

// gather returns the series of a collector by name and labels.
func gather(t testing.TB, all ...prometheus.Collector) map[string]*dto.Metric {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	r.MustRegister(all...)
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]*dto.Metric{}
	for _, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			out[f.GetName()+"{"+strings.Join(labels, ",")+"}"] = m
		}
	}
	return out
}

func value(m *dto.Metric) float64 {
	switch {
	case m == nil:
		return unknown
	case m.Counter != nil:
		return m.Counter.GetValue()
	}
	return m.GetGauge().GetValue()
}

// scrape returns what a scrape is answered with.
func scrape(all ...prometheus.Collector) string {
	w := httptest.NewRecorder()
	Handler(slog.New(slog.DiscardHandler), all...).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	b, _ := io.ReadAll(w.Result().Body)
	return string(b)
}
