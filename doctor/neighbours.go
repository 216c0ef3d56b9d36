// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
)

// neighbours asks the function that was lent who else is there.
func (s *scene) neighbours(ctx context.Context) []Finding {
	heard, err := s.Neighbours(ctx)
	if err != nil && ctx.Err() == nil {
		return []Finding{{Severity: Warning, Saw: fmt.Sprintf("can't listen for neighbours: %v", err),
			Why: "so it is not known whether other members are heard", Do: "see the findings above; or ask a running service: lateral mesh"}}
	}
	var all []Finding
	far, near := 0, 0
	for _, n := range heard {
		if n.ThisHost {
			near++
			continue
		}
		far++
		if n.Addr.Addr().IsLoopback() {
			all = append(all, Finding{Severity: Warning, About: []string{n.Name},
				Saw: fmt.Sprintf("%s announces %s, a loopback address%s", n.Name, n.Addr, from(n)),
				Why: "whoever dials it reaches itself; JCS 1.3 does so when a host's own name leads to 127.x",
				Do:  "on that host, let its name lead to its network address in /etc/hosts"})
		}
	}
	f := Finding{Saw: fmt.Sprintf("heard %s on other hosts and %d on this one", plural(far, "member"), near)}
	for _, n := range heard {
		f.Details = append(f.Details, fmt.Sprintf("%s %s%s", n.Name, n.Addr, from(n)))
	}
	if far == 0 {
		f.Severity = Warning
		f.Saw = fmt.Sprintf("no member on another host was heard (%d on this one)", near)
		f.Why = "if there are others, their packets don't arrive here"
		f.Do = "run lateral doctor on the other hosts too; see that they run, use the same group, port and cluster name,\nand that the switch or virtual network between the hosts passes multicast"
	}
	return append([]Finding{f}, all...)
}

// from prints where a neighbour's packet came from.
func from(n Neighbour) string {
	text := ""
	if n.HeardFrom.IsValid() && n.HeardFrom != n.Addr.Addr() {
		text += " from " + n.HeardFrom.String()
	}
	if n.Group != "" {
		text += " in " + n.Group
	}
	return text
}
