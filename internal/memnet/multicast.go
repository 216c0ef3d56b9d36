// SPDX-License-Identifier: Apache-2.0

package memnet

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"syscall"
	"time"

	"lateral/beacon"
)

// Interface is the name of the one interface each host has.
const Interface = "eth0"

// A Group is a socket that has joined a multicast group: the twin of
// beacon.Beacon. Like that one it hears its own packets, shares its port, and
// may be used by several goroutines.
type Group struct {
	h       *Host
	group   netip.AddrPort
	source  netip.AddrPort
	queue   []packet
	closed  bool
	arrived *sync.Cond
	status  beacon.InterfaceStatus
}

type packet struct {
	data []byte
	from netip.AddrPort
}

var _ beacon.Conn = (*Group)(nil)

// Multicast joins a group.
func (h *Host) Multicast(group netip.AddrPort) (*Group, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if !group.Addr().IsMulticast() || group.Port() == 0 {
		return nil, fmt.Errorf("join %s: not a multicast address and port", group)
	}
	port := h.m.takeLocked(nil)
	if port == 0 {
		return nil, &net.OpError{Op: "listen", Net: "udp", Err: os.NewSyscallError("bind", syscall.EADDRNOTAVAIL)}
	}
	g := &Group{
		h: h, group: group, arrived: sync.NewCond(&h.n.mu),
		source: netip.AddrPortFrom(h.m.addr, uint16(port)),
		status: beacon.InterfaceStatus{Interface: Interface, Index: 2, Addr: h.m.addr, Joined: true},
	}
	h.n.groups = append(h.n.groups, g)
	return g, nil
}

// Read waits for the next packet.
func (g *Group) Read(buf []byte) (int, beacon.Source, error) {
	g.h.n.mu.Lock()
	defer g.h.n.mu.Unlock()
	for {
		if g.closed {
			return 0, beacon.Source{}, g.err("read", net.ErrClosed)
		}
		if len(g.queue) > 0 {
			p := g.queue[0]
			g.queue = g.queue[1:]
			g.status.Heard++
			return copy(buf, p.data), beacon.Source{Addr: p.from, Interface: Interface}, nil
		}
		g.arrived.Wait()
	}
}

// Send sends p to every member of the group, on this host too. Whether a way
// is blocked and what is lost is decided now; a full socket loses it later.
func (g *Group) Send(p []byte) error {
	n := g.h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	if g.closed {
		return g.err("write", net.ErrClosed)
	}
	if len(p) > MaxSend {
		g.status.Failed++
		return g.err("write", os.NewSyscallError("sendto", syscall.EMSGSIZE))
	}
	g.status.Sent++
	data := slices.Clone(p)
	for _, to := range n.groups {
		if to.group != g.group {
			continue
		}
		w := n.wayLocked(g.h.m.addr, to.h.m.addr)
		w.traffic.Datagrams++
		lost := w.loss > 0 && w.rnd.Float64() < w.loss
		if lost || w.blocked {
			w.traffic.Lost++
			continue
		}
		pk := packet{data, g.source}
		if w.delay <= 0 {
			to.hearLocked(pk, w)
			continue
		}
		time.AfterFunc(w.delay, func() {
			n.mu.Lock()
			defer n.mu.Unlock()
			to.hearLocked(pk, w)
		})
	}
	return nil
}

func (g *Group) hearLocked(p packet, w *way) {
	if g.closed || len(g.queue) >= Packets {
		w.traffic.Lost++
		return
	}
	g.queue = append(g.queue, p)
	g.arrived.Signal()
}

// Status returns that of the one interface.
func (g *Group) Status() []beacon.InterfaceStatus {
	g.h.n.mu.Lock()
	defer g.h.n.mu.Unlock()
	return []beacon.InterfaceStatus{g.status}
}

// Close leaves the group.
func (g *Group) Close() error {
	g.h.n.mu.Lock()
	defer g.h.n.mu.Unlock()
	g.closeLocked()
	return nil
}

func (g *Group) closeLocked() {
	if g.closed {
		return
	}
	g.closed = true
	g.status.Joined = false
	g.queue = nil
	g.h.m.freeLocked(int(g.source.Port()))
	g.h.n.groups = slices.DeleteFunc(g.h.n.groups, func(o *Group) bool { return o == g })
	g.arrived.Broadcast()
}

func (g *Group) err(op string, err error) error {
	return &net.OpError{Op: op, Net: "udp", Addr: net.UDPAddrFromAddrPort(g.group), Err: err}
}
