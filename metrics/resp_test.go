// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"strings"
	"testing"

	"lateral/cache"
)

// fullResp is a front in which nothing is missing.
func fullResp() *cache.RespStatus {
	return &cache.RespStatus{Clients: 3, MaxClients: 10, Tracking: 1, TrackedKeys: 7, Channels: 2, Patterns: 4, Connections: 11, Refused: 12, Slow: 13,
		Protocol: 14, Over: 15, Hits: 16, Misses: 17, In: 18, Out: 19,
		Commands: map[string]uint64{"get": 20, "set": 0, "unknown": 21}, Errors: map[string]uint64{"ERR": 22, "other": 0}}
}

// TestResp reads all of a front's status, each number where it belongs.
func TestResp(t *testing.T) {
	got := gather(t, Resp{fullResp})
	want := map[string]float64{"resp_clients{}": 3, "resp_max_clients{}": 10, "resp_tracking_clients{}": 1, "resp_tracked_keys{}": 7, "resp_channels{}": 2, "resp_patterns{}": 4,
		"resp_connections_total{}": 11, "resp_rejected_connections_total{}": 12, "resp_slow_clients_total{}": 13, "resp_protocol_errors_total{}": 14, "resp_over_limits_total{}": 15,
		"resp_hits_total{}": 16, "resp_misses_total{}": 17, "resp_received_bytes_total{}": 18, "resp_sent_bytes_total{}": 19,
		`resp_commands_total{command="get"}`: 20, `resp_commands_total{command="set"}`: 0, `resp_commands_total{command="unknown"}`: 21,
		`resp_errors_total{code="ERR"}`: 22, `resp_errors_total{code="other"}`: 0}
	for name, v := range want {
		if m := got["lateral_"+name]; m == nil || value(m) != v {
			t.Errorf("%s is %v, want %v", name, m, v)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%d series, want %d", len(got), len(want))
	}
}

// TestNoResp: where there is no front there is nothing to say.
func TestNoResp(t *testing.T) {
	for _, r := range []Resp{{}, {func() *cache.RespStatus { return nil }}} {
		if text := scrape(r); strings.Contains(text, "lateral_resp") {
			t.Error(text)
		}
	}
}
