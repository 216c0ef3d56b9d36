// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"maps"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"lateral/cache"
)

// respFamilies are what Redis's own exporters tell, of the RESP front.
var respFamilies = []family[cache.RespStatus]{
	gauge("resp_clients", "Connections of RESP clients.", sum, func(s *cache.RespStatus) float64 { return float64(s.Clients) }),
	gauge("resp_max_clients", "Most connections of RESP clients at once.", sum, func(s *cache.RespStatus) float64 { return float64(s.MaxClients) }),
	gauge("resp_tracking_clients", "RESP clients with client-side caching.", sum, func(s *cache.RespStatus) float64 { return float64(s.Tracking) }),
	gauge("resp_tracked_keys", "Keys that are remembered for clients with client-side caching.", sum, func(s *cache.RespStatus) float64 { return float64(s.TrackedKeys) }),
	gauge("resp_channels", "Channels that RESP clients of this node listen to.", sum, func(s *cache.RespStatus) float64 { return float64(s.Channels) }),
	gauge("resp_patterns", "Patterns of channels that RESP clients of this node listen to.", sum, func(s *cache.RespStatus) float64 { return float64(s.Patterns) }),

	count("resp_connections_total", "Connections of RESP clients accepted.", func(s *cache.RespStatus) uint64 { return s.Connections }),
	count("resp_rejected_connections_total", "Connections of RESP clients closed because there were too many.", func(s *cache.RespStatus) uint64 { return s.Refused }),
	count("resp_slow_clients_total", "RESP clients cut off because they did not read what was sent to them.", func(s *cache.RespStatus) uint64 { return s.Slow }),
	count("resp_protocol_errors_total", "RESP clients cut off because what they sent is no request.", func(s *cache.RespStatus) uint64 { return s.Protocol }),
	count("resp_over_limits_total", "Requests of RESP clients refused because of a limit.", func(s *cache.RespStatus) uint64 { return s.Over }),
	count("resp_hits_total", "Keys that RESP clients asked for and found.", func(s *cache.RespStatus) uint64 { return s.Hits }),
	count("resp_misses_total", "Keys that RESP clients asked for in vain.", func(s *cache.RespStatus) uint64 { return s.Misses }),
	count("resp_received_bytes_total", "Bytes received from RESP clients.", func(s *cache.RespStatus) uint64 { return s.In }),
	count("resp_sent_bytes_total", "Bytes sent to RESP clients.", func(s *cache.RespStatus) uint64 { return s.Out }),
}

// A named is what was counted under a name.
type named struct {
	name string
	n    uint64
}

var (
	respCommands = []family[named]{
		count("resp_commands_total", "Requests of RESP clients, by command, in lower case; those that are no command of ours are unknown. What is queued in a transaction counts when it is sent.", of),
	}
	respErrors = []family[named]{
		count("resp_errors_total", "Errors that RESP clients were answered with, by their first word.", of),
	}
)

func of(n *named) uint64 { return n.n }

var respLevels = struct {
	front    *level[cache.RespStatus]
	commands *level[named]
	errors   *level[named]
}{newLevel(nil, nil, respFamilies), newLevel([]string{"command"}, nil, respCommands), newLevel([]string{"code"}, nil, respErrors)}

func listResp() []Family {
	return slices.Concat(respLevels.front.list(), respLevels.commands.list(), respLevels.errors.list())
}

// Resp is a prometheus.Collector of a service's RESP front. The names are those
// of the front's own commands and errors, whatever clients send.
type Resp struct {
	// Status is the front's; nil, or a nil answer, if there is none: then there
	// are no series.
	Status func() *cache.RespStatus
}

// Describe is that of prometheus.Collector.
func (Resp) Describe(out chan<- *prometheus.Desc) {
	respLevels.front.describe(out)
	respLevels.commands.describe(out)
	respLevels.errors.describe(out)
}

// Collect is that of prometheus.Collector.
func (r Resp) Collect(out chan<- prometheus.Metric) {
	if r.Status == nil {
		return
	}
	st := r.Status()
	if st == nil {
		return
	}
	respLevels.front.collect(out, rows([]cache.RespStatus{*st}, func(*cache.RespStatus) []string { return nil }))
	respLevels.commands.collect(out, byName(st.Commands))
	respLevels.errors.collect(out, byName(st.Errors))
}

func byName(counts map[string]uint64) []*row[named] {
	var all []named
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		all = append(all, named{name, counts[name]})
	}
	return rows(all, func(n *named) []string { return []string{n.name} })
}
