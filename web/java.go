// SPDX-License-Identifier: Apache-2.0

package web

import (
	"time"

	"lateral/cache"
)

// A LossView is a cause for which something did not pass between Java nodes and
// others, or not for all to read: a cache.JavaLoss.
type LossView struct {
	Service string    `json:"service"` // host/service endpoint
	Kind    string    `json:"kind"`
	Way     string    `json:"way"`
	Region  string    `json:"region"`
	Class   string    `json:"class"`
	Why     string    `json:"why"`
	Count   int64     `json:"count"`
	Key     string    `json:"key"`
	Last    time.Time `json:"last"`
}

// A DisputeView is a key that Java nodes hold different values of, as an observer
// heard them.
type DisputeView struct {
	Service string    `json:"service"`
	Region  string    `json:"region"`
	Key     string    `json:"key"`
	Nodes   []string  `json:"nodes"` // each with the hash of its value, the last writer first
	Gap     int64     `json:"gap_ms"`
	Last    time.Time `json:"last"`
}

// maxJavaRows of an endpoint are shown in each table.
const maxJavaRows = 50

// AddJava adds what a service says of losses, and disputes among Java nodes.
func (v *View) AddJava(st *cache.Status) {
	for _, e := range st.Endpoints {
		where := st.Host + "/" + st.Service + " " + e.Endpoint
		for _, l := range e.JavaLosses[:min(len(e.JavaLosses), maxJavaRows)] {
			v.Losses = append(v.Losses, LossView{where, l.Kind, l.Way(), l.Region, l.Class, l.Why, l.Count, l.Key, l.Last})
		}
		if e.Observed == nil {
			continue
		}
		for _, d := range e.Observed.Latest[:min(len(e.Observed.Latest), maxJavaRows)] {
			row := DisputeView{Service: where, Region: d.Region, Key: d.String(), Nodes: []string{}, Gap: d.Gap.Milliseconds()}
			for _, s := range d.Said {
				value := s.Value
				if value == "" {
					value = "removed"
				}
				row.Nodes = append(row.Nodes, s.Node+": "+value)
				if s.At.After(row.Last) {
					row.Last = s.At
				}
			}
			v.Disputes = append(v.Disputes, row)
		}
	}
}
