// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"lateral/cache"
)

// lossNames say what each kind of loss means.
var lossNames = map[string]string{
	cache.LossUntold:  "not told: held where it was written, and not by these Java nodes",
	cache.LossRefused: "not taken: held by the Java node that wrote it, and not here",
	cache.LossClass:   "class: passed on by the bridge; Java nodes whose application has not the class, under this very name, cannot read it",
}

// maxLosses is how many are printed of each kind; --json has all.
const maxLosses = 20

// losses prints what a bridge has passed on, and what did not pass between Java
// nodes and others.
func (s *screen) losses(e *cache.EndpointStatus, now time.Time) {
	if len(e.Relayed) > 0 {
		var ways []string
		for _, r := range e.Relayed {
			ways = append(ways, fmt.Sprintf("%s → %s %d", r.From, r.To, r.Changes))
		}
		s.printf("    bridge: changes passed on: %s\n", strings.Join(ways, ", "))
	}
	if len(e.JavaLosses) == 0 {
		return
	}
	s.printf("    %s\n", s.paint(yellow, "did not pass between Java nodes and others, or not for all to read"))
	t := &table{head: []string{"what", "way", "region", "count", "class", "why", "last key", "last"}, right: map[int]bool{3: true}}
	shown, more := map[string]int{}, 0
	for _, l := range e.JavaLosses {
		if shown[l.Kind]++; shown[l.Kind] > maxLosses {
			more++
			continue
		}
		t.add(l.Kind, l.Way(), orDash(l.Region), l.Count, orDash(printable(l.Class)), l.Why, orDash(printable(l.Key)), now.Sub(l.Last).Round(time.Second).String()+" ago")
	}
	s.table("      ", t)
	if more > 0 {
		s.printf("      and %d more: --json\n", more)
	}
	for _, kind := range []string{cache.LossUntold, cache.LossRefused, cache.LossClass} {
		if shown[kind] > 0 {
			s.printf("      %s\n", lossNames[kind])
		}
	}
}

// lossNotes says in a line each what did not pass, for who looks at links.
func lossNotes(n *cache.Status, e *cache.EndpointStatus) (notes []string) {
	for _, kind := range []string{cache.LossUntold, cache.LossRefused, cache.LossClass} {
		var sum int64
		var top cache.JavaLoss
		for _, l := range e.JavaLosses {
			if l.Kind != kind {
				continue
			}
			if sum == 0 {
				top = l // the most frequent
			}
			sum += l.Count
		}
		if sum == 0 {
			continue
		}
		what := map[string]string{cache.LossUntold: "changes that Java nodes could not be told", cache.LossRefused: "messages of Java nodes that were not taken",
			cache.LossClass: "values passed on with a class of the application's own"}[kind]
		detail := top.Why
		if top.Class != "" {
			detail = printable(top.Class) + ", " + detail
		}
		notes = append(notes, fmt.Sprintf("%s/%s %s: %d %s, most of them %s (%s): lateral stats --service %s", n.Host, n.Service, e.Endpoint, sum, what, top.Way(), detail, n.Service))
	}
	return slices.Clip(notes)
}
