// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
	"time"

	"lateral/cache"
	"lateral/doctor"
	"lateral/mesh"
)

// clockOff is a difference of clocks that is worth a word: half of what
// MaxClockSkew allows by default.
const clockOff = 250 * time.Millisecond

const whyClocks = "of two writes the later one wins, by their clocks; a peer that is ahead by more than MaxClockSkew (500 ms) gets no link"

// clocks is the doctor's look at this host's clock, by those of linked peers,
// and of those that have no link for its sake.
func clocks(running []cache.Status) doctor.Check {
	return doctor.Check{Name: "clock", Run: func(context.Context) []doctor.Finding {
		all := refusedClocks(running)
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
						Saw: fmt.Sprintf("the clock of %s is %v %s this host's", l.To.Host, l.Skew.Abs().Round(time.Millisecond), way), Why: whyClocks,
						Do: "see that both hosts keep their clocks by NTP, with the same servers: timedatectl timesync-status, or chronyc tracking"})
				}
			}
		}
		if n > 0 && len(all) == 0 {
			all = append(all, doctor.Finding{Saw: fmt.Sprintf("clocks of %d linked members on other hosts differ from this host's by %v at most", n, worst.Round(time.Millisecond))})
		}
		return all
	}}
}

// refusedClocks are links that are missing since one end is too far ahead. A
// service's word of it names the attribute that is the limit.
func refusedClocks(running []cache.Status) (all []doctor.Finding) {
	for _, m := range mesh.Verdict(running...).Missing {
		saw, _, _ := strings.Cut(m.Reason, " (MaxClockSkew)")
		if saw == m.Reason {
			continue
		}
		all = append(all, doctor.Finding{Severity: doctor.Failure, About: []string{m.From.Addr, m.To.Addr}, Run: setClock(),
			Saw: fmt.Sprintf("no link of %s with %s: %s", partyName(m.From), partyName(m.To), saw), Why: whyClocks,
			Do: "see that both hosts keep their clocks by NTP, with the same servers: timedatectl timesync-status, or chronyc tracking\nand start a service anew that wrote while its clock was ahead"})
	}
	return all
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
