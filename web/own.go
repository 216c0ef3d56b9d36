// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"slices"
	"strings"

	"lateral/cache"
)

// NodeView is what one node can show of the cluster, for programs that embed
// one: whom it knows, who is linked with whom by what they say, and its own
// regions. The program lateral shows what all services of a host say together.
// The mesh is that of lateral.Node.Mesh.
//
//	Look: func(context.Context) web.View { return web.NodeView(n.Status(), n.Mesh()) }
func NodeView(st cache.Status, m cache.MeshStatus) View {
	v := View{Now: st.Now.UTC(), Host: st.Host, Service: st.Service, Version: st.Version, Complete: m.Complete, Expected: m.Expected, Present: m.Present, Nodes: m.Nodes,
		Warnings: []Warning{}, Grids: []Grid{}, Missing: []MissingView{}, Java: []JavaView{}, Losses: []LossView{}, Disputes: []DisputeView{}, Hosts: []HostView{}, Regions: []RegionView{}, Stable: []string{}}
	v.AddJava(&st)
	for _, l := range m.Missing {
		v.Missing = append(v.Missing, MissingView{From: partyText(l.From), To: partyText(l.To), Reason: l.Reason, Remedy: "lateral doctor, on both hosts"})
	}
	for i := range st.Endpoints {
		e := &st.Endpoints[i]
		switch s := e.Security; {
		case s.Open != "":
			v.Warnings = append(v.Warnings, Warning{Kind: WarnSecret, Text: "endpoint " + e.Endpoint + ": " + s.Open})
		case len(s.Secrets) == 0 && s.CertFile == "":
			v.Warnings = append(v.Warnings, Warning{Kind: WarnLoopback, Text: "endpoint " + e.Endpoint + ": no cluster secret; only this machine reaches it"})
		}
		g := gridOf(e)
		v.Grids = append(v.Grids, g)
		for k, member := range e.Members {
			s := v.service(cmp.Or(member.Host, member.Addr), cmp.Or(member.Service, "?"), member.PID)
			s.Endpoints = append(s.Endpoints, strings.TrimSpace(member.Endpoint+" "+member.Addr))
			s.Up, s.Want, s.Stale, s.Heard = s.Up+g.Members[k].Up, s.Want+g.Members[k].Want, s.Stale || member.Stale, member.Heard.UTC()
		}
	}
	own := v.service(st.Host, st.Service, st.PID)
	own.Asked, own.Version, own.Started, own.Unready = true, st.Version, st.Started.UTC(), st.Unready()
	for i := range st.Regions {
		v.Regions = append(v.Regions, NodeRegion(&st, &st.Regions[i]))
	}
	return v
}

// NodeRegion is a row of NodeView.
func NodeRegion(st *cache.Status, r *cache.RegionStatus) RegionView {
	x := r.Stats
	v := RegionView{Region: r.Region, Service: st.Host + "/" + st.Service, Here: true, Mode: r.Mode, Elements: r.Elements, MaxObjects: r.MaxObjects, Bytes: r.Bytes,
		Hits: x.Hits + x.AuxHits, Gets: x.Hits + x.AuxHits + x.Misses + x.Expired, Evictions: x.Evictions, Expired: x.Expired + x.Shrunk,
		StaleMost: r.StaleMost, StaleNow: r.StaleNow, Unready: r.Unready}
	for _, d := range r.Disks {
		v.Disks++
		v.OnDisk += d.Elements
		v.DiskBytes += d.FileBytes
	}
	for _, e := range st.Endpoints {
		for _, l := range e.Links {
			lag := l.Lag.Regions[r.Region]
			v.Lag, v.Changes = max(v.Lag, lag.Millis), max(v.Changes, lag.Changes)
		}
	}
	return v
}

// service finds or adds a process of a host.
func (v *View) service(host, name string, pid int) *ServiceView {
	i := slices.IndexFunc(v.Hosts, func(h HostView) bool { return h.Name == host })
	if i < 0 {
		i = len(v.Hosts)
		v.Hosts = append(v.Hosts, HostView{Name: host})
	}
	h := &v.Hosts[i]
	k := slices.IndexFunc(h.Services, func(s ServiceView) bool { return s.Name == name && s.PID == pid })
	if k < 0 {
		k = len(h.Services)
		h.Services = append(h.Services, ServiceView{Name: name, PID: pid, Endpoints: []string{}})
	}
	return &h.Services[k]
}

// gridOf is the group of an endpoint as its members describe it.
func gridOf(e *cache.EndpointStatus) Grid {
	linked := map[[2]string]bool{}
	link := func(a, b string) { linked[[2]string{a, b}], linked[[2]string{b, a}] = true, true }
	for _, row := range e.Matrix {
		for _, id := range row.Up {
			link(row.ID, id)
		}
	}
	own := map[string]*cache.LinkStatus{}
	for i := range e.Links {
		link(e.ID, e.Links[i].PeerID)
		own[e.Links[i].PeerID] = &e.Links[i]
	}
	g := Grid{Cluster: e.Cluster, Group: e.Group, Members: []GridMember{}}
	for i, m := range e.Members {
		gm := GridMember{Name: partyText(cache.Party{Host: m.Host, Service: m.Service, Endpoint: m.Endpoint, Addr: m.Addr}), Addr: m.Addr, PID: m.PID, Stale: m.Stale, Asked: m.ID == e.ID}
		row := make([]Cell, len(e.Members))
		for j, o := range e.Members {
			c := Cell{State: CellMissing}
			switch {
			case i == j:
				c.State = CellSelf
			case linked[[2]string{m.ID, o.ID}]:
				c = Cell{State: CellUp, Protocol: "mesh"}
				if l := own[o.ID]; m.ID == e.ID && l != nil {
					c.Lag, c.Changes = &l.Lag.Millis, l.Lag.Changes
				}
			case !m.Receive && !o.Receive && m.ID != "" && o.ID != "":
				c.State = CellNone
			}
			if c.State == CellUp {
				gm.Up++
			}
			if c.State == CellUp || c.State == CellMissing {
				gm.Want++
			}
			row[j] = c
		}
		g.Present, g.Expected = g.Present+gm.Up, g.Expected+gm.Want
		if g.Members = append(g.Members, gm); len(e.Members) <= MaxGrid {
			g.Rows = append(g.Rows, row)
		}
	}
	g.Present, g.Expected = g.Present/2, g.Expected/2 // each link was met from both ends
	return g
}

// partyText names an endpoint, by its address while nothing else is known.
func partyText(p cache.Party) string {
	if p.Service == "" {
		return p.Addr
	}
	return p.Host + "/" + p.Service + " " + p.Endpoint
}
