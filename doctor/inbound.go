// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"maps"
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
		where, v := fs.judged(knock{dev: dev, proto: "tcp", port: p.Port})
		f := Finding{About: []string{fmt.Sprintf("tcp/%d", p.Port)}, Saw: fmt.Sprintf("nothing in the packet filter is seen to keep TCP port %d closed", p.Port)}
		switch v {
		case unsure:
			f.Saw = fmt.Sprintf("whether the packet filter (%s) lets TCP port %d in depends on what is not known here, such as the source", where, p.Port)
		case dropped:
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

// judged tells what becomes of a packet, and names the chain: dropped where one
// certainly drops it, unsure where one may.
func (f filters) judged(k knock) (where string, v verdict) {
	v = passes
	take := func(name string, of verdict) {
		if of == dropped && v != dropped || of == unsure && v == passes {
			where, v = name, of
		}
	}
	tables := nftRules(f.ruleset)
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		if family, _, _ := strings.Cut(name, " "); family != "inet" && family != "ip" {
			continue
		}
		for _, c := range tables[name].base {
			if c.Hook == "input" && c.Type == "filter" {
				take("nftables, chain "+c.Name+" of table "+name, tables[name].all.judge(c.Name, c.Policy, k))
			}
		}
	}
	t, policy := iptablesRules(f.list)
	take("iptables, chain INPUT", t.judge("INPUT", policy, k))
	return where, v
}
