// SPDX-License-Identifier: Apache-2.0

package host

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"
)

// wordsAddr reads an address as the socket, route and igmp tables print it:
// 32-bit words in the byte order of this machine, so that 127.0.0.1 is
// "0100007F" on amd64 and arm64.
func wordsAddr(s string) (netip.Addr, error) {
	if len(s) != 8 && len(s) != 32 {
		return netip.Addr{}, fmt.Errorf("address %q has %d hex digits, not 8 or 32", s, len(s))
	}
	b := make([]byte, 0, 16)
	for i := 0; i < len(s); i += 8 {
		w, err := strconv.ParseUint(s[i:i+8], 16, 32)
		if err != nil {
			return netip.Addr{}, fmt.Errorf("address %q: %w", s, err)
		}
		b = binary.NativeEndian.AppendUint32(b, uint32(w))
	}
	a, _ := netip.AddrFromSlice(b)
	return a, nil
}

// plainAddr reads an IPv6 address as the ipv6_route and igmp6 tables print it:
// 32 hex digits in network order.
func plainAddr(s string) (netip.Addr, error) {
	var b [16]byte
	if len(s) != 32 {
		return netip.Addr{}, fmt.Errorf("address %q has %d hex digits, not 32", s, len(s))
	}
	if _, err := hex.Decode(b[:], []byte(s)); err != nil {
		return netip.Addr{}, fmt.Errorf("address %q: %w", s, err)
	}
	return netip.AddrFrom16(b), nil
}
