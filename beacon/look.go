// SPDX-License-Identifier: Apache-2.0

package beacon

import (
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

const (
	// lookEvery is how long a change of the interfaces may go unseen. A look
	// costs one netlink dump of the links and one of the addresses for each
	// chosen interface.
	lookEvery = time.Second
	// complainEvery is how often the missing route is logged while it is missing.
	complainEvery = 5 * time.Minute
)

// A life is what tells an interface from an earlier one of the same name or
// index, or from itself before it went down: in each case the kernel may have
// forgotten our membership, or the switch may.
type life struct {
	index   int
	mac     string
	up      bool
	carrier bool
}

func lifeOf(i *net.Interface) life {
	if i == nil {
		return life{}
	}
	return life{i.Index, string(i.HardwareAddr), i.Flags&net.FlagUp != 0, i.Flags&net.FlagRunning != 0}
}

// look compares the interfaces as they are with our ports and sets these right.
func (b *Beacon) look(now time.Time) {
	all, err := net.Interfaces()
	if err != nil {
		b.cfg.Log.Warn("beacon: can't list the interfaces; keeping to those chosen before", "err", err)
		return
	}
	list := choose(b.cfg.Group.Addr(), b.cfg.Interfaces, all, b.cfg.RouteTo)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	ports := make([]*port, 0, len(list))
	for _, c := range list {
		p := b.portLocked(c.name)
		if p == nil {
			p = &port{status: InterfaceStatus{Interface: c.name}}
		}
		b.adjustLocked(p, c)
		ports = append(ports, p)
	}
	for _, p := range b.ports {
		if !slices.Contains(ports, p) {
			b.leaveLocked(p)
			p.mute("")
			b.cfg.Log.Info("beacon: no longer used", "interface", p.status.Interface, "group", b.cfg.Group)
		}
	}
	b.ports = ports
	b.reportLocked(now, list)
}

// adjustLocked makes a port what its interface allows.
func (b *Beacon) adjustLocked(p *port, c choice) {
	s := &p.status
	if l := lifeOf(c.ifi); l != p.life {
		b.leaveLocked(p)
		p.mute("")
		p.life = l
	}
	s.Index, s.MTU = p.life.index, 0
	if c.ifi != nil {
		s.MTU = c.ifi.MTU
	}
	switch {
	case c.ifi == nil:
		p.mute("there is no such interface")
		return
	case !p.life.up:
		p.mute("the interface is down")
		return
	}
	s.Loopback = c.ifi.Flags&net.FlagLoopback != 0
	if !s.Joined {
		if err := b.recv.join(c.ifi); err != nil {
			p.mute(fmt.Sprintf("can't join %v: %v", b.cfg.Group.Addr(), err))
			return
		}
		s.Joined = true
	}
	b.tuneLocked(p, c)
}

// tuneLocked gives the port a sender with the right source address.
func (b *Beacon) tuneLocked(p *port, c choice) {
	addr, why := pickSource(b.cfg.Group.Addr(), b.cfg.Source, p.status.Loopback, addrsOf(c.ifi))
	if !addr.IsValid() {
		p.mute(why)
		return
	}
	if p.send == nil || p.status.Addr != addr {
		p.mute("")
		conn, err := dial(c.ifi, addr, b.cfg.TTL)
		if err != nil {
			p.mute(fmt.Sprintf("can't send from %v: %v", addr, err))
			return
		}
		p.send, p.status.Addr = conn, addr
	}
	p.status.Reason = c.reason
	if p.status.Reason == "" && !p.life.carrier {
		p.status.Reason = "no carrier: only services of this host are heard"
	}
}

func (b *Beacon) leaveLocked(p *port) {
	if p.status.Joined {
		// An interface that is gone has left by itself; a failed leave of
		// one that is there shows in the join that follows.
		b.recv.leave(p.life.index)
		p.status.Joined = false
	}
}

// reportLocked logs what has changed, and now and then what is still wrong.
func (b *Beacon) reportLocked(now time.Time, list []choice) {
	for _, p := range b.ports {
		s := p.status
		state := s.Addr.String() + s.Reason
		if state == p.logged {
			continue
		}
		p.logged = state
		if s.Ready() {
			b.cfg.Log.Info("beacon: sends and hears", "interface", s.Interface, "group", b.cfg.Group, "source", s.Addr, "note", s.Reason)
		} else {
			b.cfg.Log.Warn("beacon: can't send or hear", "interface", s.Interface, "group", b.cfg.Group, "why", s.Reason)
		}
	}
	if len(b.cfg.Interfaces) > 0 {
		return
	}
	if i := slices.IndexFunc(list, func(c choice) bool { return c.reason != "" }); i < 0 {
		b.complained = time.Time{}
	} else if b.complained.IsZero() || now.Sub(b.complained) >= complainEvery {
		b.complained = now
		b.cfg.Log.Error("beacon: "+list[i].reason, "group", b.cfg.Group, "remedy", remedy(b.cfg.Group.Addr(), "IFACE"))
	}
}

// addrsOf lists the addresses of an interface; one that has just gone has none.
func addrsOf(i *net.Interface) (list []netip.Addr) {
	addrs, err := i.Addrs()
	if err != nil {
		return nil
	}
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok {
			if ip, ok := netip.AddrFromSlice(n.IP); ok {
				list = append(list, ip.Unmap())
			}
		}
	}
	return list
}
