// SPDX-License-Identifier: Apache-2.0

package beacon

import (
	"errors"
	"log/slog"
	"net/netip"
)

// A Source says where a packet came from.
type Source struct {
	// Addr is the sender's address and (ephemeral) port. A link-local IPv6
	// address carries its zone.
	Addr netip.AddrPort
	// Interface is the name of the one it arrived on, "lo" for what a
	// service of this host sent on loopback.
	Interface string
	// Loopback is true if that interface is a loopback: only then is a
	// loopback address in Addr, or in what the packet says, to be believed.
	Loopback bool
}

// A Conn carries datagrams to and from one group. Its methods may be called by
// several goroutines at once. Beacon is the real one; internal/memnet has the
// twin in memory.
type Conn interface {
	// Read waits for the next packet and copies it to buf. A packet longer
	// than buf is cut, as UDP does. Our own packets are heard too. After
	// Close the error is net.ErrClosed; on any other error the caller
	// pauses before it reads again.
	Read(buf []byte) (n int, from Source, err error)
	// Send sends p once on every chosen interface that is usable. One that
	// fails does not stop the others; the error names each that did, and is
	// ErrNoInterface if there was none to send on. p is not kept.
	Send(p []byte) error
	// Status tells how each chosen interface is doing, sorted by name.
	Status() []InterfaceStatus
	// Close ends every Read. Closing twice is no error.
	Close() error
}

// ErrNoInterface is wrapped by the error of a Send that found no interface
// ready; the message says why for each.
var ErrNoInterface = errors.New("no interface to send on")

// InterfaceStatus is how one chosen interface is doing.
type InterfaceStatus struct {
	Interface string
	Index     int        // 0 while there is no such interface
	Loopback  bool       // packets stay on this host
	Addr      netip.Addr // source of what is sent on it; invalid while it can't send
	Joined    bool       // a member of the group on it
	MTU       int        // bytes that a packet on it may have; 0 is not known
	// Reason is why it was chosen in place of another, or what keeps it from
	// sending or hearing; "" if all is well.
	Reason string

	Sent    uint64 // packets
	Failed  uint64 // packets that could not be sent
	Heard   uint64 // packets
	Dropped uint64 // packets that were not believed: a loopback source that did not come from loopback
}

// Ready reports whether the interface sends and hears.
func (s InterfaceStatus) Ready() bool { return s.Joined && s.Addr.IsValid() }

// Config says which datagrams to carry, and where.
type Config struct {
	// Group is the multicast address and UDP port, e.g. 224.0.0.1:6780
	// (JCS: UdpDiscoveryAddr, UdpDiscoveryPort).
	Group netip.AddrPort
	// Interfaces are names, or "*" for all that are up and can do multicast
	// (loopback only if there is no other). Empty: where RouteTo points.
	Interfaces []string
	// Source, if valid, is the sender's address in place of the interface's
	// own, e.g. 127.77.0.2 on lo. It is not used where it would be loopback
	// on another kind of interface, or the reverse: nothing is sent there.
	Source netip.Addr
	// TTL is how many routers plus one a packet may pass; 0 means 1.
	TTL int
	// RouteTo names the interface of the kernel's route to the group. It is
	// asked once a second, and only if Interfaces is empty.
	RouteTo func(group netip.Addr) (ifname string, err error)
	// Log is told of changes of state; nil means slog.Default().
	Log *slog.Logger
}
