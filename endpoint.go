// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"lateral/beacon"
	"lateral/cache"
	"lateral/ccf"
	"lateral/changelog"
	"lateral/discover"
	"lateral/jcs"
	"lateral/mesh"
)

// An endpoint is one lateral auxiliary of the node: a listener, a discovery
// group, the log of changes in the regions bound to it, and its links.
type endpoint struct {
	n    *Node
	name string
	c    *ccf.Lateral

	group    netip.AddrPort // invalid without discovery
	listener net.Listener   // nil with Receive=false
	conn     beacon.Conn    // nil without discovery
	runConn  func(context.Context) error
	disc     *discover.Discoverer
	doubt    *mesh.Suspicion // since when something may have been missed
	mesh     *mesh.Mesh
	java     *javaSide // nil: Java nodes are not spoken to
	shield   *shield
	survey   survey

	linkings atomic.Uint64 // links that began to come up
}

func (e *endpoint) cluster() string { return cmp.Or(e.c.ClusterName, "default") }

// openEndpoint opens the sockets of a lateral auxiliary.
func (n *Node) openEndpoint(a ccf.Auxiliary) (*endpoint, error) {
	e := &endpoint{n: n, name: a.Name, c: a.Lateral}
	var err error
	if e.shield, err = e.openShield(); err != nil {
		return nil, err
	}
	port, err := e.openSockets()
	if err != nil {
		e.closeSockets()
		return nil, err
	}
	id := e.newID()
	self := discover.Self{ID: id, Node: n.clock.Node, Cluster: e.cluster(), Host: n.host, Service: n.service, Endpoint: e.name,
		PID: n.pid, Port: port, AdvertiseHost: e.c.AdvertiseHost, Receive: e.c.Receive}
	if javaMay(e.c) {
		e.openJava(a, id, port)
	}
	if e.java == nil && e.c.ListenOnly {
		e.closeSockets()
		return nil, fmt.Errorf("%s: ListenOnly: %s cannot hear Java nodes with these settings; the log says why", e.c.Where["ListenOnly"], e.name)
	}
	dc := discover.Config{Self: self, Conn: e.conn, Static: e.c.TcpServers, DNS: e.c.DnsPeers,
		Ring: e.shield.ring, Refuse: e.shield.refuse, AnnounceInterval: e.c.AnnounceInterval, MemberTimeout: e.c.MemberTimeout, Log: n.log.With("endpoint", e.name)}
	if e.java != nil {
		dc.Also, dc.Alien = e.java.also, e.java.hear
	}
	if dc.Observe = e.c.ListenOnly; dc.Observe {
		dc.Static, dc.DNS = nil, nil // it dials nobody
	}
	e.disc = discover.New(dc)
	e.doubt = &mesh.Suspicion{Directory: directory{e.disc, e}, Settle: e.c.HeartbeatInterval}
	mc := e.meshConfig(id)
	e.mesh = mesh.New(mc)
	if e.java != nil {
		e.java.links.Follow(mc.Log)
	}
	if d := leaseOf(n.ccf, e.name); d > 0 {
		e.mesh.Strict(d)
	}
	return e, nil
}

// newID returns the id by which others know the endpoint.
func (e *endpoint) newID() cache.NodeID {
	if e.c.ListenOnly {
		return cache.NodeID(jcs.ObserverID())
	}
	for {
		if id := rand.Uint64() | 1; !jcs.IsObserver(int64(id)) {
			return cache.NodeID(id)
		}
	}
}

// openSockets opens the listener, whose port it returns, and the group.
func (e *endpoint) openSockets() (port int, err error) {
	if e.c.Receive {
		if e.listener, err = e.n.network.Listen(e.c.TcpListenerHost, e.c.TcpListenerPort); err != nil {
			return 0, portError(e.c, err)
		}
		if a, ok := e.listener.Addr().(*net.TCPAddr); ok {
			port = a.Port
		}
	}
	if e.c.UdpDiscoveryEnabled {
		err = e.openGroup()
	}
	return port, err
}

func (e *endpoint) openGroup() (err error) {
	e.group = netip.AddrPortFrom(e.c.UdpDiscoveryAddr, uint16(e.c.UdpDiscoveryPort))
	source, _ := netip.ParseAddr(e.c.TcpListenerHost) // invalid: the interface's own
	e.conn, e.runConn, err = e.n.network.Multicast(beacon.Config{Group: e.group, Interfaces: e.c.Interface,
		Source: source, TTL: e.c.UdpTTL, Log: e.n.log.With("endpoint", e.name)})
	if err != nil {
		return fmt.Errorf("%s: discovery group %s: %w", e.c.Where["UdpDiscoveryPort"], e.group, err)
	}
	return nil
}

func (e *endpoint) meshConfig(id cache.NodeID) mesh.Config {
	n, c := e.n, e.c
	mc := mesh.Config{Message: n.channels.deliver, ID: id, Node: n.clock.Node, Cluster: e.cluster(), Host: n.host, Service: n.service, Endpoint: e.name,
		PID: n.pid, Advertise: e.advertise(), Receive: c.Receive, Siblings: n.siblings(e.name), Listener: e.listener, Dial: e.dial,
		Log: changelog.New(n.clock.Node, int(c.LogBytes)), Directory: e.doubt, Regions: e.regions, Region: e.region,
		Started: n.started, Heartbeat: c.HeartbeatInterval, LinkTimeout: c.LinkTimeout, OpenTimeout: c.OpenTimeOut, GetTimeout: c.SocketTimeOut,
		Clock: &n.clock, MaxSkew: c.MaxClockSkew, Now: n.wall, Logger: n.log.With("endpoint", e.name)}
	if e.java != nil {
		mc.Other = e.serveJava
	}
	if c.ListenOnly {
		mc.Listener, mc.Receive = nil, false // javaSide.run accepts
	}
	if e.shield.guard != nil {
		mc.Guard = e.shield.guard
	}
	mc.Refuse, mc.Linking, mc.Survey = e.shield.refuse, e.linking, e.surveyed
	if e.group.IsValid() {
		mc.Group = e.group.String()
	}
	return mc
}

// advertise is the host that peers are told to dial: without it they take the
// address that our links come from, which is another's where a listener is
// bound to one of several addresses of a machine.
func (e *endpoint) advertise() string {
	if a, err := netip.ParseAddr(e.c.TcpListenerHost); e.c.AdvertiseHost == "" && err == nil && !a.IsUnspecified() {
		return a.String()
	}
	return e.c.AdvertiseHost
}

// siblings are the node's other endpoints that are found by discovery.
func (n *Node) siblings(of string) (out []cache.Sibling) {
	for _, a := range n.ccf.Auxiliaries {
		if a.Lateral != nil && a.Name != of && a.Lateral.UdpDiscoveryEnabled && !a.Lateral.ListenOnly {
			out = append(out, cache.Sibling{Endpoint: a.Name, Cluster: cmp.Or(a.Lateral.ClusterName, "default"),
				Group: a.Lateral.Group(), Receive: a.Lateral.Receive})
		}
	}
	return out
}

// regions returns the regions bound to this endpoint.
func (e *endpoint) regions() (out []mesh.Region) {
	for _, b := range e.n.regions.all() {
		if slices.Contains(b.aux, e.name) {
			out = append(out, b)
		}
	}
	return out
}

// region returns a region if it is bound to this endpoint, making it if
// jcs.default binds new ones here.
func (e *endpoint) region(name string) (mesh.Region, bool) {
	settings, declared := e.n.ccf.Region(name)
	if !slices.Contains(settings.Auxiliaries, e.name) || !declared && (name == "" || len(name) > cache.MaxRegion) {
		return nil, false
	}
	b, err := e.n.regions.get(name)
	if err != nil {
		return nil, false
	}
	return b, true
}

// run serves the endpoint until ctx ends.
func (e *endpoint) run(ctx context.Context) error {
	defer e.closeSockets()
	g, ctx := errgroup.WithContext(ctx)
	// Discovery and its sockets outlive the links by the goodbye.
	found, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	if e.runConn != nil {
		g.Go(func() error { return e.runConn(found) })
	}
	g.Go(func() error { return e.disc.Run(found) })
	g.Go(func() error { return e.shield.run(ctx) })
	e.shield.say()
	if e.java != nil {
		g.Go(func() error { return e.java.run(ctx) })
	}
	g.Go(func() error { defer stop(); return e.mesh.Run(ctx) })
	if err := g.Wait(); err != nil && ctx.Err() == nil {
		return fmt.Errorf("endpoint %s: %w", e.name, err)
	}
	return nil
}

func (e *endpoint) closeSockets() {
	if e.listener != nil {
		e.listener.Close()
	}
	if e.conn != nil {
		e.conn.Close()
	}
}

// status adds what discovery knows to what the mesh says.
func (e *endpoint) status() cache.EndpointStatus {
	st := e.mesh.Status()
	st.Discovery = e.discovery()
	if e.java != nil {
		e.java.status(&st)
	}
	h := e.disc.Heard()
	st.Counters["packets"], st.Counters["packets_own"] = int64(h.Packets), int64(h.Own)
	st.Counters["packets_foreign"], st.Counters["packets_alien"] = int64(h.Foreign), int64(h.Alien)
	st.Counters["packets_undecodable"], st.Counters["packets_sent"] = int64(h.Undecodable), int64(h.Sent)
	st.Counters["packets_failed"], st.Counters["packets_unproven"] = int64(h.Failed), int64(h.Unproven)
	st.Security = e.shield.status()
	for addr, cluster := range e.disc.Foreigners() {
		if st.Others == nil {
			st.Others = map[string]string{}
		}
		st.Others[addr.Unmap().String()] = cluster
	}
	return st
}

// discovery says in words how members are found, and what is in the way.
func (e *endpoint) discovery() string {
	var parts []string
	if e.conn != nil {
		for _, s := range e.conn.Status() {
			p := "multicast " + e.group.String() + " on " + s.Interface
			if s.Reason != "" {
				p += ": " + s.Reason
			}
			parts = append(parts, p)
		}
		if len(parts) == 0 {
			parts = append(parts, "multicast "+e.group.String()+": no interface")
		}
	}
	if len(e.c.TcpServers) > 0 {
		parts = append(parts, "static "+strings.Join(e.c.TcpServers, ", "))
	}
	if len(e.c.DnsPeers) > 0 {
		parts = append(parts, "DNS "+strings.Join(e.c.DnsPeers, ", "))
	}
	return cmp.Or(strings.Join(parts, "; "), "off")
}
