// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// inbound checks whether this host's packet filter lets connections of other
// hosts come to the listeners, as far as its rules tell.
func (s *scene) inbound(context.Context) []Finding {
	fs, all := s.filters()
	if !all || fs.unseen {
		return []Finding{{Saw: "which rules the packet filter has is not seen: as root, lateral doctor tells whether they keep members out"}}
	}
	var out []Finding
	for _, p := range s.Ports {
		if p.Addr.IsLoopback() {
			continue
		}
		dev := s.entry(p.Service)
		where := fs.keepsOut(knock{dev: dev, proto: "tcp", port: p.Port})
		f := Finding{About: []string{fmt.Sprintf("tcp/%d", p.Port)}, Saw: fmt.Sprintf("nothing in the packet filter is seen to keep TCP port %d closed", p.Port)}
		if where != "" {
			f.Severity = Warning
			f.Saw = fmt.Sprintf("the packet filter (%s) keeps other hosts from TCP port %d%s", where, p.Port, at(p.At))
			f.Why = "members can't connect to this host; a link comes up only where this host can connect to them"
			f.Run = fs.open(traffic{dev: dev, proto: "tcp", port: p.Port})
			f.Do = "lateral ports lists all that a host needs; " + fs.keep(f.Run)
		}
		out = append(out, f)
	}
	return out
}

// entry is the interface by which members come to a service: the one of its
// groups; "" if it is not one.
func (s *scene) entry(service string) string {
	var devs []string
	for _, g := range s.Groups {
		if g.Service == service {
			devs = append(devs, s.used(g.Addr.Addr())...)
		}
	}
	if devs = distinct(devs); len(devs) == 1 {
		if i, ok := s.find(devs[0]); ok && !i.Loopback {
			return devs[0]
		}
	}
	return ""
}

// keepsOut names what certainly drops a packet; "" if nothing does.
func (f filters) keepsOut(k knock) string {
	tables := nftRules(f.ruleset)
	var names []string
	for name := range tables {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if family, _, _ := strings.Cut(name, " "); family != "inet" && family != "ip" {
			continue
		}
		for _, c := range tables[name].base {
			if c.Hook == "input" && c.Type == "filter" && tables[name].all.judge(c.Name, c.Policy, k) == dropped {
				return "nftables, chain " + c.Name + " of table " + name
			}
		}
	}
	if t, policy := iptablesRules(f.list); t.judge("INPUT", policy, k) == dropped {
		return "iptables, chain INPUT"
	}
	return ""
}
