// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os/exec"
	"time"

	"lateral/cache"
	"lateral/doctor"
	"lateral/mesh"
)

// maxMissing bounds the missing links that are listed one by one.
const maxMissing = 8

// links is the doctor's look at the mesh as running services see it.
func links(running []cache.Status) doctor.Check {
	return doctor.Check{Name: "links", DependsOn: []string{"interfaces", "multicast-route", "multicast-loop", "rp-filter", "packet-filter", "security"},
		Run: func(context.Context) []doctor.Finding {
			v := mesh.Verdict(running...)
			f := doctor.Finding{Saw: fmt.Sprintf("%d of %d links are up", v.Present, v.Expected)}
			if v.Complete {
				return []doctor.Finding{f}
			}
			f.Severity = doctor.Warning
			f.Why = "what one end of a missing link writes the other does not learn"
			f.Do = "lateral doctor --cluster tells who hears and reaches whom, in which direction"
			for i, m := range v.Missing {
				if i == maxMissing {
					f.Details = append(f.Details, fmt.Sprintf("and %d more: lateral mesh", len(v.Missing)-i))
					break
				}
				f.Details = append(f.Details, fmt.Sprintf("%s – %s: %s", partyName(m.From), partyName(m.To), m.Reason))
			}
			return []doctor.Finding{f}
		}}
}

// clockOff is a difference of clocks that is worth a word: half of what
// MaxClockSkew allows by default.
const clockOff = 250 * time.Millisecond

// clocks is the doctor's look at this host's clock, by those of linked peers.
func clocks(running []cache.Status) doctor.Check {
	return doctor.Check{Name: "clock", Run: func(context.Context) []doctor.Finding {
		var all []doctor.Finding
		n, worst := 0, time.Duration(0)
		seen := map[string]bool{}
		for _, st := range running {
			for _, e := range st.Endpoints {
				for _, l := range e.Links {
					if l.To.Host == st.Host || l.Protocol != "mesh" {
						continue
					}
					n++
					worst = max(worst, l.Skew.Abs())
					if l.Skew.Abs() <= clockOff || seen[l.To.Host] {
						continue
					}
					seen[l.To.Host] = true
					way := "ahead of"
					if l.Skew < 0 {
						way = "behind"
					}
					all = append(all, doctor.Finding{Severity: doctor.Warning, About: []string{l.To.Host}, Run: setClock(),
						Saw: fmt.Sprintf("the clock of %s is %v %s this host's", l.To.Host, l.Skew.Abs().Round(time.Millisecond), way),
						Why: "of two writes the later one wins, by their clocks; a peer that is ahead by more than MaxClockSkew (500 ms) gets no link",
						Do:  "see that both hosts keep their clocks by NTP, with the same servers: timedatectl timesync-status, or chronyc tracking"})
				}
			}
		}
		if n > 0 && len(all) == 0 {
			all = append(all, doctor.Finding{Saw: fmt.Sprintf("clocks of %d linked members on other hosts differ from this host's by %v at most", n, worst.Round(time.Millisecond))})
		}
		return all
	}}
}

// setClock is the command that has this machine's clock set, by what it has for that.
func setClock() []string {
	for _, c := range []struct{ program, command string }{{"chronyc", "chronyc makestep"}, {"timedatectl", "timedatectl set-ntp true"}} {
		if _, err := exec.LookPath(c.program); err == nil {
			return []string{c.command}
		}
	}
	return nil
}
