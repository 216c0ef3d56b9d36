// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"slices"
	"time"

	"lateral/cache"
)

// clockOff is a difference of clocks that is worth a word: half of what
// MaxClockSkew allows by default.
const clockOff = 250 * time.Millisecond

// clockNoise is what cannot be told from the time that packets take.
const clockNoise = 10 * time.Millisecond

// most is how many clocks have to agree before one is called wrong.
const most = 2

// clocks compares the clocks of linked members. Where one is off by those of
// all others, it is that one; of two nobody can say which.
func (g *groupView) clocks() (all []Finding) {
	wrong := map[*cache.Surveyed]bool{}
	told := map[string]bool{} // by host: its services have one clock
	for i := range g.Members {
		m := &g.Members[i]
		if by, others := g.offBy(m); by.Abs() > clockOff && others >= most {
			wrong[m] = true
			if !told[m.Host] {
				told[m.Host] = true
				all = append(all, clockFinding(fmt.Sprintf("the clock of %s is %v those of %s", m.Host, aheadOf(by), plural(others, "other host")), m.Host))
			}
		}
	}
	worst, known := time.Duration(0), 0
	for i := range g.Members {
		a := &g.Members[i]
		for j := range g.Members {
			b := &g.Members[j]
			d, ok := a.Skew[b.ID]
			if !ok || a.ID == b.ID {
				continue
			}
			known++
			worst = max(worst, d.Abs())
			if d > clockOff && !wrong[a] && !wrong[b] && !told[a.Host+" "+b.Host] { // the other way round it is said by b
				told[a.Host+" "+b.Host] = true
				all = append(all, clockFinding(fmt.Sprintf("the clock of %s is %v that of %s", b.Host, aheadOf(d), a.Host), "the one that is wrong"))
			}
		}
	}
	if len(all) == 0 && known > 0 {
		all = append(all, Finding{Check: checkClocks, Saw: fmt.Sprintf("clocks of linked members differ by %v at most", worst.Round(time.Millisecond))})
	}
	return all
}

func clockFinding(saw, host string) Finding {
	return Finding{Check: checkClocks, Severity: Warning, Saw: saw,
		Why: "of two writes the later one wins, by their clocks; a peer that is ahead by more than MaxClockSkew (500 ms) gets no link",
		Do:  fmt.Sprintf("on %s, have it set by NTP, by one of:\n    chronyc makestep\n    timedatectl set-ntp true\nand see that it stays so: chronyc tracking, or timedatectl timesync-status", host)}
}

func aheadOf(d time.Duration) string {
	if d < 0 {
		return (-d).Round(time.Millisecond).String() + " behind"
	}
	return d.Round(time.Millisecond).String() + " ahead of"
}

// offBy is how far a member's clock is ahead of those of other hosts, by the
// middle one of their words and its own, and of how many that is known.
func (g *groupView) offBy(m *cache.Surveyed) (time.Duration, int) {
	by := map[string]time.Duration{} // other host → ahead of it
	for i := range g.Members {
		o := &g.Members[i]
		if o.Host == m.Host || o.ID == m.ID {
			continue
		}
		if d, ok := o.Skew[m.ID]; ok {
			by[o.Host] = d
		} else if d, ok := m.Skew[o.ID]; ok {
			by[o.Host] = -d
		}
	}
	if len(by) == 0 {
		return 0, 0
	}
	all := []time.Duration{0} // itself: of two hosts neither is right
	for _, d := range by {
		all = append(all, d)
	}
	slices.Sort(all)
	middle := all[len(all)/2]
	if len(all)%2 == 0 && all[len(all)/2-1].Abs() < middle.Abs() {
		middle = all[len(all)/2-1]
	}
	return middle, len(by)
}

// clockCell is how far the column's clock is ahead of the row's.
func (g *groupView) clockCell(from, to *cache.Surveyed) string {
	d, ok := from.Skew[to.ID]
	switch {
	case !ok || to.ID == "":
		return "?"
	case d.Abs() < clockNoise:
		return "<" + clockNoise.String()
	case d.Abs() < 10*time.Second:
		return fmt.Sprintf("%+dms", d.Milliseconds())
	}
	return fmt.Sprintf("%+ds", int64(d.Seconds()))
}
