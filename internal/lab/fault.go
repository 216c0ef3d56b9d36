// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"errors"
	"fmt"
	"os/exec"
	"strings"

	"github.com/vishvananda/netlink"
)

// LinkDown is "ip link set eth0 down": the routes and the IPv6 addresses of
// eth0 are gone with it.
func (h *Host) LinkDown() {
	h.lab.t.Helper()
	h.link("eth0 down", h.space, "eth0", netlink.LinkSetDown)
}

// LinkUp is what ifup does: link, addresses and the multicast route are back.
func (h *Host) LinkUp() {
	h.lab.t.Helper()
	if err := h.space.doErr(h.up); err != nil {
		h.lab.t.Fatalf("%s: eth0 up: %v", h.Name, err)
	}
}

// CableOut pulls the cable: eth0 stays up and keeps its routes, but has no
// carrier.
func (h *Host) CableOut() {
	h.lab.t.Helper()
	h.link("cable out", h.lab.bridge, h.port(), netlink.LinkSetDown)
}

// CableIn puts it back.
func (h *Host) CableIn() {
	h.lab.t.Helper()
	h.link("cable in", h.lab.bridge, h.port(), netlink.LinkSetUp)
}

func (h *Host) link(what string, in *space, name string, f func(netlink.Link) error) {
	h.lab.t.Helper()
	if err := in.doErr(func() error { return setLink(name, f) }); err != nil {
		h.lab.t.Fatalf("%s: %s: %v", h.Name, what, err)
	}
}

func setLink(name string, f func(netlink.Link) error) error {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return err
	}
	return f(l)
}

// drop has h drop the IP packets of another host, whatever their source
// address: link-local ones too. Neighbour discovery is ICMPv6.
func (h *Host) drop(from *Host) error {
	h.rules = true
	if h.firewall() == "nft" {
		_, err := h.run(strings.NewReader(fmt.Sprintf(`
			add table inet lateral
			add chain inet lateral input { type filter hook input priority -300; }
			add rule inet lateral input ether saddr %s meta l4proto != ipv6-icmp drop
			`, from.MAC)), h.lab.tool("nft", "nftables"), "-f", "-")
		return err
	}
	mac := []string{"-w", "-A", "INPUT", "-m", "mac", "--mac-source", from.MAC.String()}
	_, err4 := h.run(nil, h.lab.tool("iptables", "iptables"), append(mac, "-j", "DROP")...)
	_, err6 := h.run(nil, h.lab.tool("ip6tables", "iptables"), append(mac, "!", "-p", "ipv6-icmp", "-j", "DROP")...)
	return errors.Join(err4, err6)
}

func (h *Host) firewall() string {
	if h.lab.opts.Firewall != "" {
		return h.lab.opts.Firewall
	}
	if _, err := exec.LookPath("nft"); err == nil {
		return "nft"
	}
	return "iptables"
}

// Netem has eth0 delay, lose or reorder what the host sends: the arguments are
// those of "tc qdisc … netem", e.g. "delay", "50ms". Without netem in the
// kernel the test is skipped, or fails if LATERAL_REQUIRE contains "netem".
func (h *Host) Netem(args ...string) {
	h.lab.t.Helper()
	tc := h.lab.tool("tc", "iproute2")
	h.netem = true
	out, err := h.run(nil, tc, append([]string{"qdisc", "replace", "dev", "eth0", "root", "netem"}, args...)...)
	if strings.Contains(out, "qdisc kind is unknown") {
		h.netem = false
		missing(h.lab.t, "netem", "needs netem in the kernel (sch_netem): "+strings.TrimSpace(out))
	}
	if err != nil {
		h.lab.t.Fatal(err)
	}
}

// heal makes the host as it was built.
func (h *Host) heal() error {
	var errs []error
	if h.rules {
		if h.firewall() == "nft" {
			_, err := h.run(nil, "nft", "delete", "table", "inet", "lateral")
			errs = append(errs, err)
		} else {
			_, err4 := h.run(nil, "iptables", "-w", "-F", "INPUT")
			_, err6 := h.run(nil, "ip6tables", "-w", "-F", "INPUT")
			errs = append(errs, err4, err6)
		}
		h.rules = false
	}
	if h.netem {
		_, err := h.run(nil, "tc", "qdisc", "del", "dev", "eth0", "root")
		errs = append(errs, err)
		h.netem = false
	}
	errs = append(errs,
		h.lab.bridge.doErr(func() error { return setLink(h.port(), netlink.LinkSetUp) }),
		h.space.doErr(h.up))
	return errors.Join(errs...)
}
