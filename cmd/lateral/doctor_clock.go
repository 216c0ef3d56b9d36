// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"maps"
	"os/exec"
	"slices"
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

const doClocks = "see that all hosts keep their clocks by NTP, with the same servers: timedatectl timesync-status, or chronyc tracking"

// clocks is the doctor's look at this host's clock, by those of linked peers,
// and of those that have no link for its sake. Where it is off by all of
// several, it is this one; where it agrees with some, it is the other.
func clocks(running []cache.Status) doctor.Check {
	return doctor.Check{Name: "clock", Run: func(context.Context) []doctor.Finding {
		all := refusedClocks(running)
		skews := skewsOf(running)
		var off []string
		worst := time.Duration(0)
		for _, host := range slices.Sorted(maps.Keys(skews)) {
			worst = max(worst, skews[host].Abs())
			if skews[host].Abs() > clockOff {
				off = append(off, host)
			}
		}
		switch {
		case len(off) > 1 && len(off) == len(skews):
			all = append(all, doctor.Finding{Severity: doctor.Warning, About: off, Run: setClock(), Why: whyClocks, Do: doClocks,
				Saw: fmt.Sprintf("this host's clock is off by those of all %d other hosts: that of %s is %s it", len(off), off[0], aheadOf(skews[off[0]]))})
		case len(off) > 0 && len(off) < len(skews):
			for _, host := range off {
				all = append(all, doctor.Finding{Severity: doctor.Warning, About: []string{host}, Why: whyClocks,
					Saw: fmt.Sprintf("the clock of %s is %s this host's, with which %d of %d other hosts agree", host, aheadOf(skews[host]), len(skews)-len(off), len(skews)),
					Do:  "on " + host + ", have it set: chronyc makestep, or timedatectl set-ntp true\n" + doClocks})
			}
		case len(off) > 0:
			all = append(all, doctor.Finding{Severity: doctor.Warning, About: off, Run: setClock(), Why: whyClocks, Do: doClocks,
				Saw: fmt.Sprintf("the clock of %s is %s this host's", off[0], aheadOf(skews[off[0]]))})
		}
		if len(skews) > 0 && len(all) == 0 {
			all = append(all, doctor.Finding{Saw: fmt.Sprintf("clocks: %s within %v of this host's", counted(len(skews), "other host"), worst.Round(time.Millisecond))})
		}
		return all
	}}
}

// skewsOf is how far the clock of each other host is ahead of this one's, by
// the link that says most.
func skewsOf(running []cache.Status) map[string]time.Duration {
	skews := map[string]time.Duration{}
	for _, st := range running {
		for _, e := range st.Endpoints {
			for _, l := range e.Links {
				if l.To.Host == st.Host || l.Protocol != "mesh" {
					continue
				}
				if old, ok := skews[l.To.Host]; !ok || l.Skew.Abs() > old.Abs() {
					skews[l.To.Host] = l.Skew
				}
			}
		}
	}
	return skews
}

func aheadOf(d time.Duration) string {
	if d < 0 {
		return (-d).Round(time.Millisecond).String() + " behind"
	}
	return d.Round(time.Millisecond).String() + " ahead of"
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
			Do: doClocks + "\nand start a service anew that wrote while its clock was ahead"})
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
