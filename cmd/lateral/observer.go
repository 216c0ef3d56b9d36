// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lateral/cache"
)

// crossedMeans and inTurnMeans say in words what an observer has found.
const (
	crossedMeans = "crossed: the writes met on the way, and JCS keeps what arrives last: each node is likely to hold the other's value, until somebody writes the key again"
	inTurnMeans  = "in-turn: one wrote after the other, so both hold the later value, if the later writer reaches the other; an observer cannot hear that"
)

// observed prints what an endpoint with ListenOnly has seen.
func (s *screen) observed(e *cache.EndpointStatus, now time.Time) {
	o := e.Observed
	if o == nil {
		return
	}
	s.printf("    observes (ListenOnly): it is announced, and tells and asks Java nodes nothing\n")
	t := &table{head: []string{"node", "generation", "region", "puts", "removes", "clears", "gets", "value bytes", "per second", "last"},
		right: map[int]bool{3: true, 4: true, 5: true, 6: true, 7: true, 8: true, 9: true}}
	for _, n := range o.Nodes {
		gen := n.Generation
		if n.Lateral {
			gen += ", Lateral"
		}
		for _, r := range n.Regions {
			t.add(n.Addr, gen, r.Region, r.Puts, r.Removes, r.Clears, r.Questions, bytesText(int64(r.Bytes)), fmt.Sprintf("%.2f", r.PerSecond), now.Sub(r.Last).Round(time.Second).String()+" ago")
		}
	}
	if len(t.rows) == 0 {
		s.printf("    nobody has said anything to it yet\n")
	} else {
		s.table("    ", t)
	}
	c := green
	if o.Crossed > 0 {
		c = red
	}
	s.printf("    %s", s.paint(c, fmt.Sprintf("%d of %d keys are crossed", o.Crossed, o.Keys)))
	s.printf(", %d were written a moment ago, %d in turn; lateral verify names them\n", o.Unsettled, o.InTurn)
	if o.Forgotten > 0 {
		s.printf("    %d keys were forgotten to make room for others\n", o.Forgotten)
	}
}

// disputes prints the keys that Java nodes wrote differently.
func (s *screen) disputes(r *cache.RegionVerdict) {
	found := s.paint(green, "0 keys crossed")
	if r.Total > 0 {
		found = s.paint(red, fmt.Sprintf("%d keys crossed", r.Total))
	}
	s.printf("region %s: %s, %d in turn, of what %d nodes said (observed), at %s\n", r.Region, found, r.InTurn, len(r.Members), r.At.Format(time.RFC3339Nano))
	for _, m := range r.Members {
		s.printf("  heard %s, id %s\n", m.Name, m.ID)
	}
	for _, why := range r.Why {
		s.printf("  %s\n", why)
	}
	if len(r.Disputes) == 0 {
		return
	}
	t := &table{head: []string{"key", "kind", "apart", "node", "value (hash)", "said at"}}
	for _, d := range r.Disputes {
		key, kind, gap := d.String(), d.Kind, d.Gap.Round(time.Millisecond).String()
		for _, w := range d.Said {
			value := w.Value
			if value == "" {
				value = "removed"
			}
			t.add(key, kind, gap, w.Node, value, w.At.Format("15:04:05.000"))
			key, kind, gap = " ", " ", " "
		}
	}
	s.table("  ", t)
	if n := r.Total + r.InTurn - len(r.Disputes); n > 0 {
		s.printf("  and %d more\n", n)
	}
	if r.Total > 0 {
		s.printf("  %s\n", crossedMeans)
		s.hint("do", "have the application put the key again, or remove it, on one node; keep writers of one key on one node")
	}
	if r.InTurn > 0 {
		s.printf("  %s\n", inTurnMeans)
		s.hint("do", "where that is in doubt: lateral doctor looks for Java nodes that are deaf")
	}
}

// javaLimits says what Java nodes cannot do, of those that there are.
func javaLimits(nodes []cache.Status) (notes []string) {
	gens := map[string]int{}
	ends := map[string]bool{}
	for _, n := range nodes {
		for _, e := range n.Endpoints {
			for _, j := range e.JavaNodes {
				if !j.Lateral && !j.Observer && !ends[j.ID] {
					ends[j.ID] = true
					gens[j.Generation]++
				}
			}
			for _, l := range e.Links { // those that are listed, not heard
				if l.Protocol != "mesh" && l.To.Service == "Java" && gens[l.Protocol] == 0 {
					gens[l.Protocol] = 0
				}
			}
			if e.ListenOnly {
				notes = append(notes, observerNote(&n, &e))
			}
		}
	}
	if len(gens) == 0 {
		return notes
	}
	var parts []string
	for g, n := range gens {
		if n > 0 {
			g = fmt.Sprintf("%d %s", n, g)
		}
		parts = append(parts, g)
	}
	slices.Sort(parts)
	return append(notes, "Java nodes ("+strings.Join(parts, ", ")+"): no versions, so what arrives last counts at each of them; no acknowledgements, so their lag is what the network has taken; no authentication")
}

func observerNote(n *cache.Status, e *cache.EndpointStatus) string {
	note := fmt.Sprintf("%s/%s %s is an observer (ListenOnly): no member of the mesh, and links with Java nodes are theirs alone", n.Host, n.Service, e.Endpoint)
	if o := e.Observed; o != nil && o.Crossed > 0 {
		note += fmt.Sprintf("; the nodes disagree on %d of %d keys: lateral verify --service %s", o.Crossed, o.Keys, n.Service)
	}
	return note
}

// javaRegions are the generations of the Java nodes that share each region.
func javaRegions(st *cache.Status) map[string][]string {
	out := map[string][]string{}
	for _, e := range st.Endpoints {
		for _, l := range e.Links {
			if l.Protocol == "mesh" || l.To.Service != "Java" {
				continue
			}
			for _, r := range l.Regions {
				if !slices.Contains(out[r], l.Protocol) {
					out[r] = append(out[r], l.Protocol)
				}
			}
		}
	}
	for _, gens := range out {
		slices.Sort(gens)
	}
	return out
}
