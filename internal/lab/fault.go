// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
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
	if err := errors.Join(h.space.doErr(h.up), h.settle()); err != nil {
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
	if err := h.settle(); err != nil {
		h.lab.t.Fatalf("%s: cable in: %v", h.Name, err)
	}
}

// SwitchMTU has the switch port of h lose frames of larger packets, in bytes,
// either way and without a word, as one does that was never told of the MTU
// that its hosts have. What the kernel hands on in one piece, to be cut up by
// a network card, passes (is_skb_forwardable).
func (h *Host) SwitchMTU(bytes int) {
	h.lab.t.Helper()
	h.link("MTU of the switch", h.lab.bridge, h.port(), func(l netlink.Link) error { return netlink.LinkSetMTU(l, bytes) })
}

// normalMTU is that of Ethernet, which the lab has.
const normalMTU = 1500

// settleWithin is ample: the kernel takes news of a carrier up to a second.
const settleWithin = 5 * time.Second

// settle waits until what was put up is up. The kernel is done with that later
// than with the call: till then the bridge drops packets, and IPv6 addresses
// are tentative. A link or cable that is down is left as it is.
func (h *Host) settle() error {
	var state string
	var err error
	for start := time.Now(); time.Since(start) < settleWithin; time.Sleep(time.Millisecond) {
		var here, there bool
		errThere := h.lab.bridge.doErr(func() (err error) {
			there, state, err = linkState(h.port())
			return err
		})
		errHere := h.space.doErr(func() (err error) {
			var s string
			here, s, err = linkState("eth0")
			state += s
			return err
		})
		err = errors.Join(errHere, errThere)
		if err != nil || state == "" || !here || !there {
			return err
		}
	}
	return fmt.Errorf("after %v %s", settleWithin, state)
}

// linkState says whether an interface is set up, and what keeps it from
// working if so.
func linkState(name string) (up bool, missing string, err error) {
	l, err := netlink.LinkByName(name)
	if err != nil {
		return false, "", err
	}
	if l.Attrs().OperState != netlink.OperUp {
		missing = fmt.Sprintf("%s is %s; ", name, l.Attrs().OperState)
	}
	as, err := netlink.AddrList(l, netlink.FAMILY_V6)
	for _, a := range as {
		if a.Flags&unix.IFA_F_TENTATIVE != 0 {
			missing += fmt.Sprintf("%s is tentative; ", a.IP)
		}
	}
	return l.Attrs().Flags&net.FlagUp != 0, missing, err
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

// A verdict is what a firewall does with the packets of another host, in the
// words of nft and of iptables: match and target.
type verdict struct {
	nft       string
	match, to []string
}

var dropAll = verdict{nft: "drop", to: []string{"DROP"}}

// reset answers each segment as if the connection were not known any more.
var reset = verdict{nft: "meta l4proto tcp reject with tcp reset", match: []string{"-p", "tcp"}, to: []string{"REJECT", "--reject-with", "tcp-reset"}}

func lose(percent int) verdict {
	return verdict{nft: fmt.Sprintf("numgen random mod 100 < %d drop", percent), to: []string{"DROP"},
		match: []string{"-m", "statistic", "--mode", "random", "--probability", fmt.Sprintf("0.%02d", percent)}}
}

// judge has h treat so the IP packets of another host, whatever their source
// address: link-local ones too. Neighbour discovery, which is ICMPv6, passes.
func (h *Host) judge(from *Host, v verdict) error {
	h.rules = true
	if h.firewall() == "nft" {
		_, err := h.run(strings.NewReader(fmt.Sprintf(`
			add table inet lateral
			add chain inet lateral input { type filter hook input priority -300; }
			add rule inet lateral input ether saddr %s meta l4proto != ipv6-icmp %s
			`, from.MAC, v.nft)), h.lab.tool("nft", "nftables"), "-f", "-")
		return err
	}
	args := slices.Concat([]string{"-w", "-A", "INPUT", "-m", "mac", "--mac-source", from.MAC.String()}, v.match)
	_, err4 := h.run(nil, h.lab.tool("iptables", "iptables"), slices.Concat(args, []string{"-j"}, v.to)...)
	if len(v.match) == 0 || v.match[0] != "-p" {
		args = append(args, "!", "-p", "ipv6-icmp")
	}
	_, err6 := h.run(nil, h.lab.tool("ip6tables", "iptables"), slices.Concat(args, []string{"-j"}, v.to)...)
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
		Missing(h.lab.t, "netem", "needs netem in the kernel (sch_netem): "+strings.TrimSpace(out))
	}
	if err != nil {
		h.lab.t.Fatal(err)
	}
}

// unwire takes a bad cable away.
func (h *Host) unwire() error {
	x := h.wire
	if h.wire = nil; x == nil {
		return nil
	}
	return x.close()
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
	errs = append(errs, h.lab.bridge.doErr(h.unwire),
		h.lab.bridge.doErr(func() error { return setLink(h.port(), netlink.LinkSetUp) }),
		h.lab.bridge.doErr(func() error {
			return setLink(h.port(), func(l netlink.Link) error { return netlink.LinkSetMTU(l, normalMTU) })
		}),
		h.space.doErr(h.up),
		h.settle())
	return errors.Join(errs...)
}
