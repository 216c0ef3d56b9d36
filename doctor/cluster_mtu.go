// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"cmp"
	"fmt"
	"slices"

	"lateral/cache"
)

// A port is a member's interface by which others hear it.
type port struct {
	host, name string
	mtu        int
}

// mtus compares the MTUs of interfaces that are in one network: those by which
// members of different hosts hear each other by multicast.
func (g *groupView) mtus() (all []Finding) {
	var ports []port
	note := func(m *cache.Surveyed, x cache.SurveyedInterface) {
		if p := (port{m.Host, x.Name, x.MTU}); x.MTU > 0 && !slices.Contains(ports, p) {
			ports = append(ports, p)
		}
	}
	for i := range g.Members {
		b := &g.Members[i]
		for _, h := range b.Heard {
			j := slices.IndexFunc(g.Members, func(m cache.Surveyed) bool { return m.ID == h.ID && m.Host != b.Host })
			if j < 0 {
				continue
			}
			a := &g.Members[j]
			to := slices.IndexFunc(b.Interfaces, func(x cache.SurveyedInterface) bool { return x.Name == h.Interface })
			from := slices.IndexFunc(a.Interfaces, func(x cache.SurveyedInterface) bool { return x.Addr == h.From })
			if to >= 0 && from >= 0 {
				note(a, a.Interfaces[from])
				note(b, b.Interfaces[to])
			}
		}
	}
	usual := usualMTU(ports)
	for _, p := range ports {
		if p.mtu == usual {
			continue
		}
		saw := fmt.Sprintf("%s of %s takes and sends packets of up to %d bytes (MTU), others in %s have %d", p.name, p.host, p.mtu, g.where, usual)
		f := Finding{Check: checkMTU, Severity: Warning, Saw: saw,
			Why: "hosts of one network must agree: what is larger than the other end takes is lost without a word, so that links come up and then stall",
			Do:  fmt.Sprintf("on %s, or give all hosts and switches of this network the other one:\n    ip link set dev %s mtu %d\nlateral doctor there says how to keep it", p.host, p.name, usual)}
		all = append(all, f)
	}
	if len(all) == 0 && len(ports) > 1 {
		all = append(all, Finding{Check: checkMTU, Saw: fmt.Sprintf("interfaces by which members hear each other have one MTU, %d", usual)})
	}
	return all
}

// usualMTU is the one that most have; of two the smaller, which all can take.
func usualMTU(ports []port) int {
	count := map[int]int{}
	for _, p := range ports {
		count[p.mtu]++
	}
	usual := 0
	for mtu, n := range count {
		if c := cmp.Compare(n, count[usual]); usual == 0 || c > 0 || c == 0 && mtu < usual {
			usual = mtu
		}
	}
	return usual
}
