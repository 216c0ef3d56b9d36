// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"lateral/host"
)

// whyLost is what comes of it, whoever finds it.
const whyLost = "a switch or tunnel on the way loses what is larger without a word: links come up, and end after LinkTimeout whenever much is to be said"

// onTheWay finds what lies between this host and a member of its network, such
// as a switch, and loses packets of the size that both have: their MTUs agree,
// connections are made, and a link ends as soon as much is to be said. It needs
// echoes, which firewalls may keep back: where no small one returns, it says nothing.
func (s *scene) onTheWay(ctx context.Context, d door, to netip.Addr, dev string, mtu int) *Finding {
	if s.echoes == nil || !to.Is4() || mtu <= 576 {
		return nil
	}
	ask := []int{mtu}
	for _, n := range host.PacketSizes {
		if n < mtu {
			ask = append(ask, n)
		}
	}
	answered, err := s.echoes(ctx, to, ask)
	if err != nil || len(answered) == 0 || slices.Contains(answered, mtu) {
		return nil
	}
	fit := slices.Max(answered)
	return &Finding{Severity: Warning, About: []string{d.addr},
		Saw: fmt.Sprintf("%s at %s answers packets of %d bytes (ICMP echo) and none of %d, the MTU of %s here", d.whose, d.addr, fit, mtu, dev),
		Why: whyLost + " (or a firewall keeps large echoes back)",
		Run: []string{fmt.Sprintf("ip link set dev %s mtu %d", dev, fit)}, Do: s.keepMTU(dev, fit) + "\non all hosts of this network; or give the switch the larger MTU"}
}
