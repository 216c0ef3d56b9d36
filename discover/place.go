// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"cmp"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// maxPlaces bounds the addresses kept of one member: a host with more
// interfaces in one discovery group than this is rare.
const maxPlaces = 8

// maxAddr bounds the length of "host:port".
const maxAddr = maxHost + 8

// A place is an address at which a member can be dialled.
type place struct {
	addr     string // host:port
	heard    time.Time
	loopback bool
}

// putPlace adds or refreshes one; changed if it was not there. The one that
// was heard least recently makes room.
func putPlace(list []place, addr string, now time.Time) (_ []place, changed bool) {
	if i := slices.IndexFunc(list, func(p place) bool { return p.addr == addr }); i >= 0 {
		if now.After(list[i].heard) {
			list[i].heard = now
		}
		return list, false
	}
	if len(list) >= maxPlaces {
		i := 0
		for j, p := range list {
			if p.heard.Before(list[i].heard) {
				i = j
			}
		}
		list = slices.Delete(list, i, i+1)
	}
	return append(list, place{addr: addr, heard: now, loopback: isLoopback(addr)}), true
}

// agePlaces drops those that fell silent long before the newest did.
func agePlaces(list []place, timeout time.Duration) (_ []place, changed bool) {
	var newest time.Time
	for _, p := range list {
		if p.heard.After(newest) {
			newest = p.heard
		}
	}
	n := len(list)
	list = slices.DeleteFunc(list, func(p place) bool { return newest.Sub(p.heard) >= timeout })
	return list, len(list) != n
}

// order sorts addresses by promise: those that work from other hosts first
// (unless we have loopback only), then the newest.
func order(list []place, loopback bool) []string {
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b place) int {
		if a.loopback != b.loopback {
			if a.loopback == loopback {
				return -1
			}
			return 1
		}
		return cmp.Or(b.heard.Compare(a.heard), strings.Compare(a.addr, b.addr))
	})
	addrs := make([]string, len(list))
	for i, p := range list {
		addrs[i] = p.addr
	}
	return addrs
}

// validAddr reports whether somebody could be dialled at "host:port".
func validAddr(addr string) bool {
	if len(addr) > maxAddr {
		return false
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0 && validHost(host)
}

// validHost reports whether a host could be dialled: an address of one host,
// or what may be a name.
func validHost(host string) bool {
	if a, err := netip.ParseAddr(host); err == nil {
		return !a.IsUnspecified() && !a.IsMulticast()
	}
	return host != "" && !strings.ContainsFunc(host, func(r rune) bool {
		return r <= ' ' || r == 0x7f || strings.ContainsRune(`:/\[]@%`, r)
	})
}

// isLoopback reports whether "host:port" means this host to whoever dials it.
func isLoopback(addr string) bool {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return false
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return a.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}
