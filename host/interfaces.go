// SPDX-License-Identifier: Apache-2.0

package host

import (
	"fmt"
	"net"
	"net/netip"
)

// An Interface is one network interface as it is now.
type Interface struct {
	Name      string         `json:"name"`
	Index     int            `json:"index"`
	Up        bool           `json:"up"`        // an administrator switched it on
	Running   bool           `json:"running"`   // it has a carrier
	Multicast bool           `json:"multicast"` // it says it can send to groups; lo says it can't and yet can
	Loopback  bool           `json:"loopback"`
	MTU       int            `json:"mtu"` // bytes
	Addrs     []netip.Prefix `json:"addrs"`
}

// Has reports whether addr is one of the interface's own addresses.
func (i Interface) Has(addr netip.Addr) bool {
	for _, p := range i.Addrs {
		if p.Addr() == addr.WithZone("") {
			return true
		}
	}
	return false
}

// Addr4 returns its first IPv4 address; the zero Addr if it has none.
func (i Interface) Addr4() netip.Addr {
	for _, p := range i.Addrs {
		if p.Addr().Is4() {
			return p.Addr()
		}
	}
	return netip.Addr{}
}

// Interfaces returns all interfaces in the order of their index.
func Interfaces() ([]Interface, error) {
	ifs, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("host: interfaces: %w", err)
	}
	all := make([]Interface, 0, len(ifs))
	for _, ifi := range ifs {
		i := Interface{
			Name: ifi.Name, Index: ifi.Index, MTU: ifi.MTU,
			Up:        ifi.Flags&net.FlagUp != 0,
			Running:   ifi.Flags&net.FlagRunning != 0,
			Multicast: ifi.Flags&net.FlagMulticast != 0,
			Loopback:  ifi.Flags&net.FlagLoopback != 0,
		}
		addrs, err := ifi.Addrs()
		if err != nil {
			// The interface went away between the two questions, or the
			// system hides its addresses: it is still there to be shown.
			addrs = nil
		}
		for _, a := range addrs {
			if p, ok := prefixOf(a); ok {
				i.Addrs = append(i.Addrs, p)
			}
		}
		all = append(all, i)
	}
	return all, nil
}

// prefixOf turns what package net gives for an interface address into a Prefix.
func prefixOf(a net.Addr) (netip.Prefix, bool) {
	n, ok := a.(*net.IPNet)
	if !ok {
		return netip.Prefix{}, false
	}
	addr, ok := netip.AddrFromSlice(n.IP)
	if !ok {
		return netip.Prefix{}, false
	}
	addr = addr.Unmap()
	ones, bits := n.Mask.Size()
	if addr.Is4() && bits == 128 {
		ones -= 96
	}
	p := netip.PrefixFrom(addr, ones)
	return p, p.IsValid()
}
