// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// A Host is a network namespace with an eth0 on the bridge of its lab.
type Host struct {
	Name  string
	Addr  netip.Addr       // 10.77.0.N
	Addr6 netip.Addr       // fd77::N
	MAC   net.HardwareAddr // of eth0
	Dir   string           // a place for files of this host; its processes start there

	lab      *Lab
	space    *space
	n        int
	rules    bool // there are firewall rules
	netem    bool
	wire     *wire      // a bad cable, if any
	procsMu  sync.Mutex // guards procs: tests start processes at the same instant
	procs    []*Proc
	captures []*Capture
}

// build gives the host its name and its network.
func (h *Host) build() error {
	ns, err := os.Open(h.space.path("net"))
	if err != nil {
		return err
	}
	defer ns.Close()
	if err := h.space.doErr(h.furnish); err != nil {
		return err
	}
	if err := h.lab.bridge.doErr(func() error { return h.plug(int(ns.Fd())) }); err != nil {
		return fmt.Errorf("veth: %w", err)
	}
	err = h.space.doErr(func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return errors.Join(netlink.LinkSetUp(lo), h.up())
	})
	return errors.Join(err, h.settle())
}

// furnish sets what a process sees of the host besides its network.
func (h *Host) furnish() error {
	if err := unix.Sethostname([]byte(h.Name)); err != nil {
		return fmt.Errorf("hostname: %w", err)
	}
	if err := unix.Mount(h.lab.dir+"/hosts", "/etc/hosts", "", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("bind /etc/hosts: %w", err)
	}
	// /sys/class/net shows the network it was mounted in. Some containers
	// forbid it, and few programs look there.
	_ = unix.Mount("none", "/sys", "sysfs", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	// Duplicate detection keeps addresses back for over a second.
	for _, k := range []string{"all", "default"} {
		if err := os.WriteFile("/proc/sys/net/ipv6/conf/"+k+"/accept_dad", []byte("0"), 0); err != nil {
			return err
		}
	}
	return nil
}

// plug makes the cable, in the namespace of the bridge.
func (h *Host) plug(ns int) error {
	br, err := netlink.LinkByName("br0")
	if err != nil {
		return err
	}
	v := &netlink.Veth{
		LinkAttrs:        netlink.LinkAttrs{Name: h.port(), MasterIndex: br.Attrs().Index},
		PeerName:         "eth0",
		PeerHardwareAddr: h.MAC,
		PeerNamespace:    netlink.NsFd(ns),
	}
	if err := netlink.LinkAdd(v); err != nil {
		return err
	}
	_ = os.WriteFile("/proc/sys/net/ipv6/conf/"+h.port()+"/disable_ipv6", []byte("1"), 0)
	return netlink.LinkSetUp(v)
}

func (h *Host) port() string { return fmt.Sprintf("port%d", h.n) }

// up is what ifup does: link, addresses, and the post-up route of the page.
func (h *Host) up() error {
	eth0, err := netlink.LinkByName("eth0")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(eth0); err != nil {
		return err
	}
	for _, p := range []netip.Prefix{netip.PrefixFrom(h.Addr, 24), netip.PrefixFrom(h.Addr6, 64)} {
		a := &netlink.Addr{IPNet: ipNet(p)}
		if err := netlink.AddrReplace(eth0, a); err != nil {
			return fmt.Errorf("address %s: %w", p, err)
		}
	}
	if h.lab.opts.NoRoute {
		return nil
	}
	return netlink.RouteReplace(route(eth0, h.lab.opts.Route))
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}

func route(dev netlink.Link, p netip.Prefix) *netlink.Route {
	return &netlink.Route{LinkIndex: dev.Attrs().Index, Dst: ipNet(p), Scope: netlink.SCOPE_LINK}
}

// AddRoute adds a route through eth0.
func (h *Host) AddRoute(p netip.Prefix) { h.lab.t.Helper(); h.route("add", p, netlink.RouteReplace) }

// DropRoute removes it.
func (h *Host) DropRoute(p netip.Prefix) { h.lab.t.Helper(); h.route("drop", p, netlink.RouteDel) }

func (h *Host) route(what string, p netip.Prefix, f func(*netlink.Route) error) {
	h.lab.t.Helper()
	err := h.space.doErr(func() error {
		eth0, err := netlink.LinkByName("eth0")
		if err != nil {
			return err
		}
		return f(route(eth0, p))
	})
	if err != nil {
		h.lab.t.Fatalf("%s: %s route %s dev eth0: %v", h.Name, what, p, err)
	}
}

// Do runs f in the host: sockets that f opens itself, not in a goroutine, are
// the host's for good, wherever they are used afterwards. f must not call
// methods of the same host, nor end the goroutine (t.Fatal).
func (h *Host) Do(f func()) { h.space.do(f) }

// Command returns a command that will run in the host when it is started, in
// Dir unless that is changed. Its pid is first that of nsenter, which becomes
// the program; Start has no such moment.
func (h *Host) Command(name string, args ...string) *exec.Cmd {
	h.lab.t.Helper()
	enter := h.lab.tool("nsenter", "util-linux")
	cmd := exec.Command(enter, append([]string{
		"--net=" + h.space.path("net"), "--uts=" + h.space.path("uts"), "--mount=" + h.space.path("mnt"),
		"--wd=.", "--", name}, args...)...) // entering mounts would change to the root
	cmd.Dir = h.Dir
	return cmd
}

// Run runs a program in the host to its end and returns what it printed. A
// failure fails the test; where the machine has no such program it is skipped,
// like all that the lab needs.
func (h *Host) Run(name string, args ...string) string {
	h.lab.t.Helper()
	out, err := h.run(nil, h.lab.tool(name, name), args...)
	if err != nil {
		h.lab.t.Fatal(err)
	}
	return out
}

func (h *Host) run(stdin *strings.Reader, name string, args ...string) (string, error) {
	cmd := exec.Command(name, args...)
	cmd.Dir = h.Dir
	var out strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &out
	if stdin != nil {
		cmd.Stdin = stdin
	}
	err := h.space.doErr(cmd.Start)
	if err == nil {
		err = cmd.Wait()
	}
	if err != nil {
		return out.String(), fmt.Errorf("%s: %s %s: %w\n%s", h.Name, name, strings.Join(args, " "), err, out.String())
	}
	return out.String(), nil
}
