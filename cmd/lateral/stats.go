// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"lateral/cache"
)

type statsCmd struct {
	Region string `arg:"" optional:"" help:"This region only."`
	one
}

func (*statsCmd) Help() string {
	return `Per service: its regions with what they hold and what happened in them, and its
endpoints with how far each peer is behind, and what did not pass to or from Java
nodes. Of an observer (ListenOnly) also what
each Java node said, per region, how often, and how many keys they disagree on. JSON is the Status of each service,
the same as GET /v1/status.

Examples:

  lateral stats
  lateral stats SessionCache
  lateral stats --service groupware --json`
}

func (c *statsCmd) Run(ctx context.Context, s *streams) error {
	cs, err := c.services(c.Service)
	if err != nil {
		return err
	}
	list := []cache.Status{}
	found := c.Region == ""
	for _, h := range ask(ctx, cs) {
		h.client.Close()
		if h.err != nil {
			return h.err
		}
		if c.Region != "" {
			h.status.Regions = slices.DeleteFunc(h.status.Regions, func(r cache.RegionStatus) bool { return r.Region != c.Region })
			if len(h.status.Regions) == 0 {
				continue
			}
			found = true
		}
		list = append(list, h.status)
	}
	if !found {
		return &problem{saw: "no service has a region " + c.Region, do: "lateral stats lists the regions there are"}
	}
	if c.JSON {
		return s.out.json(list)
	}
	for i, st := range list {
		if i > 0 {
			s.out.printf("\n")
		}
		s.out.stats(st)
	}
	return nil
}

// stats prints one service.
func (s *screen) stats(st cache.Status) {
	s.printf("%s  pid %d, version %s, up %s\n", s.paint(bold, st.Host+"/"+st.Service), st.PID, st.Version, st.Now.Sub(st.Started).Round(time.Second))
	t := &table{head: []string{"region", "mode", "elements", "bytes", "hits", "misses", "puts", "removes", "evicted", "expired", "received", "stale", "synced"},
		right: map[int]bool{2: true, 3: true, 4: true, 5: true, 6: true, 7: true, 8: true, 9: true, 10: true, 11: true, 12: true}}
	java := javaRegions(&st)
	for _, r := range st.Regions {
		x := r.Stats
		mode := r.Mode
		if gens := java[r.Region]; len(gens) > 0 {
			mode += " with " + strings.Join(gens, ", ")
		}
		t.add(r.Region, mode, r.Elements, bytesText(r.Bytes), x.Hits+x.AuxHits, x.Misses, x.Puts, x.Removes, x.Evictions, x.Expired+x.Shrunk, x.Received, x.Stale, x.SyncIn)
	}
	s.table("  ", t)
	s.troubles(st.Regions)
	if len(java) > 0 {
		s.printf("  with jcs-…: Java nodes share the region. They have no versions and no authentication; what arrives last counts at each of them\n")
	}
	s.disks(st.Regions)
	s.remotes(st.Regions)
	for _, e := range st.Endpoints {
		s.printf("  endpoint %s, cluster %s, listens on %s, %s\n", s.paint(bold, e.Endpoint), e.Cluster, orDash(e.Listen), e.Discovery)
		s.printf("    log: %s of %s, changes %d to %d\n", bytesText(int64(e.Log.Bytes)), bytesText(int64(e.Log.Limit)), e.Log.First, e.Log.Next)
		s.printf("    %s\n", stableText(e.Stable))
		for _, l := range e.Leases {
			if l.Why != "" {
				s.printf("    %s: no lease from %s: %s\n", s.paint(yellow, "strict regions are not served"), leaseName(l), l.Why)
			}
		}
		s.observed(&e, st.Now)
		s.losses(&e, st.Now)
		if len(e.Links) == 0 {
			continue
		}
		t := &table{head: []string{"peer", "protocol", "dir", "lag", "behind", "shared regions", "clock skew", "up"}, right: map[int]bool{5: true}}
		for _, l := range e.Links {
			t.add(partyName(l.To), l.Protocol, l.Direction, lagText(l.Lag), behindText(l), len(l.Regions), l.Skew.Round(time.Millisecond), st.Now.Sub(l.Since).Round(time.Second))
		}
		s.table("    ", t)
	}
	if len(st.Warnings) > 0 {
		s.printf("  %s\n", s.paint(yellow, fmt.Sprintf("remarks on its files: %d, see lateral config check", len(st.Warnings))))
	}
}

func leaseName(l cache.LeaseStatus) string {
	return partyName(cache.Party{Host: l.Host, Service: l.Service, Endpoint: l.Endpoint, Addr: l.Addr})
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}
