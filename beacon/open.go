// SPDX-License-Identifier: Apache-2.0

package beacon

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Beacon is the Conn of a real network.
type Beacon struct {
	cfg  Config
	recv *groupSocket
	poke chan struct{} // room for one: Run is to look now
	done chan struct{} // closed by Close
	tick time.Duration // between two looks: lookEvery

	mu         sync.Mutex // guards what follows; held for system calls that don't wait
	ports      []*port    // sorted by name
	closed     bool
	complained time.Time // when the missing route was last logged
}

// A port is one chosen interface, whether it is there or not.
type port struct {
	status InterfaceStatus
	life   life         // of the interface, as it was when the group was joined
	send   *net.UDPConn // nil while it can't send
	logged string       // the state last logged
}

var _ Conn = (*Beacon)(nil)

// Open binds the group's port and joins the group on the chosen interfaces
// that are there already; an interface that is not is no error. Run must be
// running for the Beacon to follow later changes.
func Open(c Config) (*Beacon, error) {
	group := c.Group.Addr()
	if !group.IsMulticast() || c.Group.Port() == 0 {
		return nil, fmt.Errorf("beacon: %v is no multicast address with a port: announcements need one, such as 224.0.0.1:6780", c.Group)
	}
	if len(c.Interfaces) == 0 && c.RouteTo == nil {
		return nil, fmt.Errorf("beacon: neither interfaces nor a way to find the route to %v: name an interface", group)
	}
	if c.Source.IsValid() && c.Source.Is4() != group.Is4() {
		return nil, fmt.Errorf("beacon: source %v can't send to %v: one is IPv4 and the other IPv6", c.Source, group)
	}
	if c.TTL < 0 || c.TTL > 255 {
		return nil, fmt.Errorf("beacon: TTL %d: must be 0 (for 1) to 255", c.TTL)
	}
	if c.TTL == 0 {
		c.TTL = 1
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	c.Interfaces = slices.Clone(c.Interfaces)
	recv, err := listen(c.Group)
	if err != nil {
		return nil, fmt.Errorf("beacon: UDP port %d: %w (a program that does not share the port may hold it: see ss -lunp)", c.Group.Port(), err)
	}
	b := &Beacon{cfg: c, recv: recv, poke: make(chan struct{}, 1), done: make(chan struct{}), tick: lookEvery}
	b.look(time.Now())
	return b, nil
}

// Run keeps memberships and senders right until ctx ends or the Beacon is
// closed, and returns nil.
func (b *Beacon) Run(ctx context.Context) error {
	tick := time.NewTicker(b.tick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-b.done:
			return nil
		case <-tick.C:
		case <-b.poke:
		}
		b.look(time.Now())
	}
}

// Refresh has Run look at the interfaces now. It does not wait.
func (b *Beacon) Refresh() {
	select {
	case b.poke <- struct{}{}:
	default:
	}
}

// Status is that of Conn.
func (b *Beacon) Status() []InterfaceStatus {
	b.mu.Lock()
	defer b.mu.Unlock()
	list := make([]InterfaceStatus, len(b.ports))
	for i, p := range b.ports {
		list[i] = p.status
	}
	return list
}

// Close is that of Conn. The kernel leaves the group with the socket.
func (b *Beacon) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil
	}
	b.closed = true
	close(b.done)
	for _, p := range b.ports {
		p.mute("closed")
		p.status.Joined = false
	}
	return b.recv.Close()
}

// port returns the one of that name, nil if it is not chosen.
func (b *Beacon) portLocked(name string) *port {
	i, ok := slices.BinarySearchFunc(b.ports, name, func(p *port, n string) int { return strings.Compare(p.status.Interface, n) })
	if !ok {
		return nil
	}
	return b.ports[i]
}

// mute closes the sender.
func (p *port) mute(reason string) {
	if p.send != nil {
		p.send.Close()
		p.send = nil
	}
	p.status.Addr = noAddr
	p.status.Reason = reason
}
