// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"

	"lateral/cache"
)

// openNotes says once what several endpoints of this host would say of
// themselves word for word: that they have no cluster secret.
func openNotes(notes []string, nodes []cache.Status) []string {
	var open []cache.EndpointStatus
	var lines []string
	for _, n := range nodes {
		for _, e := range n.Endpoints {
			if e.Security.Open != "" && strings.Contains(e.Security.Open, "TCP "+e.Listen) {
				open = append(open, e)
				lines = append(lines, "endpoint "+e.Endpoint+": "+e.Security.Open)
			}
		}
	}
	if len(open) < 2 {
		return notes
	}
	var ports []string
	for _, e := range open {
		ports = append(ports, e.Listen)
	}
	last := len(ports) - 1
	all := strings.Join(ports[:last], ", ") + " or " + ports[last]
	text := strings.Replace(open[0].Security.Open, "TCP "+open[0].Listen, "TCP "+all, 1)
	text = strings.Replace(text, "this endpoint's regions", "their regions", 1)
	at := slices.Index(notes, lines[0])
	if at < 0 {
		return notes
	}
	notes = slices.Insert(slices.Clone(notes), at, text)
	return slices.DeleteFunc(notes, func(n string) bool { return slices.Contains(lines, n) })
}

// withNames puts the names of members in the place of their ids.
func withNames(text string, nodes []cache.Status) string {
	for _, n := range nodes {
		for _, e := range n.Endpoints {
			for _, m := range e.Members {
				if m.ID != "" && m.Service != "" && m.Source != "self" {
					text = strings.ReplaceAll(text, m.ID, m.Host+"/"+m.Service+"."+m.Endpoint)
				}
			}
		}
	}
	return text
}

// seen prints up to when everything is everywhere, for each endpoint of this
// host. What is usual in the first seconds of any of them is said once.
func (s *screen) seen(list []seen) {
	fresh := 0
	for _, e := range list {
		if e.Stable.Holder != "" && !e.Stable.Known {
			fresh++
		}
	}
	for _, e := range list {
		if fresh < 2 || e.Stable.Holder == "" || e.Stable.Known {
			s.printf("%s: %s\n", e.Name, stableText(e.Stable))
		}
	}
	if fresh > 1 {
		s.printf("%d endpoints remember removals until every member has said that it has them, as is usual in the first seconds (lateral stats: who is waited for)\n", fresh)
	}
}

// hint says where to go on, when links or nodes are missing.
func (r *meshReport) hint() string {
	switch {
	case r.Complete && r.Nodes == 1 && r.Expected == 0:
		return "one node alone is complete; if there should be others, lateral doctor says why none is found"
	case r.Complete:
		return ""
	}
	return "lateral doctor says what is wrong, and what to do: here, and on the host that is missing"
}

// nodesText is how many processes are known.
func (r *meshReport) nodesText() string {
	if r.Nodes < r.Wanted {
		return fmt.Sprintf("%d of %s", r.Nodes, counted(r.Wanted, "node"))
	}
	return counted(r.Nodes, "node")
}
