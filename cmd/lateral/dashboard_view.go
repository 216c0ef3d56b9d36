// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"slices"
	"strings"

	"lateral/cache"
	"lateral/web"
)

// viewOf makes of what services answered, the dashboard's own first, what the
// dashboard shows.
func viewOf(answers []heard) web.View {
	own := answers[0].status
	r, nodes := together(answers, 0)
	v := web.View{Now: own.Now.UTC(), Host: own.Host, Service: own.Service, Version: own.Version, Complete: r.Complete, Expected: r.Expected, Present: r.Present, Nodes: r.Nodes,
		Warnings: warnings(r, nodes), Grids: []web.Grid{}, Missing: []web.MissingView{}, Java: []web.JavaView{}, Losses: []web.LossView{}, Disputes: []web.DisputeView{}, Hosts: []web.HostView{}, Regions: []web.RegionView{}, Stable: []string{}}
	d := directionsOf(nodes)
	for _, g := range r.Groups {
		grid, up := d.grid(g)
		v.Grids = append(v.Grids, grid)
		v.Hosts = addHosts(v.Hosts, g, grid)
		v.Missing = append(v.Missing, d.missing(g, up, nodes)...)
	}
	for _, l := range r.Links {
		if l.Protocol != "mesh" {
			v.Java = append(v.Java, web.JavaView{From: partyName(l.From), To: partyName(l.To), Protocol: l.Protocol, Direction: l.Direction, Changes: l.Lag.Changes, Lag: l.Lag.Millis})
		}
	}
	for _, a := range answers {
		v.Hosts = tellHosts(v.Hosts, own.Host, a)
	}
	for i, n := range nodes {
		v.AddJava(&n)
		for _, s := range n.Regions {
			row := regionView(&n, &s)
			row.Here = i == 0
			v.Regions = append(v.Regions, row)
		}
	}
	for _, s := range r.Seen {
		v.Stable = append(v.Stable, s.Name+": "+stableText(s.Stable))
	}
	return v
}

// warnings are what is said above everything else: first who else may take part.
func warnings(r *meshReport, nodes []cache.Status) []web.Warning {
	out := []web.Warning{}
	said := map[string]bool{}
	for _, n := range nodes {
		for _, e := range n.Endpoints {
			s := e.Security
			where := n.Host + "/" + n.Service + " " + e.Endpoint + ": "
			switch {
			case e.ListenOnly: // who reaches it can change nothing of the cluster
			case s.Open != "":
				said["endpoint "+e.Endpoint+": "+s.Open] = true
				out = append(out, web.Warning{Kind: web.WarnSecret, Text: where + s.Open})
			case len(s.Secrets) == 0 && s.CertFile == "":
				out = append(out, web.Warning{Kind: web.WarnLoopback, Text: where + "no cluster secret; only this machine reaches it"})
			}
		}
	}
	for _, n := range r.Notes {
		if !said[n] {
			said[n] = true
			out = append(out, web.Warning{Kind: web.WarnNote, Text: n})
		}
	}
	return out
}

// directions are what both ends of links say of them, by the ids of who sends
// and who receives.
type directions struct {
	sends map[[2]string]cache.LinkStatus // as the sender says
	hears map[[2]string]cache.LinkStatus // as the receiver says
	asked map[string]bool                // ids of endpoints
}

func directionsOf(nodes []cache.Status) directions {
	d := directions{map[[2]string]cache.LinkStatus{}, map[[2]string]cache.LinkStatus{}, map[string]bool{}}
	for _, n := range nodes {
		for _, e := range n.Endpoints {
			d.asked[e.ID] = true
			for _, l := range e.Links {
				d.sends[[2]string{e.ID, l.PeerID}], d.hears[[2]string{l.PeerID, e.ID}] = l, l
			}
		}
	}
	return d
}

// grid draws a group, and returns how many links each member has.
func (d directions) grid(g meshGroup) (web.Grid, []int) {
	out := web.Grid{Cluster: g.Cluster, Group: g.Group, Expected: g.Expected, Present: g.Present, Members: []web.GridMember{}}
	up := make([]int, len(g.Members))
	for i, m := range g.Members {
		row := make([]web.Cell, len(g.Members))
		gm := web.GridMember{Name: plainName(m), Addr: m.Addr, PID: m.PID, Stale: m.Stale, Asked: d.asked[m.ID] && m.ID != ""}
		for j, o := range g.Members {
			row[j] = d.cell(g, m, o, i == j)
			switch row[j].State {
			case web.CellUp:
				up[i]++
				gm.Want++
			case web.CellMissing:
				gm.Want++
			}
		}
		gm.Up = up[i]
		out.Members = append(out.Members, gm)
		if len(g.Members) <= web.MaxGrid {
			out.Rows = append(out.Rows, row)
		}
	}
	return out, up
}

func (d directions) cell(g meshGroup, from, to cache.Member, self bool) web.Cell {
	switch {
	case self:
		return web.Cell{State: web.CellSelf}
	case g.missing[[2]string{memberKey(from), memberKey(to)}]:
		return web.Cell{State: web.CellMissing}
	case !from.Receive && !to.Receive && from.ID != "" && to.ID != "":
		return web.Cell{State: web.CellNone}
	}
	c := web.Cell{State: web.CellUp, Protocol: "mesh"}
	way := [2]string{from.ID, to.ID}
	if l, ok := d.sends[way]; ok {
		c.Protocol, c.Lag, c.Changes = l.Protocol, &l.Lag.Millis, l.Lag.Changes
	} else if l, ok := d.hears[way]; ok && l.Behind.Heard >= 0 {
		c.Protocol, c.Lag, c.Most = l.Protocol, &l.Behind.Heard, true
	}
	return c
}

// plainName is what a member is called where its address and process stand
// beside it.
func plainName(m cache.Member) string { return partyName(memberParty(m)) }

func memberParty(m cache.Member) cache.Party {
	return cache.Party{Host: m.Host, Service: m.Service, Endpoint: m.Endpoint, Addr: m.Addr, PID: m.PID}
}

// addHosts adds the members of a group.
func addHosts(hosts []web.HostView, g meshGroup, grid web.Grid) []web.HostView {
	for i, m := range g.Members {
		name := cmp.Or(m.Host, m.Addr)
		var s *web.ServiceView
		hosts, s = hostService(hosts, name, cmp.Or(m.Service, "?"), m.PID)
		s.Endpoints = append(s.Endpoints, strings.TrimSpace(m.Endpoint+" "+m.Addr))
		s.Up += grid.Members[i].Up
		s.Want += grid.Members[i].Want
		s.Stale = s.Stale || m.Stale
		if m.Heard.After(s.Heard) {
			s.Heard = m.Heard.UTC()
		}
	}
	return hosts
}

// tellHosts adds what a service said, or that it does not answer.
func tellHosts(hosts []web.HostView, here string, a heard) []web.HostView {
	st := a.status
	if a.err != nil {
		hosts, s := hostService(hosts, here, a.client.Service, anyPID)
		s.Error = a.err.Error()
		return hosts
	}
	hosts, s := hostService(hosts, st.Host, st.Service, st.PID)
	s.Asked, s.Version, s.Started, s.Unready = true, st.Version, st.Started.UTC(), st.Unready()
	return hosts
}

// anyPID is of a service that does not say which it is.
const anyPID = -1

// hostService finds or adds a service.
func hostService(hosts []web.HostView, host, name string, pid int) ([]web.HostView, *web.ServiceView) {
	i, ok := slices.BinarySearchFunc(hosts, host, func(h web.HostView, name string) int { return strings.Compare(h.Name, name) })
	if !ok {
		hosts = slices.Insert(hosts, i, web.HostView{Name: host, Services: []web.ServiceView{}})
	}
	h := &hosts[i]
	for k := range h.Services {
		if s := &h.Services[k]; s.Name == name && (s.PID == pid || pid == anyPID) {
			return hosts, s
		}
	}
	h.Services = append(h.Services, web.ServiceView{Name: name, PID: max(pid, 0), Endpoints: []string{}})
	return hosts, &h.Services[len(h.Services)-1]
}

// regionView is a region of a service.
func regionView(st *cache.Status, r *cache.RegionStatus) web.RegionView {
	v := web.NodeRegion(st, r)
	v.Here, v.Trouble = false, strings.Join(append(happened(r.Stats), append(disksTrouble(r), remotesTrouble(r)...)...), ", ")
	return v
}
