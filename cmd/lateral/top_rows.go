// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"lateral/cache"
)

// A topRow is a region of a service, with what happened in it per second.
type topRow struct {
	service                                   string
	now                                       cache.RegionStatus
	gets, hits, puts, removes, evicted, comes float64 // hits: the part of the gets; NaN is not known
}

// rowsOf compares two looks.
func rowsOf(now, before *look) (rows []topRow) {
	for _, n := range now.nodes {
		was := earlier(before, n)
		for _, r := range n.Regions {
			row := topRow{service: n.Service, now: r, gets: math.NaN(), hits: math.NaN(), puts: math.NaN(), removes: math.NaN(), evicted: math.NaN(), comes: math.NaN()}
			if i := slices.IndexFunc(was.Regions, func(o cache.RegionStatus) bool { return o.Region == r.Region }); i >= 0 {
				row.since(&was.Regions[i].Stats, n.Now.Sub(was.Now))
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// earlier returns the node as it was; empty if it was another incarnation.
func earlier(before *look, n cache.Status) cache.Status {
	if before != nil {
		for _, o := range before.nodes {
			if o.Node == n.Node {
				return o
			}
		}
	}
	return cache.Status{}
}

func (r *topRow) since(was *cache.Stats, d time.Duration) {
	if d <= 0 {
		return
	}
	per := func(now, was uint64) float64 { return float64(now-min(was, now)) / d.Seconds() }
	looked := func(s *cache.Stats) uint64 { return s.Hits + s.Misses + s.Expired + s.Bypassed + s.Unleased }
	is := &r.now.Stats
	r.gets, r.puts, r.removes = per(looked(is), looked(was)), per(is.Puts, was.Puts), per(is.Removes, was.Removes)
	r.evicted, r.comes = per(is.Evictions, was.Evictions), per(is.Received, was.Received)
	if r.gets > 0 {
		r.hits = per(is.Hits, was.Hits) / r.gets
	}
}

// A column of the table of regions.
type column struct {
	name string // that --sort has
	head string
	key  byte // that sorts by it; 0: none does
	// rank says in what order columns are left out where there is no room: the
	// largest first, 0 never.
	rank  int
	right bool
	text  func(*topRow) string
	value func(*topRow) float64 // to sort by, the largest first; nil: by name
}

var columns = []column{
	{name: "service", head: "service", rank: 5, text: func(r *topRow) string { return r.service }},
	{name: "region", head: "region", key: 'r', text: func(r *topRow) string { return printable(r.now.Region) }},
	{name: "mode", head: "mode", rank: 7, text: func(r *topRow) string { return r.now.Mode }},
	{name: "elements", head: "elements", key: 'e', rank: 1, right: true, text: func(r *topRow) string { return fmt.Sprint(r.now.Elements) },
		value: func(r *topRow) float64 { return float64(r.now.Elements) }},
	{name: "bytes", head: "bytes", key: 'b', rank: 6, right: true, text: func(r *topRow) string { return bytesText(r.now.Bytes) },
		value: func(r *topRow) float64 { return float64(r.now.Bytes) }},
	{name: "gets", head: "gets/s", key: 'g', right: true, text: func(r *topRow) string { return rateText(r.gets) }, value: func(r *topRow) float64 { return r.gets }},
	{name: "hits", head: "hits", key: 'h', rank: 2, right: true, text: func(r *topRow) string { return partText(r.hits) }, value: func(r *topRow) float64 { return r.hits }},
	{name: "puts", head: "puts/s", key: 'p', rank: 3, right: true, text: func(r *topRow) string { return rateText(r.puts) }, value: func(r *topRow) float64 { return r.puts }},
	{name: "removes", head: "removes/s", key: 'd', rank: 9, right: true, text: func(r *topRow) string { return rateText(r.removes) }, value: func(r *topRow) float64 { return r.removes }},
	{name: "evicted", head: "evicted/s", key: 'v', rank: 8, right: true, text: func(r *topRow) string { return rateText(r.evicted) }, value: func(r *topRow) float64 { return r.evicted }},
	{name: "received", head: "received/s", key: 'c', rank: 10, right: true, text: func(r *topRow) string { return rateText(r.comes) }, value: func(r *topRow) float64 { return r.comes }},
	{name: "stale", head: "stale", key: 's', rank: 4, right: true, text: func(r *topRow) string { return staleText(&r.now) }, value: func(r *topRow) float64 { return r.now.StaleNow.Seconds() }},
}

func columnOf(name string) column {
	return columns[slices.IndexFunc(columns, func(c column) bool { return c.name == name })]
}

func columnBy(key byte) (column, bool) {
	i := slices.IndexFunc(columns, func(c column) bool { return c.key != 0 && c.key == key })
	if i < 0 {
		return column{}, false
	}
	return columns[i], true
}

// order sorts rows, the largest first; what is not known comes last.
func (c *column) order(rows []topRow) {
	slices.SortStableFunc(rows, func(a, b topRow) int {
		by := 0
		if c.value != nil {
			by = cmp.Compare(c.value(&b), c.value(&a)) // NaN is less than anything
		}
		return cmp.Or(by, cmp.Compare(a.now.Region, b.now.Region), cmp.Compare(a.service, b.service))
	})
}

func rateText(x float64) string {
	switch {
	case math.IsNaN(x):
		return ""
	case x == 0:
		return "0"
	case x < 10:
		return fmt.Sprintf("%.1f", x)
	}
	return fmt.Sprintf("%.0f", x)
}

func partText(x float64) string {
	if math.IsNaN(x) {
		return ""
	}
	return fmt.Sprintf("%.0f%%", math.Floor(100*x)) // 100% is all
}

func staleText(r *cache.RegionStatus) string {
	if r.StaleMost == 0 {
		return ""
	}
	return r.StaleNow.Round(100 * time.Millisecond).String()
}
