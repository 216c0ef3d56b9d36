// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"lateral/beacon"
	"lateral/cache"
	"lateral/ccf"
	"lateral/discover"
	"lateral/doctor"
	"lateral/host"
	"lateral/secret"
)

// neighbours is what the doctor is lent to learn who else is there: the word
// of running services, which hear all the time; else an ear of our own.
func neighbours(running []cache.Status, services []ccf.Service) func(context.Context) ([]doctor.Neighbour, error) {
	if len(running) > 0 {
		return func(context.Context) ([]doctor.Neighbour, error) { return heardBy(running), nil }
	}
	return func(ctx context.Context) ([]doctor.Neighbour, error) { return listen(ctx, services) }
}

// heardBy returns the members that services have heard by multicast.
func heardBy(running []cache.Status) (out []doctor.Neighbour) {
	seen := map[string]bool{}
	for _, st := range running {
		for _, e := range st.Endpoints {
			for _, m := range e.Members {
				if m.Source != discover.Multicast || m.Stale || seen[m.ID] {
					continue
				}
				seen[m.ID] = true
				addr, _ := netip.ParseAddrPort(m.Addr) // zero if it cannot be dialled
				out = append(out, doctor.Neighbour{Name: m.Host + " " + m.Service, Addr: addr, Group: e.Group, ThisHost: m.Host == st.Host})
			}
		}
	}
	return out
}

// earTime is how long we listen: who is there answers the first question
// within 50 ms, and three more are asked.
const earTime = 1500 * time.Millisecond

// listen asks each group who is there. It takes part in nothing: who asks
// without receiving is no member for anybody.
func listen(ctx context.Context, services []ccf.Service) ([]doctor.Neighbour, error) {
	ctx, cancel := context.WithTimeout(ctx, earTime)
	defer cancel()
	quiet := slog.New(slog.DiscardHandler)
	name, _ := os.Hostname() // "" matches nobody's
	var ears []*discover.Discoverer
	var groups []string
	g, ctx := errgroup.WithContext(ctx)
	done := map[string]bool{}
	for _, v := range services {
		for _, a := range v.Config.Auxiliaries {
			l := a.Lateral
			if l == nil || l.Group() == "" || done[l.Group()+" "+l.ClusterName] {
				continue
			}
			done[l.Group()+" "+l.ClusterName] = true
			conn, err := openEar(l, quiet)
			if err != nil {
				cancel()
				g.Wait()
				return nil, err
			}
			var ring *secret.Ring // nil: a file that can't be used is another check's business
			if l.ClusterSecretFile != "" {
				ring, _ = secret.OpenRing(l.ClusterSecretFile, nil)
			}
			d := discover.New(discover.Config{Ring: ring, Conn: conn, Log: quiet, Self: discover.Self{ID: cache.NodeID(rand.Uint64() | 1), Node: cache.NodeID(rand.Uint64() | 1),
				Cluster: cmp.Or(l.ClusterName, "default"), Host: name, Service: "doctor", Endpoint: a.Name, PID: os.Getpid()}})
			ears, groups = append(ears, d), append(groups, l.Group())
			g.Go(func() error { return conn.Run(ctx) })
			g.Go(func() error { return d.Run(ctx) })
		}
	}
	<-ctx.Done()
	var out []doctor.Neighbour
	for i, d := range ears {
		for _, m := range d.Members() {
			n := doctor.Neighbour{Name: m.Host + " " + m.Service, Group: groups[i], ThisHost: m.Host == name}
			if len(m.Addrs) > 0 {
				n.Addr, _ = netip.ParseAddrPort(m.Addrs[0]) // a name stays zero
			}
			out = append(out, n)
		}
	}
	return out, g.Wait()
}

// openEar opens the group as a service with these settings does.
func openEar(l *ccf.Lateral, log *slog.Logger) (*beacon.Beacon, error) {
	source, _ := netip.ParseAddr(l.TcpListenerHost) // invalid: the interface's own
	return beacon.Open(beacon.Config{Group: netip.AddrPortFrom(l.UdpDiscoveryAddr, uint16(l.UdpDiscoveryPort)), Interfaces: l.Interface,
		Source: source, TTL: l.UdpTTL, Log: log, RouteTo: func(g netip.Addr) (string, error) {
			r, err := host.RouteTo(g)
			return r.Interface, err
		}})
}
