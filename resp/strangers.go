// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"crypto/tls"
	"net"
	"net/netip"
	"slices"
)

// Limits of clients who have yet to give their password. An honest one gives
// it in its first packet, so whoever connects and does not crowds out itself.
const (
	// maxStrangers at once, each of which makes us hold 64 KiB at most
	// (wire.StrangerRequest, twice). Beyond it the oldest makes room.
	maxStrangers = 1024
	// maxStrangersOfOne address: there the oldest of its own makes room. Pools
	// of one host open hundreds at once.
	maxStrangersOfOne = 512
)

// strangers are the clients who have yet to give their password, oldest first.
type strangers []*client

// crowded returns who makes room for another of an address; nil: there is room.
func (s strangers) crowded(from netip.Addr) *client {
	var first *client
	n := 0
	for _, c := range s {
		if c.from == from {
			if n++; n == 1 {
				first = c
			}
		}
	}
	switch {
	case n >= maxStrangersOfOne:
		return first
	case len(s) >= maxStrangers:
		return s[0]
	}
	return nil
}

// outsideLocked has a client wait outside, where it makes room for others who come.
func (f *Front) outsideLocked(c *client) {
	if old := f.strangers.crowded(c.from); old != nil {
		f.crowdOutLocked(old)
	}
	f.strangers = append(f.strangers, c)
}

// crowdOutLocked ends the connection of a stranger.
func (f *Front) crowdOutLocked(c *client) {
	f.count.refused.Add(1)
	cut(c.conn)
	f.insideLocked(c)
	delete(f.clients, c.id)
}

// insideLocked takes a client off those who wait outside.
func (f *Front) insideLocked(c *client) {
	if i := slices.Index(f.strangers, c); i >= 0 {
		f.strangers = slices.Delete(f.strangers, i, i+1)
	}
}

// cut ends a connection at once: the goodbye of TLS would wait for who does not
// read.
func cut(c net.Conn) {
	if t, ok := c.(*tls.Conn); ok {
		c = t.NetConn()
	}
	c.Close()
}

// hostOf is where a connection comes from; the zero Addr for unix sockets.
func hostOf(c net.Conn) netip.Addr {
	a, err := netip.ParseAddrPort(c.RemoteAddr().String())
	if err != nil {
		return netip.Addr{}
	}
	return a.Addr().Unmap().WithZone("")
}
