// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"lateral/host"
)

// A Peer is a member that the configuration names.
type Peer struct {
	Host    string // an address or a name
	Port    uint16
	At      string // where it is configured
	Service string // that looks for it
}

// dialWait is how long a peer may take to let us in: a second, as a lost first
// packet is sent again after that, and a bit.
const dialWait = 1200 * time.Millisecond

// maxDials bounds the members that are dialled: the others are counted.
const maxDials = 64

// peerNames checks where the names of configured peers lead.
func (s *scene) peerNames(ctx context.Context) []Finding {
	var all []Finding
	done := map[string]bool{}
	for _, p := range s.Peers {
		if _, err := netip.ParseAddr(p.Host); err == nil || done[p.Host] {
			continue
		}
		done[p.Host] = true
		all = append(all, s.peerName(ctx, p))
	}
	return all
}

func (s *scene) peerName(ctx context.Context, p Peer) Finding {
	f := Finding{Severity: Warning, About: []string{p.Host}}
	addrs, err := s.lookup(ctx, p.Host)
	loops := !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !a.IsLoopback() })
	switch {
	case err != nil:
		f.Saw = fmt.Sprintf("the name %s leads nowhere: %v%s", p.Host, host.LookupError(err), at(p.At))
		f.Why = "the peer of that name is never dialled; it is asked for again at each dial"
		f.Do = fmt.Sprintf("correct the name, or its DNS record, or add to %s, with its address:\n    ADDRESS %s", hostsFile, p.Host)
	case loops && p.Host != "localhost":
		f.Saw = fmt.Sprintf("the name %s leads to %s%s", p.Host, addresses(addrs), at(p.At))
		f.Why = "this host would dial itself in place of the peer"
		f.Do = fmt.Sprintf("in %s, give the name the peer's network address:\n    ADDRESS %s", hostsFile, p.Host)
	default:
		return Finding{About: f.About, Saw: fmt.Sprintf("%s leads to %s", p.Host, addresses(addrs))}
	}
	return f
}

// A door is where a member listens.
type door struct {
	addr, whose, at string
	from            netip.Addr // its packets come from there; zero if unknown
}

// reach dials every member that is heard or configured, and hangs up.
func (s *scene) reach(ctx context.Context) []Finding {
	doors := s.doors(ctx)
	more := len(doors) - maxDials
	doors = doors[:min(len(doors), maxDials)]
	all := make([]Finding, len(doors))
	var each sync.WaitGroup
	for i, d := range doors {
		each.Go(func() { all[i] = s.knock(ctx, d) })
	}
	each.Wait()
	if more > 0 {
		all = append(all, Finding{Saw: fmt.Sprintf("%d further members were not dialled", more)})
	}
	return all
}

// doors lists where to knock: members heard, and peers configured.
func (s *scene) doors(ctx context.Context) []door {
	var all []door
	add := func(d door) {
		if !slices.ContainsFunc(all, func(o door) bool { return o.addr == d.addr }) {
			all = append(all, d)
		}
	}
	select {
	case <-s.heard.done:
	case <-ctx.Done():
	}
	for _, n := range s.heard.get() {
		if n.Addr.IsValid() && n.Addr.Port() != 0 {
			add(door{addr: n.Addr.String(), whose: n.Name, from: n.HeardFrom})
		}
	}
	for _, p := range s.Peers {
		if a, err := netip.ParseAddr(p.Host); err == nil || s.leads(ctx, p.Host) {
			if err == nil {
				p.Host = a.String()
			}
			add(door{addr: net.JoinHostPort(p.Host, strconv.Itoa(int(p.Port))), whose: "the peer", at: p.At})
		}
	}
	return all
}

// leads reports whether a name leads anywhere: if not, the check of names says so.
func (s *scene) leads(ctx context.Context, name string) bool {
	addrs, err := s.lookup(ctx, name)
	return err == nil && len(addrs) > 0
}

// knock dials one member.
func (s *scene) knock(ctx context.Context, d door) Finding {
	ctx, cancel := context.WithTimeout(ctx, dialWait)
	defer cancel()
	f := Finding{About: []string{d.addr}}
	segment, err := s.dial(ctx, d.addr)
	if err == nil {
		return s.fits(ctx, d, segment)
	}
	f.Severity = Warning
	what := d.whose + " at " + d.addr
	timeout := errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, context.DeadlineExceeded)
	f.Why = "if it can't dial this host either there is no link with it, and nothing travels"
	switch {
	case errors.Is(err, syscall.ECONNREFUSED):
		f.Saw = fmt.Sprintf("%s refuses TCP: nobody listens there%s", what, at(d.at))
		f.Do = "start the service there, or correct the port; on that host: lateral doctor"
	case timeout, errors.Is(err, os.ErrPermission):
		f.Saw = fmt.Sprintf("%s does not answer TCP from this host%s", what, at(d.at))
		f.Run = s.openOut(d)
		f.Do = "on that host, let TCP in: lateral doctor there prints the command; lateral doctor --cluster, with services running, tells in which direction it fails"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		f.Saw = fmt.Sprintf("%s can't be reached: %v%s", what, cause(err), at(d.at))
		f.Do = "see that the host is up, and the route to it: ip route get " + hostOf(d.addr)
	default:
		f.Saw = fmt.Sprintf("%s: %v%s", what, cause(err), at(d.at))
		f.Do = "see that the address is right and the host is up"
	}
	if a, err := netip.ParseAddrPort(d.addr); err == nil && d.from.IsValid() && d.from != a.Addr() {
		f.Why = fmt.Sprintf("it announces that address, and its packets come from %s: who dials it dials nobody, so there is a link with it only where it has dialled", d.from)
		f.Run, f.Do = nil, "on that host: correct AdvertiseHost, or leave it out (lateral doctor there names the line), or see that the address leads there"
	}
	return f
}

// openOut lets TCP out of this host, where its own packet filter drops what leaves.
func (s *scene) openOut(d door) []string {
	fs, _ := s.filters()
	a, err := netip.ParseAddrPort(d.addr)
	if err != nil || !fs.bars("output") {
		return nil
	}
	return fs.open(traffic{to: a.Addr(), proto: "tcp", port: a.Port(), out: true})
}

// fits compares the segment that a member takes with what this host would send
// it: where they differ so do the MTUs of one network, and what is too large
// for one of its hosts or switches is lost without a word.
func (s *scene) fits(ctx context.Context, d door, segment int) Finding {
	f := Finding{About: []string{d.addr}, Saw: fmt.Sprintf("%s at %s takes TCP connections", d.whose, d.addr)}
	a, err := netip.ParseAddrPort(d.addr)
	if err != nil || segment == 0 {
		return f
	}
	rt, err := s.route(a.Addr())
	i, ok := s.find(rt.Interface)
	heads := 40
	if a.Addr().Is6() {
		heads = 60
	}
	if err != nil || !ok || i.Loopback || rt.Gateway.IsValid() {
		return f
	}
	if segment+heads >= i.MTU {
		if lost := s.onTheWay(ctx, d, a.Addr(), i.Name, i.MTU); lost != nil {
			return *lost
		}
		return f
	}
	mtu := segment + heads
	return Finding{Severity: Warning, About: f.About,
		Saw: fmt.Sprintf("%s at %s takes packets of %d bytes, and %s here sends up to %d (MTU)", d.whose, d.addr, mtu, i.Name, i.MTU),
		Why: "hosts of one network must agree: what is larger than a host or switch on the way takes is lost without a word, so that links come up and then stall",
		Run: []string{fmt.Sprintf("ip link set dev %s mtu %d", i.Name, mtu)}, Do: s.keepMTU(i.Name, mtu) + "\nor give all hosts and switches of this network the larger MTU"}
}

// cause is the innermost error: what the kernel said.
func cause(err error) error {
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err
		}
		err = inner
	}
}

func hostOf(addr string) string {
	h, _, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	return strings.Trim(h, "[]")
}
