// SPDX-License-Identifier: Apache-2.0

package beacon

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"
)

// sendWait is how long an interface whose queue is full may hold up a Send.
const sendWait = 50 * time.Millisecond

// Read is that of Conn.
func (b *Beacon) Read(buf []byte) (n int, from Source, err error) {
	var oob [controlSize]byte
	for {
		n, oobn, _, addr, err := b.recv.ReadMsgUDPAddrPort(buf, oob[:])
		if err != nil {
			if errors.Is(err, net.ErrClosed) {
				return 0, Source{}, net.ErrClosed
			}
			return 0, Source{}, fmt.Errorf("beacon: read: %w", err)
		}
		dst, index, err := b.recv.control(oob[:oobn])
		if err != nil || !dst.Equal(b.recv.group.IP) {
			continue // somebody else's group, or sent to this host alone
		}
		if from, ok := b.accept(addr, index); ok {
			return n, from, nil
		}
	}
}

// accept judges where a packet came from.
func (b *Beacon) accept(addr netip.AddrPort, index int) (from Source, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, p := range b.ports {
		if p.status.Index != index || !p.status.Joined {
			continue
		}
		ip := addr.Addr().Unmap()
		if ip.IsLoopback() && !p.status.Loopback {
			p.status.Dropped++
			return Source{}, false
		}
		if ip.Zone() != "" {
			// By its present name: package net remembers for a minute.
			ip = ip.WithZone(p.status.Interface)
		}
		p.status.Heard++
		return Source{Addr: netip.AddrPortFrom(ip, addr.Port()), Interface: p.status.Interface, Loopback: p.status.Loopback}, true
	}
	return Source{}, false
}

// Send is that of Conn. An interface that fails is looked at again at once.
func (b *Beacon) Send(packet []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return net.ErrClosed
	}
	var errs []error
	var mute []string
	for _, p := range b.ports {
		if p.send == nil {
			mute = append(mute, p.status.Interface+": "+p.status.Reason)
			continue
		}
		p.send.SetWriteDeadline(time.Now().Add(sendWait))
		if _, err := p.send.WriteToUDPAddrPort(packet, b.cfg.Group); err != nil {
			p.status.Failed++
			errs = append(errs, fmt.Errorf("beacon: send on %s: %w%s", p.status.Interface, err, b.hint(err, p.status)))
			b.Refresh()
			continue
		}
		p.status.Sent++
	}
	if len(mute) == len(b.ports) {
		return fmt.Errorf("beacon: %w: %s", ErrNoInterface, strings.Join(mute, "; "))
	}
	return errors.Join(errs...)
}

// hint adds what to do where that is known.
func (b *Beacon) hint(err error, s InterfaceStatus) string {
	switch {
	case !errors.Is(err, syscall.ENETUNREACH):
		return ""
	case s.Loopback && b.recv.p6 != nil:
		return ": Linux carries no IPv6 multicast on loopback; use an IPv4 group, or another interface"
	}
	return ": " + remedy(b.cfg.Group.Addr(), s.Interface)
}
