// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"cmp"

	"github.com/prometheus/client_golang/prometheus"

	"lateral/cache"
)

// A link is one of an endpoint.
type link struct {
	endpoint string
	cache.LinkStatus
}

// peerOf is the label of who is at the other end.
func peerOf(l *cache.LinkStatus) string {
	if l.To.Service == "" {
		return cmp.Or(l.To.Addr, l.Remote) // a Java node
	}
	return l.To.Host + "/" + l.To.Service
}

// native tells links of the mesh from those with Java nodes, which say nothing
// of clocks and of what they have.
func (l *link) native() bool { return l.Protocol == "mesh" }

var linkInfos = []info[link]{
	{name: "link_info", help: "What a link is; always 1.", labels: []string{"protocol", "direction"}, of: func(l *link) []string { return []string{l.Protocol, l.Direction} }},
}

var linkFamilies = []family[link]{
	gauge("links_up", "Links of this node that are up.", sum, func(l *link) float64 { return 1 }),
	gauge("link_lag_changes", "Changes of this node that the peer has not acknowledged.", sum, func(l *link) float64 { return float64(l.Lag.Changes) }),
	gauge("link_lag_bytes", "Bytes of link_lag_changes.", sum, func(l *link) float64 { return float64(l.Lag.Bytes) }),
	gauge("link_lag_seconds", "Age of the oldest change that the peer has not acknowledged; 0 if there is none.", most, func(l *link) float64 {
		if l.Lag.Changes == 0 {
			return 0
		}
		return ms(l.Lag.Millis)
	}),
	gauge("link_behind_seconds", "What the peer lacks of all that any member wrote is no older than that, by what it told with its last heartbeat.", most, func(l *link) float64 {
		if !l.native() || l.Behind.Millis < 0 {
			return unknown
		}
		return ms(l.Behind.Millis)
	}),
	gauge("link_unheard_seconds", "What this node lacks of all that the peer wrote is no older than that.", most, func(l *link) float64 {
		if !l.native() || l.Behind.Heard < 0 {
			return unknown
		}
		return ms(l.Behind.Heard)
	}),
	gauge("link_clock_skew_seconds", "The peer's clock minus that of this node, at most.", largest, func(l *link) float64 {
		if !l.native() {
			return unknown
		}
		return l.Skew.Seconds()
	}),
}

// largest is the one that is farther from 0.
func largest(a, b float64) float64 {
	if max(b, -b) > max(a, -a) {
		return b
	}
	return a
}

var propagation = Family{Name: prefix + "link_propagation_seconds", Kind: Histogram, Labels: []string{"endpoint", "peer"},
	Help: "How long changes took until the peer had applied them and said so; one per 100 ms is timed, and heartbeats where nothing is written."}

var propagationDesc = prometheus.NewDesc(propagation.Name, propagation.Help, propagation.Labels, nil)

// propagate renders the histograms of propagation.
func propagate(out chan<- prometheus.Metric, rows []*row[link]) {
	for _, r := range rows {
		var h cache.Histogram
		native := false
		for _, l := range r.of {
			if l.native() {
				native = true
				h.Join(l.Travel.Times)
			}
		}
		if !native {
			continue
		}
		under := make(map[float64]uint64, len(h.Under))
		for i, n := range h.Under {
			under[cache.TravelBounds[i].Seconds()] = n
		}
		out <- prometheus.MustNewConstHistogram(propagationDesc, h.Count, h.Sum.Seconds(), under, r.labels...)
	}
}
