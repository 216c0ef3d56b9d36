// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
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
func neighbours(running []cache.Status, services []ccf.Service, most time.Duration) func(context.Context) ([]doctor.Neighbour, error) {
	if len(running) > 0 {
		return func(context.Context) ([]doctor.Neighbour, error) { return heardBy(running, services), nil }
	}
	return func(ctx context.Context) ([]doctor.Neighbour, error) { return listen(ctx, services, most) }
}

// heardBy returns the members that services have heard by multicast.
func heardBy(running []cache.Status, services []ccf.Service) (out []doctor.Neighbour) {
	seen := map[string]bool{}
	for _, st := range running {
		for _, e := range st.Endpoints {
			for _, m := range e.Members {
				if m.Source != discover.Multicast || m.Stale || seen[m.ID] {
					continue
				}
				seen[m.ID] = true
				addr, _ := netip.ParseAddrPort(m.Addr) // zero if it cannot be dialled
				out = append(out, doctor.Neighbour{Name: m.Host + " " + m.Service, Addr: addr, Group: e.Group, ThisHost: m.Host == st.Host, HeardFrom: linkedFrom(e, m.ID)})
			}
			for addr, cluster := range e.Others {
				n := doctor.Neighbour{Group: e.Group, Cluster: cluster, Join: joining(services, e.Group, cluster)}
				n.HeardFrom, _ = netip.ParseAddr(addr)
				out = append(out, n)
			}
		}
	}
	return out
}

// linkedFrom is where the link with a member comes from; zero if there is none.
func linkedFrom(e cache.EndpointStatus, id string) netip.Addr {
	for _, l := range e.Links {
		if a, err := netip.ParseAddrPort(l.Remote); err == nil && l.PeerID == id {
			return a.Addr().Unmap()
		}
	}
	return netip.Addr{}
}

// Once somebody on another host has answered and nobody new came for quietTime,
// after two questions at least, everybody has.
const (
	leastTime = 400 * time.Millisecond
	quietTime = 200 * time.Millisecond
)

// listen asks each group who is there, for at most a time: who is there answers
// the first question within 50 ms, and three more are asked in a second and a
// half. It takes part in nothing: who asks without receiving is no member for
// anybody.
func listen(ctx context.Context, services []ccf.Service, most time.Duration) ([]doctor.Neighbour, error) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	quiet := slog.New(slog.DiscardHandler)
	name, _ := os.Hostname() // "" matches nobody's
	var ears []ear
	g, ctx := errgroup.WithContext(ctx)
	done := map[string]bool{}
	for _, v := range services {
		for _, a := range v.Config.Auxiliaries {
			l := a.Lateral
			if l == nil || l.Group() == "" {
				continue
			}
			key := fmt.Sprint(l.Group(), l.ClusterName, l.Interface)
			if done[key] {
				continue
			}
			done[key] = true
			ring, err := ringOf(l)
			if err != nil {
				cancel()
				g.Wait()
				return nil, err // a plain question would only be refused, and told of as a stranger's
			}
			conn, err := openEar(l, quiet)
			if err != nil {
				cancel()
				g.Wait()
				return nil, err
			}
			x := ear{l: l, refused: &refusals{why: map[netip.Addr]string{}}}
			x.Discoverer = discover.New(discover.Config{Ring: ring, Refuse: x.refused.add, Conn: conn, Log: quiet, Self: discover.Self{ID: cache.NodeID(rand.Uint64() | 1), Node: cache.NodeID(rand.Uint64() | 1),
				Cluster: cmp.Or(l.ClusterName, "default"), Host: name, Service: "doctor", Endpoint: a.Name, PID: os.Getpid()}})
			ears = append(ears, x)
			g.Go(func() error { return conn.Run(ctx) })
			g.Go(func() error { return x.Run(ctx) })
		}
	}
	waitForAll(ctx, ears, name)
	cancel()
	var out []doctor.Neighbour
	for _, x := range ears {
		for _, n := range x.neighbours(name, services) {
			if !slices.Contains(out, n) { // heard on two ears
				out = append(out, n)
			}
		}
	}
	return out, g.Wait()
}

// ringOf opens an endpoint's cluster secret; nil if it has none.
func ringOf(l *ccf.Lateral) (*secret.Ring, error) {
	if l.ClusterSecretFile == "" {
		return nil, nil
	}
	return userOf("", nil).OpenRing(l.ClusterSecretFile, nil)
}

// waitForAll returns when everybody has most likely been heard, or ctx ends.
func waitForAll(ctx context.Context, ears []ear, self string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	begin := time.Now()
	last, known := begin, 0
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-tick.C:
			n, alone := 0, false
			for _, x := range ears {
				all := x.Members()
				n += len(all)
				alone = alone || !slices.ContainsFunc(all, func(m discover.Member) bool { return m.Host != self })
			}
			if n != known {
				known, last = n, now
			}
			if !alone && now.Sub(begin) >= leastTime && now.Sub(last) >= quietTime {
				return
			}
		}
	}
}

// An ear listens in one group for one cluster.
type ear struct {
	*discover.Discoverer
	l       *ccf.Lateral
	refused *refusals
}

// refusals are who was not believed, and why.
type refusals struct {
	mu  sync.Mutex // guards why
	why map[netip.Addr]string
}

// maxRefusals bounds what strangers make us remember.
const maxRefusals = 64

func (r *refusals) add(addr netip.Addr, why error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.why) < maxRefusals {
		r.why[addr.Unmap()] = why.Error()
	}
}

// neighbours are who was heard: members, and those who are none here.
func (x *ear) neighbours(self string, services []ccf.Service) (out []doctor.Neighbour) {
	group := x.l.Group()
	for _, m := range x.Members() {
		n := doctor.Neighbour{Name: m.Host + " " + m.Service, Group: group, ThisHost: m.Host == self}
		if len(m.Addrs) > 0 {
			n.Addr, _ = netip.ParseAddrPort(m.Addrs[0]) // a name stays zero
		}
		out = append(out, n)
	}
	for addr, cluster := range x.Foreigners() {
		out = append(out, doctor.Neighbour{Group: group, HeardFrom: addr.Unmap(), Cluster: cluster, Join: joining(services, group, cluster)})
	}
	x.refused.mu.Lock()
	defer x.refused.mu.Unlock()
	for addr, why := range x.refused.why {
		fix := "if it is a member: give it ClusterSecretFile, the file that this host has"
		if f := x.l.ClusterSecretFile; f != "" {
			fix = fmt.Sprintf("if it is a member, give both the same file; if that of %s is right:\n    scp %s:%s %s", addr, addr, f, f)
		}
		out = append(out, doctor.Neighbour{Group: group, HeardFrom: addr, Refused: why, Fix: fix})
	}
	slices.SortFunc(out, func(a, b doctor.Neighbour) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), a.Addr.Compare(b.Addr), a.HeardFrom.Compare(b.HeardFrom))
	})
	return out
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
