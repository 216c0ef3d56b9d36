// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

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
