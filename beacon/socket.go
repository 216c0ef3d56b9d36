// SPDX-License-Identifier: Apache-2.0

package beacon

import (
	"context"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// A groupSocket hears the packets of one group. One of p4 and p6 is set.
type groupSocket struct {
	*net.UDPConn
	group *net.UDPAddr
	p4    *ipv4.PacketConn
	p6    *ipv6.PacketConn
}

// listen binds the group's port, shared, on no particular address: IPv6 would
// tie a socket bound to ff02::x to one interface.
func listen(group netip.AddrPort) (*groupSocket, error) {
	network := "udp6"
	if group.Addr().Is4() {
		network = "udp4"
	}
	lc := net.ListenConfig{Control: func(_, _ string, c syscall.RawConn) error {
		var err error
		if e := c.Control(func(fd uintptr) { err = shareOptions(int(fd), group.Addr().Is4()) }); e != nil {
			return e
		}
		return err
	}}
	// No packet is sent and no name resolved: there is nothing to cancel.
	c, err := lc.ListenPacket(context.Background(), network, ":"+strconv.Itoa(int(group.Port())))
	if err != nil {
		return nil, err
	}
	g := &groupSocket{UDPConn: c.(*net.UDPConn), group: &net.UDPAddr{IP: group.Addr().AsSlice()}}
	if group.Addr().Is4() {
		g.p4 = ipv4.NewPacketConn(g.UDPConn)
		err = g.p4.SetControlMessage(ipv4.FlagDst|ipv4.FlagInterface, true)
	} else {
		g.p6 = ipv6.NewPacketConn(g.UDPConn)
		err = g.p6.SetControlMessage(ipv6.FlagDst|ipv6.FlagInterface, true)
	}
	if err != nil {
		g.Close()
		return nil, err
	}
	return g, nil
}

func (g *groupSocket) join(i *net.Interface) error {
	if g.p4 != nil {
		return g.p4.JoinGroup(i, g.group)
	}
	return g.p6.JoinGroup(i, g.group)
}

func (g *groupSocket) leave(index int) error {
	i := &net.Interface{Index: index}
	if g.p4 != nil {
		return g.p4.LeaveGroup(i, g.group)
	}
	return g.p6.LeaveGroup(i, g.group)
}

// controlSize holds the control messages asked for: packet info, 12 bytes
// (IPv4) or 20 (IPv6), with its header and padding.
const controlSize = 64

// control reads the destination and the interface from a control message.
func (g *groupSocket) control(oob []byte) (dst net.IP, index int, err error) {
	if g.p4 != nil {
		var m ipv4.ControlMessage
		err = m.Parse(oob)
		return m.Dst, m.IfIndex, err
	}
	var m ipv6.ControlMessage
	err = m.Parse(oob)
	return m.Dst, m.IfIndex, err
}

// dial makes the sender of one interface, bound to the address that the
// packets are to come from.
func dial(i *net.Interface, from netip.Addr, ttl int) (*net.UDPConn, error) {
	local := &net.UDPAddr{IP: from.AsSlice()}
	network := "udp4"
	if from.Is6() {
		network = "udp6"
		if from.IsLinkLocalUnicast() {
			// The number, as package net remembers names for a minute.
			local.Zone = strconv.Itoa(i.Index)
		}
	}
	c, err := net.ListenUDP(network, local)
	if err != nil {
		return nil, err
	}
	if from.Is4() {
		p := ipv4.NewPacketConn(c)
		err = firstOf(p.SetMulticastInterface(i), p.SetMulticastTTL(ttl), p.SetMulticastLoopback(true))
	} else {
		p := ipv6.NewPacketConn(c)
		err = firstOf(p.SetMulticastInterface(i), p.SetMulticastHopLimit(ttl), p.SetMulticastLoopback(true))
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func firstOf(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
