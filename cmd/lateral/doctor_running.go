// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"lateral/cache"
	"lateral/ccf"
	"lateral/doctor"
	"lateral/mesh"
)

// maxMissing bounds the missing links that are listed one by one.
const maxMissing = 8

// unasked says what the doctor could not look at where no service answers and
// no files are named. That none runs is no ailment of the host.
func unasked(why error) doctor.Check {
	return doctor.Check{Name: "services", Run: func(context.Context) []doctor.Finding {
		p := problemOf(why)
		return []doctor.Finding{{Saw: "groups, ports, members and the secret are not looked at: no files are named, and " + p.saw,
			Details: []string{"lateral doctor --config FILE looks at them, whether a service runs or not", p.why}}}
	}}
}

// links is the doctor's look at the mesh as running services see it. It comes
// last: that a member cannot be reached, or has a wrong clock, is said before.
func links(running []cache.Status) doctor.Check {
	return doctor.Check{Name: "links", DependsOn: []string{"interfaces", "multicast-route", "multicast-loop", "rp-filter", "packet-filter", "security", "clock", "peers"},
		Run: func(context.Context) []doctor.Finding {
			v := mesh.Verdict(running...)
			f := doctor.Finding{Saw: fmt.Sprintf("%d of %d links are up", v.Present, v.Expected)}
			if v.Complete {
				return []doctor.Finding{f}
			}
			f.Severity = doctor.Warning
			f.Why = "what one end of a missing link writes the other does not learn"
			f.Do = "lateral doctor --cluster tells who hears and reaches whom, in which direction"
			for _, name := range silent(running, v) {
				f.Do += fmt.Sprintf("\nif %s has ended for good, as its machine was destroyed, say so:\n    lateral forget %s", name, quoted(name))
			}
			for i, m := range v.Missing {
				if i == maxMissing {
					f.Details = append(f.Details, fmt.Sprintf("and %d more: lateral mesh", len(v.Missing)-i))
					break
				}
				f.Details = append(f.Details, fmt.Sprintf("%s – %s: %s", partyName(m.From), partyName(m.To), m.Reason))
				f.About = append(f.About, m.From.Addr, m.To.Addr)
			}
			return []doctor.Finding{f}
		}}
}

// silent names the services of whom nothing is heard any more, and which nobody
// who was asked is linked with.
func silent(running []cache.Status, v cache.MeshStatus) (names []string) {
	name := func(p cache.Party) string { return p.Host + "/" + p.Service }
	for _, st := range running {
		for _, e := range st.Endpoints {
			for _, m := range e.Members {
				n := m.Host + "/" + m.Service
				linked := slices.ContainsFunc(v.Links, func(l cache.LinkStatus) bool { return name(l.From) == n || name(l.To) == n })
				if m.Stale && m.Service != "" && !linked && !slices.Contains(names, n) && len(names) < maxMissing {
					names = append(names, n)
				}
			}
		}
	}
	slices.Sort(names)
	return names
}

// alike is the doctor's look at regions that linked members share by name: do
// the files of all make the same of them?
func alike(running []cache.Status, services []ccf.Service) doctor.Check {
	return doctor.Check{Name: "regions", Run: func(context.Context) (out []doctor.Finding) {
		shared := map[string]bool{}
		for _, st := range running {
			for _, e := range st.Endpoints {
				for _, r := range st.Regions {
					theirs := map[string][]string{} // mode → members
					for _, l := range e.Links {
						if l.Protocol != "mesh" {
							continue
						}
						if slices.Contains(l.Regions, r.Region) {
							shared[r.Region] = true
						}
						if mode := l.Differ[r.Region]; mode != "" {
							theirs[mode] = append(theirs[mode], l.To.Host+"/"+l.To.Service)
						}
					}
					for _, mode := range slices.Sorted(maps.Keys(theirs)) {
						out = append(out, unlike(st.Service, r.Region, r.Mode, mode, theirs[mode], services))
					}
				}
			}
		}
		if len(out) == 0 && len(shared) > 0 {
			out = append(out, doctor.Finding{Saw: fmt.Sprintf("%d shared regions are the same on all linked members", len(shared))})
		}
		return out
	}}
}

// unlike is the finding about one region. The command has this host do as the
// others; which of them is right people know.
func unlike(service, region, mine, theirs string, who []string, services []ccf.Service) doctor.Finding {
	f := doctor.Finding{Severity: doctor.Warning, About: []string{region},
		Saw: fmt.Sprintf("region %s is %s in %s, and %s in %s", region, mine, service, theirs, strings.Join(who, ", ")),
		Why: "they do not keep each other's copies as either of them promises",
		Do:  "give it the same settings in all files (IsLateral, IssueRemoveOnPut and the auxiliary), and start the services anew whose files have changed"}
	for _, v := range services {
		for _, r := range v.Config.Regions {
			if v.Name != service || r.Name != region {
				continue
			}
			if r.Attr.Lateral != (theirs == "replicate") {
				if c := setBelow("jcs.region."+r.Name, r.Where, "elementattributes.IsLateral", fmt.Sprint(theirs == "replicate")); c != "" {
					f.Run = []string{c}
					f.Do = "the command has this host do as they do; which is right you know: " + f.Do
				}
			}
		}
	}
	return f
}
