// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lateral/beacon"
	"lateral/cache"
	"lateral/ccf"
	"lateral/discover"
	"lateral/doctor"
	"lateral/host"
	"lateral/jcs"
)

// javaNodes is what the doctor is lent to learn which Java nodes there are: the
// word of running services, which hear all the time; else an ear of our own.
func javaNodes(running []cache.Status, services []ccf.Service) doctor.JCS {
	if len(running) > 0 {
		return doctor.JCS{Heard: func(context.Context) ([]doctor.JavaNode, error) { return javaHeardBy(running), nil }}
	}
	return doctor.JCS{Heard: func(ctx context.Context) ([]doctor.JavaNode, error) { return javaEar(ctx, services) }}
}

// wantMembers reports whether any service expects other members: who only
// listens is none, and has none.
func wantMembers(services []ccf.Service) bool {
	return slices.ContainsFunc(services, func(v ccf.Service) bool {
		return slices.ContainsFunc(v.Config.Auxiliaries, func(a ccf.Auxiliary) bool { return a.Lateral != nil && !a.Lateral.ListenOnly })
	})
}

// javaHeardBy returns the Java nodes that services have heard, each as the
// first of them has it.
func javaHeardBy(running []cache.Status) (out []doctor.JavaNode) {
	seen := map[string]bool{}
	for _, st := range running {
		for _, e := range st.Endpoints {
			for _, n := range e.JavaNodes {
				key := n.ID + " " + n.Generation + " " + e.Group
				if n.Lateral || n.Observer || seen[key] {
					continue
				}
				seen[key] = true
				out = append(out, javaNode(n, e.Group))
				linkedWith(&out[len(out)-1], st.Service, &e, n)
			}
		}
	}
	return out
}

func javaNode(n cache.JavaNode, group string) doctor.JavaNode {
	d := doctor.JavaNode{Generation: n.Generation, ID: n.ID, Group: group, Regions: n.Regions, First: n.First, Last: n.Heard}
	d.Source, _ = netip.ParseAddr(n.Source)
	d.Dialled, _ = netip.ParseAddrPort(n.Addr) // zero if it cannot be dialled
	if h, p, err := net.SplitHostPort(n.Announced); err == nil {
		d.Host = h
		d.Port, _ = strconv.Atoi(p)
	}
	return d
}

// linkedWith adds how a service is linked with a node. JCS 1.3 has one id in its
// datagrams and another on connections: there its host has to do.
func linkedWith(d *doctor.JavaNode, service string, e *cache.EndpointStatus, n cache.JavaNode) {
	d.Service = service
	shared := false
	for _, m := range e.Members {
		if m.Source == "self" && m.Receive {
			d.Wanted = true
			d.Ours = ours(m.Addr, d.Source)
		}
	}
	for _, l := range e.Links {
		switch {
		case l.Protocol == "mesh":
		case l.Direction == "out" && l.Remote == n.Addr:
			d.Out, shared = true, shared || len(l.Regions) > 0
		case l.Direction == "in" && l.Protocol == n.Generation && (l.PeerID == n.ID || n.Generation == "jcs-1.3" && l.To.Host == n.Source):
			d.In = true
		}
	}
	d.Down = e.JavaDown[n.Addr]
	d.Wanted = d.Wanted && (shared || e.ListenOnly && d.Down != "")
}

// ours is where somebody dials an endpoint that listens there: where that is
// every address, the one that packets to it leave from.
func ours(listens string, to netip.Addr) netip.AddrPort {
	a, err := netip.ParseAddrPort(listens)
	if err != nil || !a.Addr().IsUnspecified() {
		return a
	}
	r, err := host.RouteTo(to)
	if err != nil || !r.Source.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(r.Source, a.Port())
}

// How long Java nodes are waited for: they answer within milliseconds, and who
// has answered is asked again, so that two who announce one port are seen to be
// alive both.
const (
	earTime   = 1500 * time.Millisecond
	firstTime = 500 * time.Millisecond // in which nobody has answered: there is none
)

// javaEar asks each group who is there, as an observer that has no region does.
// It takes part in nothing.
func javaEar(ctx context.Context, services []ccf.Service) ([]doctor.JavaNode, error) {
	ctx, cancel := context.WithTimeout(ctx, earTime)
	defer cancel()
	quiet := slog.New(slog.DiscardHandler)
	var mu sync.Mutex // guards heard
	heard := map[string]*doctor.JavaNode{}
	g, ctx := errgroup.WithContext(ctx)
	done := map[string]bool{}
	for _, v := range services {
		for _, a := range v.Config.Auxiliaries {
			l := a.Lateral
			if l == nil || l.Group() == "" || l.Secured() && !l.AllowUnauthenticatedJCS || done[l.Group()+" "+a.Generation] {
				continue
			}
			done[l.Group()+" "+a.Generation] = true
			ser, err := jcs.NewSerializer(a.Serializer, a.Key, a.Cipher)
			if err != nil {
				continue // config says so
			}
			conn, err := openEar(l, quiet)
			if err != nil {
				cancel()
				g.Wait()
				return nil, err
			}
			d := discover.New(discover.Config{Observe: true, Conn: conn, Log: quiet, Also: javaQuestion(a, &ser), Alien: func(from beacon.Source, b []byte) {
				mu.Lock()
				defer mu.Unlock()
				javaOverheard(heard, l.Group(), from, b, &ser)
			}, Self: discover.Self{ID: cache.NodeID(rand.Uint64() | 1), Cluster: "doctor", Endpoint: a.Name}})
			g.Go(func() error { return conn.Run(ctx) })
			g.Go(func() error { return d.Run(ctx) })
			g.Go(func() error { askAll(ctx, d); return nil })
		}
	}
	nobody := time.AfterFunc(firstTime, func() {
		mu.Lock()
		defer mu.Unlock()
		if len(heard) == 0 {
			cancel()
		}
	})
	defer nobody.Stop()
	<-ctx.Done()
	err := g.Wait()
	var out []doctor.JavaNode
	for _, n := range heard {
		out = append(out, *n)
	}
	slices.SortFunc(out, func(a, b doctor.JavaNode) int { return a.Source.Compare(b.Source) })
	return out, err
}

// askAll asks again and again: what is heard twice tells who is there from who
// was.
func askAll(ctx context.Context, d *discover.Discoverer) {
	tick := time.NewTicker(earTime / 5)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			d.Solicit()
		}
	}
}

// javaQuestion is REQUEST in the generation of the ccf. Java nodes do not answer
// one that names no region; which it names does not matter to them.
func javaQuestion(a ccf.Auxiliary, ser *jcs.Serializer) func(k discover.Kind) (front, alone [][]byte) {
	gens := map[string][]*jcs.Generation{"2": {jcs.JCS2}, "3": {jcs.JCS3}, "4": {jcs.JCS4}}[a.Generation]
	if gens == nil {
		gens = []*jcs.Generation{jcs.JCS133, jcs.JCS13}
	}
	requester := jcs.ObserverID()
	return func(k discover.Kind) (front, alone [][]byte) {
		if k != discover.Solicit {
			return nil, nil
		}
		for _, g := range gens {
			p := jcs.Packet{Gen: g, Kind: jcs.Request, Host: a.Lateral.UdpDiscoveryAddr.String(), Port: a.Lateral.UdpDiscoveryPort, Requester: requester, Regions: []string{"lateral.doctor"}}
			if b, err := p.Encode(ser); err == nil {
				alone = append(alone, b)
			}
		}
		return nil, alone
	}
}

// javaOverheard takes in a datagram.
func javaOverheard(heard map[string]*doctor.JavaNode, group string, from beacon.Source, b []byte, ser *jcs.Serializer) {
	p, _, err := jcs.DecodePacket(b, ser)
	if err != nil || jcs.IsLateral(p.Requester) || p.Kind != jcs.Passive || len(heard) >= maxJavaHeard {
		return
	}
	key := strconv.FormatInt(p.Requester, 16) + " " + group
	n := heard[key]
	if n == nil {
		n = &doctor.JavaNode{First: time.Now(), ID: strconv.FormatUint(uint64(p.Requester), 16), Group: group}
		heard[key] = n
	}
	n.Generation, n.Source, n.Host, n.Port, n.Regions, n.Last = p.Gen.Family, from.Addr.Addr().Unmap(), p.Host, p.Port, slices.Sorted(slices.Values(p.Regions)), time.Now()
	at := n.Source
	if h, err := netip.ParseAddr(p.Host); err == nil && p.Gen.Family == jcs.JCS13.Family {
		at = h.Unmap()
	}
	n.Dialled = netip.AddrPortFrom(at, uint16(p.Port))
}

// maxJavaHeard bounds what strangers can have us remember.
const maxJavaHeard = 512
