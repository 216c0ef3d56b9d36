// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"lateral/cache"
)

// A stretch is what lies between two hosts, by name in order, on which packets
// are lost that both ends take.
type stretch struct {
	a, b       string
	fits, lost int  // bytes: the least of both ways
	there      bool // from a to b
	back       bool // from b to a
}

// ways tells where packets are lost that both ends have the size for. Hosts
// whose own MTUs differ agree on the smaller one by TCP: of these mtus speaks.
func (g *groupView) ways() (all []Finding) {
	bad, tried, ways, full := map[[2]string]*stretch{}, map[[2]string]bool{}, 0, 0
	for i := range g.Members {
		for j := range g.Members {
			from, to := &g.Members[i], &g.Members[j]
			up, _ := reaches(from, to)
			if from.Host == to.Host || up == nil || up.Fits == 0 {
				continue
			}
			pair := [2]string{min(from.Host, to.Host), max(from.Host, to.Host)}
			tried[pair], full = true, max(full, up.Fits)
			ways++
			if up.Lost == 0 {
				continue
			}
			s := bad[pair]
			if s == nil {
				s = &stretch{a: pair[0], b: pair[1], fits: up.Fits, lost: up.Lost}
				bad[pair] = s
			}
			s.fits, s.lost = min(s.fits, up.Fits), min(s.lost, up.Lost)
			s.there, s.back = s.there || from.Host == s.a, s.back || from.Host == s.b
		}
	}
	if len(bad) == 0 {
		if len(tried) > 0 {
			all = append(all, Finding{Check: checkMTU, Saw: fmt.Sprintf("packets as large as hosts send, %d bytes, arrive (%s)", full, plural(ways, "direction"))})
		}
		return all
	}
	list := slices.SortedFunc(maps.Values(bad), func(x, y *stretch) int { return strings.Compare(x.a+"\x00"+x.b, y.a+"\x00"+y.b) })
	if where := common(list, len(tried)); where != "" {
		return append(all, g.narrow(where, list))
	}
	for i, s := range list {
		if i == maxPairs {
			return append(all, Finding{Check: checkMTU, Severity: Warning, Saw: fmt.Sprintf("between %d more pairs of hosts large packets are lost, see the table", len(list)-i), Why: "as above", Do: "as above"})
		}
		all = append(all, g.narrow(s.String(), list[i:i+1]))
	}
	return all
}

func (s *stretch) String() string {
	switch {
	case s.there && s.back:
		return "between " + s.a + " and " + s.b
	case s.there:
		return "from " + s.a + " to " + s.b
	}
	return "from " + s.b + " to " + s.a
}

// common says what several stretches have in common: a host that is an end of
// all of them, or that there are no others; "" if nothing.
func common(list []*stretch, tried int) string {
	if len(list) < 2 {
		return ""
	}
	for _, h := range []string{list[0].a, list[0].b} {
		if !slices.ContainsFunc(list, func(s *stretch) bool { return s.a != h && s.b != h }) {
			return "between " + h + " and all others"
		}
	}
	if len(list) == tried {
		return "between all hosts"
	}
	return ""
}

// narrow is the finding about some stretches.
func (g *groupView) narrow(where string, list []*stretch) Finding {
	s := *list[0]
	for _, x := range list {
		s.fits, s.lost = min(s.fits, x.fits), min(s.lost, x.lost)
	}
	return Finding{Check: checkMTU, Severity: Warning,
		Saw: fmt.Sprintf("%s packets of %d bytes arrive, and none of %d or more, which both ends take", where, s.fits, s.lost),
		Why: whyLost,
		Do: "give the switch or tunnel the MTU that the hosts have; or all hosts of this network the smaller one, on each:\n" + g.lower(s.fits) +
			"lateral doctor there, as root, says how to keep it"}
}

// narrowed reports whether packets to a member are lost, as its answers may be.
func (g *groupView) narrowed(m *cache.Surveyed) bool {
	return slices.ContainsFunc(g.Members, func(o cache.Surveyed) bool {
		up, _ := reaches(&o, m)
		return up != nil && up.Lost > 0
	})
}

// lower are the lines that give hosts a smaller MTU: one where the interface
// has the same name on all.
func (g *groupView) lower(mtu int) string {
	devs := map[string]string{} // by host
	for i := range g.Members {
		m := &g.Members[i]
		if d := g.device(m); d != "" {
			devs[m.Host] = d
		}
	}
	names := slices.Compact(slices.Sorted(maps.Values(devs)))
	if len(names) < 2 {
		name := "DEVICE"
		if len(names) == 1 {
			name = names[0]
		}
		return fmt.Sprintf("    ip link set dev %s mtu %d\n", name, mtu)
	}
	var b strings.Builder
	for _, h := range slices.Sorted(maps.Keys(devs)) {
		fmt.Fprintf(&b, "    ip link set dev %s mtu %d   # on %s\n", devs[h], mtu, h)
	}
	return b.String()
}

// device is the interface that a member dials others from; "" if not known.
func (g *groupView) device(m *cache.Surveyed) string {
	for _, d := range m.Reached {
		for _, x := range m.Interfaces {
			if d.Fits > 0 && x.Addr == d.Local {
				return x.Name
			}
		}
	}
	return ""
}

// sizeCell is how large packets are that get from the row's to the column's.
func (g *groupView) sizeCell(from, to *cache.Surveyed) string {
	up, _ := reaches(from, to)
	switch {
	case up == nil || up.Fits == 0:
		return "?"
	case up.Lost > 0:
		return fmt.Sprintf("≤%d", up.Fits)
	}
	return fmt.Sprint(up.Fits)
}
