// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"time"

	"lateral/beacon"
	"lateral/ccf"
	"lateral/host"
)

// Version of this build, and the commit it is of with its date; the linker sets
// them in packages (go run ./packaging).
var (
	Version = "0.1.0-dev"
	Commit  = ""
)

// Config is what a node is opened from.
type Config struct {
	Service string   // name of this process in the cluster: groupware, admindaemon, …; "" is "lateral"
	Host    string   // name of this machine in the cluster; "" is the hostname
	Files   []string // cache.ccf files, the one with jcs.default first

	CCF     *ccf.Config  // in place of Files: what was read already
	Network Network      // "" is the machine's own
	Logger  *slog.Logger // nil is slog.Default()
	// Now is the wall clock, by which writes are stamped and elements expire;
	// nil is time.Now. Tests have clocks that are off.
	Now func() time.Time
}

// A Network is where a node's sockets come from. The machine's own is the
// default; tests use one in memory.
type Network interface {
	// Listen opens a TCP listener on host:port; host "" is every address.
	Listen(host string, port int) (net.Listener, error)
	// Dial connects to "host:port", resolving names anew each time.
	Dial(ctx context.Context, addr string) (net.Conn, error)
	// Multicast opens a discovery group. run, if not nil, is to be run for as
	// long as the group is used.
	Multicast(c beacon.Config) (conn beacon.Conn, run func(context.Context) error, err error)
}

// machine is the Network of this machine.
type machine struct{}

func (machine) Listen(h string, port int) (net.Listener, error) {
	ln, err := net.Listen("tcp", net.JoinHostPort(h, strconv.Itoa(port)))
	if err != nil {
		return nil, err
	}
	return doorway{ln}, nil
}

func (machine) Dial(ctx context.Context, addr string) (net.Conn, error) {
	// Liveness is ours: heartbeats notice in seconds what keep-alive does in minutes.
	d := net.Dialer{KeepAlive: -1}
	return d.DialContext(ctx, "tcp", addr)
}

func (machine) Multicast(c beacon.Config) (beacon.Conn, func(context.Context) error, error) {
	c.RouteTo = func(group netip.Addr) (string, error) {
		r, err := host.RouteTo(group)
		return r.Interface, err
	}
	b, err := beacon.Open(c)
	if err != nil {
		return nil, nil, err
	}
	return b, b.Run, nil
}

// portError explains a listener that could not be opened: the port, where it
// is configured, and who has it.
func portError(l *ccf.Lateral, err error) error {
	addr := netip.IPv4Unspecified()
	if a, perr := netip.ParseAddr(l.TcpListenerHost); perr == nil {
		addr = a
	}
	owner := ""
	if p, oerr := host.OwnerOf("tcp", addr, uint16(l.TcpListenerPort)); oerr == nil {
		owner = fmt.Sprintf("; it is held by pid %d (%s)", p.PID, p.Name)
	}
	return fmt.Errorf("%s: TcpListenerPort %d cannot be opened: %w%s: peers could not reach this node; stop the other process or give one of the two another port",
		l.Where["TcpListenerPort"], l.TcpListenerPort, err, owner)
}
