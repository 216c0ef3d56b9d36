// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/net/ipv4"
	"golang.org/x/net/ipv6"
)

// loopWait is how long a datagram may take from this host to itself: it is
// delivered while it is being sent, unless something drops it.
const loopWait = 500 * time.Millisecond

// tentative is how long a new IPv6 address can't be used, while the kernel asks
// whether somebody else has it (RFC 4862, section 5.4), and a bit.
const tentative = 2 * time.Second

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// loops checks that a datagram to each group comes back on each interface
// that would be used, and on no other.
func (s *scene) loops(ctx context.Context) []Finding {
	var all []Finding
	var each sync.WaitGroup
	var mu sync.Mutex // guards all
	for _, g := range s.groups() {
		if !g.IsMulticast() {
			continue
		}
		for _, n := range s.used(g) {
			mu.Lock()
			i := len(all)
			all = append(all, Finding{})
			mu.Unlock()
			each.Go(func() {
				f := s.loopOn(ctx, g, n)
				mu.Lock()
				defer mu.Unlock()
				all[i] = f
			})
		}
	}
	each.Wait()
	return all
}

// loopOn checks one group on one interface: first on a port that bothers
// nobody. Where that is lost, a packet filter may know discovery's port and
// drop the rest, so that one is tried too; services of this host then get one
// datagram that says nothing to them.
func (s *scene) loopOn(ctx context.Context, g netip.Addr, dev string) Finding {
	f := Finding{About: []string{g.String(), dev}}
	if i, ok := s.find(dev); ok && i.Loopback && g.Is6() {
		f.Saw = fmt.Sprintf("%s on %s is not tried: Linux carries no IPv6 multicast there", g, dev)
		return f
	}
	err := s.loop(ctx, netip.AddrPortFrom(g, 0), dev)
	for start := time.Now(); g.Is6() && errors.Is(err, syscall.EADDRNOTAVAIL) && time.Since(start) < tentative; {
		pause(ctx, 100*time.Millisecond)
		err = s.loop(ctx, netip.AddrPortFrom(g, 0), dev)
	}
	if err == nil {
		f.Saw = fmt.Sprintf("%s on %s: a datagram came back", g, dev)
		return f
	}
	barred := errors.Is(err, fs.ErrPermission) // what our own packet filter does to what leaves
	filters, all := s.filters()
	through := errors.Is(err, errLost) || barred
	for _, o := range s.Groups {
		if o.Addr.Addr() != g {
			continue
		}
		through = through && s.loop(ctx, o.Addr, dev) == nil
		f.Run = append(f.Run, filters.open(traffic{dev: dev, to: g, proto: "udp", port: o.Addr.Port(), out: barred})...)
	}
	if through {
		return Finding{About: f.About, Saw: fmt.Sprintf("%s on %s: a datagram to discovery's port came back; a packet filter drops other ports", g, dev)}
	}
	f.Severity = Failure
	f.Saw = fmt.Sprintf("%s on %s: %v", g, dev, err)
	f.Why = "services of this host find each other this way, and what drops this drops the neighbours' packets too"
	f.Do = "that lets discovery's packets through this host's packet filter until it is loaded anew; " + filters.keep(f.Run)
	if !all {
		f.Do += "\nas root, lateral doctor sees which rules there are, and names commands that fit"
	}
	if !errors.Is(err, errLost) && !barred {
		f.Run = nil
		f.Do = "see that the interface is up, has an address and can multicast: ip addr show dev " + dev
	}
	return f
}

// errLost means that nothing came back.
var errLost = errors.New("a datagram sent there did not come back")

// A wire is what the two address families have in common here.
type wire struct {
	join  func(*net.Interface, net.Addr) error
	out   func(*net.Interface) error
	loop  func(bool) error
	reach func(int) error // hops
}

// loopback joins the group on the interface, sends itself a datagram and waits
// for it. Port 0 is any that is free; another one is shared with whoever has
// it. The TTL is 0, so nothing leaves this host.
func loopback(ctx context.Context, group netip.AddrPort, dev string) error {
	ifi, err := net.InterfaceByName(dev)
	if err != nil {
		return fmt.Errorf("%s: %w", dev, err)
	}
	network, at := "udp4", group.String() // package net shares a group's port (SO_REUSEADDR), binds all addresses and joins nothing
	if group.Addr().Is6() {
		network = "udp6"
	}
	if group.Port() == 0 {
		at = ":0"
	}
	var lc net.ListenConfig
	c, err := lc.ListenPacket(ctx, network, at)
	if err != nil {
		return err
	}
	defer c.Close()
	to := &net.UDPAddr{IP: group.Addr().WithZone("").AsSlice(), Port: c.LocalAddr().(*net.UDPAddr).Port}
	var w wire
	if group.Addr().Is6() {
		p := ipv6.NewPacketConn(c)
		w = wire{p.JoinGroup, p.SetMulticastInterface, p.SetMulticastLoopback, p.SetMulticastHopLimit}
		to.Zone = dev
	} else {
		p := ipv4.NewPacketConn(c)
		w = wire{p.JoinGroup, p.SetMulticastInterface, p.SetMulticastLoopback, p.SetMulticastTTL}
	}
	if err := errors.Join(w.reach(0), w.out(ifi), w.loop(true)); err != nil {
		return fmt.Errorf("can't set the socket up: %w", err)
	}
	if err := w.join(ifi, &net.UDPAddr{IP: to.IP}); err != nil {
		return fmt.Errorf("can't join: %w", err)
	}
	return echo(ctx, c, to, loopWait)
}

// echo sends a random word and reads until it comes back.
func echo(ctx context.Context, c net.PacketConn, to *net.UDPAddr, wait time.Duration) error {
	word := []byte(rand.Text())
	now := time.Now()
	if err := errors.Join(c.SetReadDeadline(now.Add(wait)), c.SetWriteDeadline(now.Add(max(wait, loopWait)))); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { c.SetReadDeadline(time.Now()) })
	defer stop()
	if _, err := c.WriteTo(word, to); err != nil {
		return fmt.Errorf("can't send: %w", cause(err))
	}
	buf := make([]byte, len(word)+1)
	for {
		n, _, err := c.ReadFrom(buf)
		var ne net.Error
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &ne) && ne.Timeout():
			return errLost
		case err != nil:
			return err
		case bytes.Equal(buf[:n], word):
			return nil
		}
	}
}
