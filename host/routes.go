// SPDX-License-Identifier: Apache-2.0

package host

import (
	"errors"
	"fmt"
	"io"
	"math/bits"
	"net/netip"
	"strconv"
	"strings"
)

// ErrNoRoute is returned by RouteTo when the kernel would refuse to send:
// there is no matching route, or one that forbids.
var ErrNoRoute = errors.New("no route")

// A Route is one row of the kernel's routing tables.
type Route struct {
	Prefix    netip.Prefix `json:"prefix"`              // 0.0.0.0/0 and ::/0 are the default route
	Interface string       `json:"interface"`           // "" where nothing leaves: a reject route
	Index     int          `json:"index,omitempty"`     // of the interface; RouteTo only
	Gateway   netip.Addr   `json:"gateway,omitzero"`    // zero: on-link
	Source    netip.Addr   `json:"source,omitzero"`     // what packets carry; RouteTo only
	Metric    int          `json:"metric"`              // smaller wins among equal prefixes
	Reject    bool         `json:"reject,omitempty"`    // unreachable, prohibit or blackhole
	Local     bool         `json:"local,omitempty"`     // the address is this machine's own
	LinkDown  bool         `json:"link_down,omitempty"` // its interface has no carrier; RouteTo only
}

// String prints the route as ip route does: "224.0.0.0/8 dev eth0".
func (r Route) String() string {
	var b strings.Builder
	switch {
	case r.Reject:
		b.WriteString("unreachable ")
	case r.Local:
		b.WriteString("local ")
	}
	if r.Prefix.Bits() == 0 {
		b.WriteString("default")
	} else {
		b.WriteString(r.Prefix.String())
	}
	if r.Gateway.IsValid() {
		b.WriteString(" via " + r.Gateway.String())
	}
	if r.Interface != "" {
		b.WriteString(" dev " + r.Interface)
	}
	return b.String()
}

// Classic prints an IPv4 route as a row of route -n, as operators know it:
//
//	224.0.0.0       0.0.0.0         255.0.0.0       U     0      0        0 eth0
//
// An IPv6 route has no such row and prints as String does.
func (r Route) Classic() string {
	if !r.Prefix.Addr().Is4() {
		return r.String()
	}
	gw, flags := "0.0.0.0", "U"
	if r.Gateway.IsValid() {
		gw, flags = r.Gateway.String(), "UG"
	}
	if r.Prefix.Bits() == 32 {
		flags += "H"
	}
	dev, refs := r.Interface, "0"
	if r.Reject {
		gw, flags, dev, refs = "-", "!"+strings.TrimPrefix(flags, "U"), "-", "-"
	}
	m := ^uint32(0) << (32 - r.Prefix.Bits())
	mask := fmt.Sprintf("%d.%d.%d.%d", m>>24, m>>16&0xff, m>>8&0xff, m&0xff)
	return fmt.Sprintf("%-15s %-15s %-15s %-5s %-6d %-2s %7d %s", r.Prefix.Addr(), gw, mask, flags, r.Metric, refs, 0, dev)
}

// The multicast ranges (RFC 5771, RFC 4291 section 2.7).
var (
	multicast4 = netip.MustParsePrefix("224.0.0.0/4")
	multicast6 = netip.MustParsePrefix("ff00::/8")
)

// ForMulticast reports whether the route can match a multicast group: it
// covers some of the range, as the default route does, or lies within it.
func (r Route) ForMulticast() bool {
	return r.Prefix.Overlaps(multicast4) || r.Prefix.Overlaps(multicast6)
}

// Flags of a row (linux/route.h).
const (
	rtfUp      = 0x0001
	rtfGateway = 0x0002
	rtfReject  = 0x0200
	rtfLocal   = 0x80000000
)

// ParseRoutes reads /proc/net/route: IPv4, the main table.
func ParseRoutes(r io.Reader) ([]Route, error) {
	var all []Route
	err := eachLine(r, func(n int, line string) error {
		f := strings.Fields(line)
		if n == 1 && len(f) > 0 && f[0] == "Iface" || len(f) == 0 {
			return nil
		}
		if len(f) < 8 {
			return fmt.Errorf("%d columns, a route has at least 8", len(f))
		}
		rt, err := route4(f)
		if err == nil {
			all = append(all, rt)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("host: IPv4 routes: %w", err)
	}
	return all, nil
}

// route4 reads Iface Destination Gateway Flags RefCnt Use Metric Mask …
func route4(f []string) (Route, error) {
	dst, err1 := wordsAddr(f[1])
	gw, err2 := wordsAddr(f[2])
	flags, err3 := strconv.ParseUint(f[3], 16, 32)
	metric, err4 := strconv.Atoi(f[6])
	mask, err5 := wordsAddr(f[7])
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return Route{}, err
	}
	if !dst.Is4() || !gw.Is4() || !mask.Is4() {
		return Route{}, errors.New("an IPv4 route with an IPv6 address")
	}
	b := mask.As4()
	m := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
	ones := bits.LeadingZeros32(^m)
	if m != uint32(uint64(0xffffffff)<<(32-ones)) {
		return Route{}, fmt.Errorf("mask %s has holes", mask)
	}
	rt := Route{Prefix: netip.PrefixFrom(dst, ones), Interface: f[0], Metric: metric, Reject: flags&rtfReject != 0}
	if flags&rtfGateway != 0 {
		rt.Gateway = gw
	}
	if rt.Reject {
		rt.Interface = ""
	}
	return rt, nil
}

// ParseRoutes6 reads /proc/net/ipv6_route: all tables, so that the kernel's
// own ff00::/8 per interface is among them.
func ParseRoutes6(r io.Reader) ([]Route, error) {
	var all []Route
	err := eachLine(r, func(_ int, line string) error {
		f := strings.Fields(line)
		if len(f) == 0 {
			return nil
		}
		if len(f) < 10 {
			return fmt.Errorf("%d columns, an IPv6 route has 10", len(f))
		}
		rt, err := route6(f)
		if err == nil {
			all = append(all, rt)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("host: IPv6 routes: %w", err)
	}
	return all, nil
}

// route6 reads destination length source length gateway metric refs use flags iface.
func route6(f []string) (Route, error) {
	dst, err1 := plainAddr(f[0])
	ones, err2 := strconv.ParseUint(f[1], 16, 8)
	gw, err3 := plainAddr(f[4])
	metric, err4 := strconv.ParseUint(f[5], 16, 32)
	flags, err5 := strconv.ParseUint(f[8], 16, 32)
	if err := errors.Join(err1, err2, err3, err4, err5); err != nil {
		return Route{}, err
	}
	p := netip.PrefixFrom(dst, int(ones))
	if !p.IsValid() {
		return Route{}, fmt.Errorf("prefix length %d is over 128", ones)
	}
	rt := Route{Prefix: p, Interface: f[9], Metric: int(metric), Reject: flags&rtfReject != 0, Local: flags&rtfLocal != 0}
	if flags&rtfGateway != 0 {
		rt.Gateway = gw
	}
	if rt.Reject {
		rt.Interface = ""
	}
	return rt, nil
}

// Routes returns the routes that can match a multicast group, IPv4 first: what
// route -n shows, without the rows that cannot matter.
func Routes() ([]Route, error) {
	p, err := system()
	if err != nil {
		return nil, fmt.Errorf("host: routes: %w", err)
	}
	all, err := parseFile(p.path("net/route"), ParseRoutes)
	if err != nil {
		return nil, err
	}
	six, err := parseFile(p.path("net/ipv6_route"), ParseRoutes6)
	if err != nil {
		return nil, err
	}
	var rel []Route
	for _, r := range append(all, six...) {
		// The kernel ends its IPv6 table with an unreachable default on lo,
		// there on every machine: it tells nobody anything.
		if r.ForMulticast() && !(r.Reject && r.Prefix.Addr().Is6() && r.Prefix.Bits() == 0) {
			rel = append(rel, r)
		}
	}
	return rel, nil
}
