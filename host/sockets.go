// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io"
	"net/netip"
	"strconv"
	"strings"
)

// A State is the state of a socket, by the kernel's numbers (net/tcp_states.h).
type State uint8

// The states that matter here; the others print by number.
const (
	Established State = 1  // also a UDP socket with a fixed peer
	TimeWait    State = 6  // nobody owns it any more
	Unconnected State = 7  // a UDP socket that hears anyone
	Listen      State = 10 // TCP only
)

// String returns the name that netstat gives the state.
func (s State) String() string {
	switch s {
	case Established:
		return "ESTABLISHED"
	case TimeWait:
		return "TIME_WAIT"
	case Unconnected:
		return "UNCONN"
	case Listen:
		return "LISTEN"
	}
	return "state " + strconv.Itoa(int(s))
}

// A Socket is one row of /proc/net/{tcp,tcp6,udp,udp6}. IPv4 addresses that an
// IPv6 socket carries are unmapped, so both ends of a link compare equal.
type Socket struct {
	Proto  string         `json:"proto"` // tcp, tcp6, udp, udp6
	Local  netip.AddrPort `json:"local"`
	Remote netip.AddrPort `json:"remote"`
	State  State          `json:"state"`
	UID    int            `json:"uid"`   // the user it belongs to
	Inode  uint64         `json:"inode"` // what /proc/PID/fd calls it; 0: no process has it
}

// tables are the four files, by the name of the protocol.
var tables = []string{"tcp", "tcp6", "udp", "udp6"}

// ParseSockets reads one of the tables; proto is its name.
func ParseSockets(r io.Reader, proto string) ([]Socket, error) {
	var all []Socket
	err := eachLine(r, func(n int, line string) error {
		f := strings.Fields(line)
		if n == 1 && len(f) > 0 && f[0] == "sl" || len(f) == 0 {
			return nil
		}
		if len(f) < 10 {
			return fmt.Errorf("%d columns, a socket has at least 10", len(f))
		}
		s, err := socket(f)
		if err == nil {
			s.Proto = proto
			all = append(all, s)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("host: %s sockets: %w", proto, err)
	}
	return all, nil
}

// socket reads sl local remote state queues timer retransmits uid timeout inode …
func socket(f []string) (Socket, error) {
	local, err1 := addrPort(f[1])
	remote, err2 := addrPort(f[2])
	state, err3 := strconv.ParseUint(f[3], 16, 8)
	uid, err4 := strconv.ParseUint(f[7], 10, 32)
	inode, err5 := strconv.ParseUint(f[9], 10, 64)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return Socket{}, err
	}
	return Socket{Local: local, Remote: remote, State: State(state), UID: int(uid), Inode: inode}, nil
}

// addrPort reads "0100007F:1F90". The port is in the order people write it.
func addrPort(s string) (netip.AddrPort, error) {
	a, p, ok := strings.Cut(s, ":")
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("address %q has no port", s)
	}
	addr, err := wordsAddr(a)
	if err != nil {
		return netip.AddrPort{}, err
	}
	port, err := strconv.ParseUint(p, 16, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("port %q: %w", p, err)
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), nil
}

// Sockets returns the sockets of this network namespace, of all four tables.
func Sockets() ([]Socket, error) {
	p, err := system()
	if err != nil {
		return nil, fmt.Errorf("host: sockets: %w", err)
	}
	return p.sockets("net")
}

// sockets reads the tables in the given directory, net or PID/net.
func (p procfs) sockets(dir string) ([]Socket, error) {
	var all []Socket
	for _, t := range tables {
		some, err := parseFile(p.path(dir, t), func(r io.Reader) ([]Socket, error) { return ParseSockets(r, t) })
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	return all, nil
}

// Listeners returns the sockets that wait for anyone: TCP ones that listen and
// UDP ones without a fixed peer.
func Listeners() ([]Socket, error) {
	all, err := Sockets()
	if err != nil {
		return nil, err
	}
	var some []Socket
	for _, s := range all {
		if s.waits() {
			some = append(some, s)
		}
	}
	return some, nil
}

// waits reports whether s waits for anyone.
func (s Socket) waits() bool {
	return s.State == Listen || s.State == Unconnected && strings.HasPrefix(s.Proto, "udp")
}

// clashes reports whether s holds what a new socket of the family of protocols
// (tcp, udp) would want: the port, on the same address or where either of the
// two addresses means all.
func (s Socket) clashes(family string, addr netip.Addr, port uint16) bool {
	if !strings.HasPrefix(s.Proto, family) || s.Local.Port() != port {
		return false
	}
	if family == "tcp" && s.State != Listen {
		return false // connections keep no listener from starting: Go sets SO_REUSEADDR
	}
	addr = addr.Unmap().WithZone("")
	here := s.Local.Addr()
	return !addr.IsValid() || addr.IsUnspecified() || here.IsUnspecified() || here == addr
}
