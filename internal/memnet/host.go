// SPDX-License-Identifier: Apache-2.0

package memnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// How long Linux tries to connect.
const (
	noRouteAfter = 3 * time.Second   // nobody answers for the address itself
	noReplyAfter = 127 * time.Second // tcp_syn_retries = 6
)

// Ports given to those who do not ask for one (ip_local_port_range).
const firstPort, lastPort = 32768, 60999

// A machine is what processes of one address share: its ports.
type machine struct {
	addr  netip.Addr
	main  *Host
	ports map[int]*Listener // nil for the port of a dialled connection
	next  int
}

// A Host is a process on a machine of the network: what Kill ends at once.
type Host struct {
	n     *Net
	m     *machine
	conns map[*conn]struct{}
}

// Host returns the host with this address; the first call puts it on the
// network.
func (n *Net) Host(addr netip.Addr) *Host {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.machines[addr]
	if m == nil {
		m = &machine{addr: addr, ports: make(map[int]*Listener), next: firstPort}
		m.main = &Host{n: n, m: m, conns: make(map[*conn]struct{})}
		n.machines[addr] = m
	}
	return m.main
}

// Process returns another process on the same machine: it shares address and
// ports, and survives the other's Kill.
func (h *Host) Process() *Host {
	return &Host{n: h.n, m: h.m, conns: make(map[*conn]struct{})}
}

// Addr returns the address of the host.
func (h *Host) Addr() netip.Addr { return h.m.addr }

// Kill ends the process the hard way: listeners close, connections are reset
// and what is in flight from here is lost. A machine that is alive does a
// little more for a process that dies of kill -9, see Exit. The host may
// listen and dial again at once: that is the restarted service.
func (h *Host) Kill() { h.end(true) }

// Exit ends the process as the kernel does, also after kill -9: what was
// written still goes out, then FIN; RST only where bytes were left unread.
func (h *Host) Exit() { h.end(false) }

func (h *Host) end(abrupt bool) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	for _, port := range slices.Sorted(maps.Keys(h.m.ports)) {
		if l := h.m.ports[port]; l != nil && l.h == h {
			l.closeLocked()
		}
	}
	cs := slices.SortedFunc(maps.Keys(h.conns), func(a, b *conn) int {
		return cmp.Or(a.local.Compare(b.local), a.remote.Compare(b.remote))
	})
	for _, c := range cs {
		c.closeLocked(abrupt)
	}
	for _, g := range slices.Clone(h.n.groups) {
		if g.h == h {
			g.closeLocked()
		}
	}
}

// Listen takes a TCP port; 0 takes a free one. It fails with EADDRINUSE where
// another listener of the machine has it.
func (h *Host) Listen(port int) (net.Listener, error) {
	h.n.mu.Lock()
	defer h.n.mu.Unlock()
	if port == 0 {
		port = h.m.takeLocked(nil)
	}
	l := &Listener{h: h, addr: netip.AddrPortFrom(h.m.addr, uint16(port)), arrived: sync.NewCond(&h.n.mu)}
	if port <= 0 || port > 65535 {
		return nil, l.err("listen", os.NewSyscallError("bind", syscall.EINVAL))
	}
	if old, ok := h.m.ports[port]; ok && old != nil {
		return nil, l.err("listen", os.NewSyscallError("bind", syscall.EADDRINUSE))
	}
	h.m.ports[port] = l
	return l, nil
}

// takeLocked finds a free port, or 0.
func (m *machine) takeLocked(l *Listener) int {
	for range lastPort - firstPort + 1 {
		port := m.next
		if m.next++; m.next > lastPort {
			m.next = firstPort
		}
		if _, taken := m.ports[port]; !taken {
			m.ports[port] = l
			return port
		}
	}
	return 0
}

func (m *machine) freeLocked(port int) {
	if l, ok := m.ports[port]; ok && l == nil {
		delete(m.ports, port)
	}
}

// Name lets processes dial an address by a name, as DNS or /etc/hosts do.
func (n *Net) Name(name string, addr netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.names[name] = addr
}

// resolve turns "name:port" into what is dialled.
func (n *Net) resolve(addr string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if host, port, ok := strings.Cut(addr, ":"); ok && n.names[host].IsValid() {
		return net.JoinHostPort(n.names[host].String(), port)
	}
	return addr
}

// Dial connects to "address:port" or "name:port"; a loopback address is this machine. It
// blocks until ctx ends while either way is blocked, and is refused
// (ECONNREFUSED) where nobody listens.
func (h *Host) Dial(ctx context.Context, addr string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(h.n.resolve(addr))
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Err: fmt.Errorf("%w: neither address:port nor NAME:port of a name that memnet was told", err)}
	}
	if to.Addr().IsLoopback() || to.Addr().IsUnspecified() {
		to = netip.AddrPortFrom(h.m.addr, to.Port())
	}
	c, err := h.dial(ctx, to)
	if err != nil {
		return nil, &net.OpError{Op: "dial", Net: "tcp", Addr: net.TCPAddrFromAddrPort(to), Err: err}
	}
	return c, nil
}

var errNoReply = os.NewSyscallError("connect", syscall.ETIMEDOUT)

func (h *Host) dial(ctx context.Context, to netip.AddrPort) (*conn, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, noReplyAfter, errNoReply)
	defer cancel()
	for {
		h.n.mu.Lock()
		trip := h.n.wayLocked(h.m.addr, to.Addr()).delay + h.n.wayLocked(to.Addr(), h.m.addr).delay
		_, known := h.n.machines[to.Addr()]
		h.n.mu.Unlock()
		if !known {
			trip = noRouteAfter
		}
		if err := pause(ctx, trip); err != nil {
			return nil, err
		}
		c, changed, err := h.connect(to)
		if c != nil || err != nil {
			return c, err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, ended(ctx)
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	if ctx.Err() != nil {
		return ended(ctx)
	}
	if d <= 0 {
		return nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ended(ctx)
	}
}

// ended tells our own limit, which is the kernel's, from the caller's.
func ended(ctx context.Context) error {
	if cause := context.Cause(ctx); errors.Is(cause, errNoReply) {
		return cause
	}
	return ctx.Err()
}

// connect is the handshake. Without connection and error it got no answer,
// and may be tried again when the channel is closed.
func (h *Host) connect(to netip.AddrPort) (*conn, <-chan struct{}, error) {
	n := h.n
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.machines[to.Addr()]
	if m == nil {
		return nil, nil, os.NewSyscallError("connect", syscall.EHOSTUNREACH)
	}
	there, back := n.wayLocked(h.m.addr, to.Addr()), n.wayLocked(to.Addr(), h.m.addr)
	if there.blocked || back.blocked {
		return nil, n.changed, nil
	}
	l := m.ports[int(to.Port())]
	if l == nil {
		return nil, nil, os.NewSyscallError("connect", syscall.ECONNREFUSED)
	}
	if len(l.queue) >= Backlog {
		return nil, n.changed, nil
	}
	port := h.m.takeLocked(nil)
	if port == 0 {
		return nil, nil, os.NewSyscallError("connect", syscall.EADDRNOTAVAIL)
	}
	from := netip.AddrPortFrom(h.m.addr, uint16(port))
	c := &conn{n: n, owner: h, local: from, remote: to}
	d := &conn{n: n, owner: l.h, local: to, remote: from, peer: c}
	c.peer = d
	c.out, d.out = newStream(n, d, there, back), newStream(n, c, back, there)
	c.in, d.in = d.out, c.out
	h.conns[c] = struct{}{}
	l.h.conns[d] = struct{}{}
	n.conns = append(n.conns, c)
	l.queue = append(l.queue, d)
	l.arrived.Signal()
	return c, nil, nil
}
