// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"log/slog"
	"testing"
	"time"

	"lateral/cache"
)

// TestNews: each change is said once; what lasts no second, as whenever
// somebody joins, is none.
func TestNews(t *testing.T) {
	var b bytes.Buffer
	c := newNews(slog.New(slog.NewTextHandler(&b, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})))
	now := time.Unix(0, 0)
	complete := func(nodes int) cache.MeshStatus {
		n := nodes * (nodes - 1) / 2
		return cache.MeshStatus{Complete: true, Nodes: nodes, Expected: n, Present: n}
	}
	lacks := complete(3)
	lacks.Complete, lacks.Present = false, 2
	for range 5 {
		lacks.Missing = append(lacks.Missing, cache.MissingLink{From: cache.Party{Host: "a", Service: "s", Endpoint: "L"}, To: cache.Party{Host: "b", Service: "s", Endpoint: "L"}, Reason: "refused"})
	}
	waits := []cache.Reason{{Name: cache.ReasonRegion, Why: "region S waits"}, {Name: cache.ReasonMesh, Why: "alone"}}
	region := func(ready bool) cache.Status {
		return cache.Status{Regions: []cache.RegionStatus{{Region: "S", Mode: "replicate", Ready: ready, Elements: 7}, {Region: "U", Mode: "invalidate", Ready: true}}}
	}
	const missing = "level=WARN msg=\"mesh incomplete\" nodes=3 links=2 expected=3 missing=\"a/s L – b/s L: refused; a/s L – b/s L: refused; a/s L – b/s L: refused; …\"\n"
	for i, step := range []struct {
		after  time.Duration
		mesh   cache.MeshStatus
		filled bool
		why    []cache.Reason
		says   string
	}{
		{0, complete(1), false, waits, ""},
		{lookEvery, complete(1), true, waits[1:], "level=INFO msg=\"region filled\" region=S elements=7\n"},
		{lookEvery, lacks, true, waits[1:], ""}, // two come
		{passing / 2, complete(3), true, nil, "level=INFO msg=\"mesh complete\" nodes=3 links=3\nlevel=INFO msg=ready\n"},
		{time.Hour, complete(3), true, nil, ""},
		{lookEvery, lacks, true, nil, ""}, // a blink
		{passing / 2, complete(3), true, nil, ""},
		{lookEvery, lacks, true, nil, ""},
		{passing, lacks, true, nil, missing},
		{time.Hour, lacks, true, nil, ""},
		{lookEvery, complete(3), true, nil, "level=INFO msg=\"mesh complete\" nodes=3 links=3\n"},
		{lookEvery, complete(2), true, waits, "level=INFO msg=\"mesh complete\" nodes=2 links=1\nlevel=WARN msg=\"not ready\" because=\"region S waits; alone\"\n"},
		{lookEvery, complete(2), true, nil, "level=INFO msg=ready\n"},
	} {
		now = now.Add(step.after)
		b.Reset()
		st := region(step.filled)
		c.look(now, &st, step.mesh, step.why)
		if got := b.String(); got != step.says {
			t.Errorf("step %d says\n%swant\n%s", i, got, step.says)
		}
	}
}
