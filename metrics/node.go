// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"time"

	"lateral/cache"
)

// A view is a node with what is concluded from its Status.
type view struct {
	cache.Status
	mesh    cache.MeshStatus
	reasons []cache.Reason // why it is not ready
}

var nodeInfos = []info[view]{
	{name: "build_info", help: "The program; always 1.", labels: []string{"version"}, of: func(v *view) []string { return []string{v.Version} }},
	{name: "node_info", help: "The service, with the id of this incarnation; always 1.", labels: []string{"host", "service", "node"},
		of: func(v *view) []string { return []string{v.Host, v.Service, v.Node} }},
}

var nodeFamilies = []family[view]{
	gauge("start_time_seconds", "When the node started, in seconds since 1970.", most, func(v *view) float64 { return unix(v.Started) }),
	gauge("config_warnings", "Remarks on the ccf files (lateral config check).", sum, func(v *view) float64 { return float64(len(v.Warnings)) }),
	yes("ready", "1 if the node may be given work, as GET /readyz says.", func(v *view) bool { return len(v.reasons) == 0 }),
	yes("mesh_complete", "1 if every link between all members that are known is up, at both ends.", func(v *view) bool { return v.mesh.Complete }),
	gauge("mesh_links_expected", "Links that members of the same groups should have, of all members.", sum, func(v *view) float64 { return float64(v.mesh.Expected) }),
	gauge("mesh_links_present", "Links of mesh_links_expected that are up at both ends.", sum, func(v *view) float64 { return float64(v.mesh.Present) }),
	gauge("mesh_nodes", "Processes that are known, this one included; 0 without any endpoint.", sum, func(v *view) float64 { return float64(v.mesh.Nodes) }),
}

// A why is how many reasons of one name there are.
type why struct {
	name string
	n    int
}

var reasonFamilies = []family[why]{
	gauge("unready_reasons", "Why the node is not ready: how many reasons of each name (region, mesh, stopping) there are.", sum,
		func(w *why) float64 { return float64(w.n) }),
}

// whys counts the reasons of each name there is, also where there are none.
func whys(reasons []cache.Reason) (out []why) {
	for _, name := range cache.ReasonNames {
		w := why{name: name}
		for _, r := range reasons {
			if r.Name == name {
				w.n++
			}
		}
		out = append(out, w)
	}
	return out
}

func unix(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
func ms(n int64) float64       { return float64(n) / 1000 }
