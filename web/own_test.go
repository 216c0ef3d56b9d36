// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"lateral/cache"
)

// TestNodeView: three members, of which two are linked with this node, and of
// the third pair one says that there is no link.
func TestNodeView(t *testing.T) {
	member := func(id, service string, pid int) cache.Member {
		return cache.Member{ID: id, Host: "h", Service: service, Endpoint: "E", Addr: id + ":1", PID: pid, Receive: true}
	}
	party := func(service string) cache.Party { return cache.Party{Host: "h", Service: service, Endpoint: "E"} }
	st := cache.Status{Host: "h", Service: "a", PID: 1, Now: time.Unix(1, 0),
		Regions: []cache.RegionStatus{{Region: "R", Mode: "replicate", Elements: 3, Stats: cache.Stats{Hits: 5, Misses: 2}}},
		Endpoints: []cache.EndpointStatus{{Endpoint: "E", ID: "A", Members: []cache.Member{member("A", "a", 1), member("B", "b", 2), member("C", "c", 3)},
			Links:  []cache.LinkStatus{{PeerID: "B", Lag: cache.Lag{Changes: 7, Millis: 9, Regions: map[string]cache.RegionLag{"R": {Changes: 4, Millis: 8}}}}, {PeerID: "C"}},
			Matrix: []cache.Row{{ID: "B", Up: []string{"A"}}, {ID: "C", Up: []string{"A"}}}}}}
	v := NodeView(st, cache.MeshStatus{Expected: 3, Present: 2, Nodes: 3, Missing: []cache.MissingLink{{From: party("b"), To: party("c"), Reason: "refused"}}})
	var grid []string
	for i, row := range v.Grids[0].Rows {
		line := v.Grids[0].Members[i].Name + ":"
		for _, c := range row {
			line += " " + c.State
			if c.Lag != nil {
				line += fmt.Sprintf("(%d,%d)", *c.Lag, c.Changes)
			}
		}
		grid = append(grid, line)
	}
	if got, want := strings.Join(grid, "; "), "h/a E: self up(9,7) up(0,0); h/b E: up self missing; h/c E: up missing self"; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	if g := v.Grids[0]; g.Present != 2 || g.Expected != 3 || v.Complete {
		t.Errorf("%d of %d links", g.Present, g.Expected)
	}
	if len(v.Hosts) != 1 || len(v.Hosts[0].Services) != 3 || !v.Hosts[0].Services[0].Asked || v.Hosts[0].Services[1].Up != 1 {
		t.Errorf("%+v", v.Hosts)
	}
	if len(v.Missing) != 1 || v.Missing[0].From != "h/b E" || len(v.Warnings) != 1 || v.Warnings[0].Kind != WarnLoopback {
		t.Errorf("%+v, %+v", v.Missing, v.Warnings)
	}
	if r := v.Regions[0]; r.Gets != 7 || r.Hits != 5 || r.Lag != 8 || r.Changes != 4 || !r.Here {
		t.Errorf("%+v", r)
	}
}
