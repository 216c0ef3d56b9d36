// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"lateral/cache"
	"lateral/ccf"
	"lateral/discover"
	"lateral/jcs"
	"lateral/jcs/link"
	"lateral/mesh"
)

// A javaSide is an endpoint's part in a cluster of Java nodes: what is announced
// to them, whom they announce, and the links.
type javaSide struct {
	e         *endpoint
	links     *link.Links
	requester int64 // by which they know us: the endpoint's id
	ser       jcs.Serializer
	gen       *jcs.Generation // that of the ccf

	mu    sync.Mutex        // guards what follows
	gens  []*jcs.Generation // announced to: the ccf's, and those heard
	nodes map[string]javaNode
	mute  map[int64]*muteNode       // by requester
	seen  map[int64]*cache.JavaNode // by requester, see java_nodes.go
	port  int                       // announced to JCS 2 and later
	fresh net.Listener              // of that port, if it is not the endpoint's
}

// A javaNode is what was heard of one that shares a region with us.
type javaNode struct {
	gen   *jcs.Generation
	ip    netip.Addr
	first time.Time // when this process was first heard
	id    int64
}

// A muteNode has said that it is there, but no region: it has not made any
// yet, and would not say more for 15 to 30 s. It is asked until it does.
type muteNode struct {
	until, next time.Time
	pause       time.Duration
}

// How a muteNode is asked.
const (
	askFirst = 100 * time.Millisecond
	askMost  = 2 * time.Second
	askFor   = 30 * time.Second // by then it has spoken by itself
)

// maxJavaNodes bounds what strangers can have us remember.
const maxJavaNodes = 512

// openJava prepares it. A serializer that can't be spoken turns it off: the
// mesh does not need it.
func (e *endpoint) openJava(a ccf.Auxiliary, id cache.NodeID, port int) {
	ser, err := jcs.NewSerializer(a.Serializer, a.Key, a.Cipher)
	if err != nil {
		e.n.log.Error("Java nodes are not spoken to: "+err.Error(), "endpoint", e.name, "at", a.Where.String())
		return
	}
	j := &javaSide{e: e, requester: int64(id), ser: ser, nodes: map[string]javaNode{}, mute: map[int64]*muteNode{}, seen: map[int64]*cache.JavaNode{}, port: port}
	switch a.Generation {
	case "2":
		j.gen = jcs.JCS2
	case "3":
		j.gen = jcs.JCS3
	case "4":
		j.gen = jcs.JCS4
	default:
		j.gen = jcs.JCS133
		j.gens = append(j.gens, jcs.JCS13) // whose discovery has another class
	}
	j.gens = append(j.gens, j.gen)
	c := e.c
	j.links = link.New(link.Config{Requester: j.requester, Gen: j.gen, Serializer: ser, Receive: c.Receive, Filter: c.FilterRemoveByHashCode, Bridge: c.Bridge, ListenOnly: c.ListenOnly,
		Regions: j.regions, Region: j.region, Clock: &e.n.clock, Now: e.n.wall, Dial: e.n.network.Dial,
		OpenTime: c.OpenTimeOut, AnswerTime: c.SocketTimeOut, Settle: javaSettle, Freed: func() { e.disc.Reconsider() }, Logger: e.n.log.With("endpoint", e.name)})
	e.java = j
}

// javaSettle is more than a host takes from a Java node's listener to the last
// of its regions. Measured on 2 cores with a load of 20 to 28, ten starts each, 2
// and 40 regions: JCS 1.3 at most 0.18 s, 2.2.1 0.26 s and 1.35 s, 3.2.1 0.19 s and
// 1.0 s. One that waits for peers which do not answer at all takes longer.
const javaSettle = 2 * time.Second

func (j *javaSide) regions() (out []link.Region) {
	for _, r := range j.e.regions() {
		out = append(out, javaRegion{r.(*bound)})
	}
	return out
}

func (j *javaSide) region(name string) (link.Region, bool) {
	r, ok := j.e.region(name)
	if !ok {
		return nil, false
	}
	return javaRegion{r.(*bound)}, true
}

// run serves the Java side until ctx ends.
func (j *javaSide) run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return j.links.Run(ctx) })
	g.Go(func() error { j.watch(ctx, g); return nil })
	if j.e.c.ListenOnly {
		g.Go(func() error { return j.links.Accept(ctx, allowed{j.e.listener, j.e}) })
	}
	return g.Wait()
}

// watchEvery is how often Java nodes are looked after. One that has heard of us
// dials within freshAfter, unless it believes that it has a connection already.
const (
	watchEvery = 100 * time.Millisecond
	freshAfter = 5 * time.Second
)

// watch forgets Java nodes that fell silent, and announces a fresh port if some
// do not dial the one we have.
func (j *javaSide) watch(ctx context.Context, g *errgroup.Group) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if j.askAgain(time.Now()) {
			j.e.disc.Solicit()
		}
		j.links.Expire(j.silence())
		j.forget(j.silence())
		if !j.shunned() {
			continue
		}
		ln, err := j.e.n.network.Listen(j.e.c.TcpListenerHost, 0)
		if err != nil {
			j.e.n.log.Warn("no port for Java nodes that do not dial ours again", "endpoint", j.e.name, "error", err)
			continue
		}
		j.move(ln)
		g.Go(func() error { return j.links.Accept(ctx, allowed{ln, j.e}) })
	}
}

// shunned reports whether Java nodes of JCS 2 or later know of us and do not
// dial. That is what they do with a port at which they once had a connection,
// whatever became of it (jcs-protocol.md section 4).
func (j *javaSide) shunned() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fresh != nil || !j.e.c.Receive {
		return false
	}
	waiting := map[netip.Addr]int{}
	for _, n := range j.nodes {
		if n.gen.Family != jcs.JCS13.Family && !jcs.IsObserver(n.id) && time.Since(n.first) > freshAfter {
			waiting[n.ip]++
		}
	}
	for ip, n := range waiting {
		if j.links.From(ip) < n {
			return true
		}
	}
	return false
}

// move withdraws the port that Java nodes know and announces another.
func (j *javaSide) move(ln net.Listener) {
	front, alone := j.also(discover.Withdraw)
	for _, b := range append(front, alone...) {
		j.e.conn.Send(b)
	}
	j.mu.Lock()
	j.fresh = ln
	if a, ok := ln.Addr().(*net.TCPAddr); ok {
		j.port = a.Port
	}
	j.mu.Unlock()
	j.e.n.log.Info("Java nodes know of this node and do not dial it: they still believe in a connection of its former life; a fresh port is announced to them",
		"endpoint", j.e.name, "port", j.port)
	j.e.disc.Announce()
}

// dial is how the mesh reaches a peer. A configured address may be a Java
// node's, which a hello of ours would harm.
func (e *endpoint) dial(ctx context.Context, addr string) (net.Conn, error) {
	if e.java != nil && slices.Contains(e.c.TcpServers, addr) && e.javaAt(addr) {
		if err := e.java.links.Probe(ctx, addr); err != nil {
			return nil, err
		}
	}
	conn, err := e.n.network.Dial(ctx, addr)
	return e.shield.client(ctx, conn, err)
}

// javaAt reports whether a configured address may be a Java node's. With a
// secret a name is none: who answers to it is another's word.
func (e *endpoint) javaAt(addr string) bool {
	a, err := netip.ParseAddrPort(addr)
	return !e.c.Secured() || err == nil && javaFrom(e.c, a.Addr())
}

// javaNodes filters out the members that Java nodes turned out to be.
func (e *endpoint) javaNode(addrs []string) bool {
	return e.java != nil && len(addrs) == 1 && e.java.links.Java(addrs[0])
}

// A lateralAux is what a region is told to write to, and to ask on a miss: the
// mesh, and then Java nodes.
type lateralAux struct {
	*mesh.Mesh
	java *link.Links
}

func (e *endpoint) auxiliary() cache.Auxiliary {
	if e.c.ListenOnly {
		return silent{}
	}
	if e.java == nil {
		return e.mesh
	}
	return lateralAux{e.mesh, e.java.links}
}

// Fetch asks all mesh peers at once, and if none has it all Java nodes.
func (a lateralAux) Fetch(ctx context.Context, region, key string) (cache.Element, bool, error) {
	el, ok, err := a.Mesh.Fetch(ctx, region, key)
	if ok || err != nil {
		return el, ok, err
	}
	return a.java.Fetch(ctx, region, key)
}

// status adds the Java nodes to what the mesh says.
func (j *javaSide) status(st *cache.EndpointStatus) {
	links, down := j.links.Status()
	for i := range links {
		links[i].From = cache.Party{Host: j.e.n.host, Service: j.e.n.service, Endpoint: j.e.name, Addr: links[i].Local, PID: j.e.n.pid}
	}
	st.Links = append(st.Links, links...)
	st.JavaDown, st.JavaNodes = down, j.known()
	if j.e.c.ListenOnly {
		st.ListenOnly, st.Observed = true, j.links.Observed()
		st.Listen = j.e.listener.Addr().String()
		st.Members[0].Addr, st.Members[0].Receive, st.Members[0].Role = st.Listen, true, "observer"
	}
	st.JavaLosses, st.Relayed = j.links.Losses()
	for k, v := range j.links.Counters() {
		st.Counters[k] = v
	}
}

// dialAddr is where a Java node is to be dialled: at the source of its
// datagram, as JCS 2 and later do; JCS 1.3 writes its host, which counts if it
// is an address that can be meant.
func dialAddr(source netip.Addr, loopback bool, p *jcs.Packet) (addr string, ip netip.Addr, err error) {
	ip = source.Unmap()
	if h, herr := netip.ParseAddr(p.Host); herr == nil && p.Gen.Family == jcs.JCS13.Family && !h.IsMulticast() && !h.IsUnspecified() && h.IsLoopback() == loopback {
		ip = h.Unmap()
	}
	if p.Port == 0 {
		return "", ip, errors.New("it announces port 0")
	}
	if ip.IsLoopback() && !loopback {
		return "", ip, fmt.Errorf("it announces %s, which means another host to everybody", ip)
	}
	return net.JoinHostPort(ip.String(), strconv.Itoa(p.Port)), ip, nil
}
