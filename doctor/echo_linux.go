// SPDX-License-Identifier: Apache-2.0

package doctor

import (
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// echoWait is how long answers may take: a host of one network takes a
// millisecond, a busy one some more.
const echoWait = 400 * time.Millisecond

// echoes sends packets of some sizes in bytes, that nobody on the way may cut
// up, and returns which were answered (ICMP echo, RFC 792; IPv4). It needs root.
func echoes(ctx context.Context, to netip.Addr, sizes []int) (answered []int, err error) {
	c, err := net.ListenPacket("ip4:icmp", "0.0.0.0")
	if err != nil {
		return nil, err
	}
	defer c.Close()
	raw, err := c.(*net.IPConn).SyscallConn()
	if err != nil {
		return nil, err
	}
	var e error
	err = raw.Control(func(fd uintptr) { // "don't fragment", whatever size the kernel has heard of before
		e = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_MTU_DISCOVER, unix.IP_PMTUDISC_PROBE)
	})
	if err == nil {
		err = e
	}
	if err != nil {
		return nil, err
	}
	id := uint16(os.Getpid() ^ int(time.Now().UnixNano()))
	for range 2 { // one may be lost by itself
		for i, size := range sizes {
			c.WriteTo(question(id, uint16(i), size), &net.IPAddr{IP: to.AsSlice()}) // what is too large here is not answered either
		}
	}
	late := time.Now().Add(echoWait)
	if d, ok := ctx.Deadline(); ok && d.Before(late) {
		late = d
	}
	c.SetReadDeadline(late)
	seen := make([]bool, len(sizes))
	for buf := make([]byte, 64<<10); len(answered) < len(sizes); {
		n, from, err := c.ReadFrom(buf)
		if err != nil {
			break // late
		}
		const reply = 0
		if n < 8 || buf[0] != reply || from.String() != to.String() || binary.BigEndian.Uint16(buf[4:]) != id {
			continue
		}
		if i := int(binary.BigEndian.Uint16(buf[6:])); i < len(sizes) && !seen[i] {
			seen[i], answered = true, append(answered, sizes[i])
		}
	}
	return answered, nil
}

// question is an echo request that makes an IPv4 packet of size bytes.
func question(id, seq uint16, size int) []byte {
	b := make([]byte, max(size-20, 8))
	b[0] = 8
	binary.BigEndian.PutUint16(b[4:], id)
	binary.BigEndian.PutUint16(b[6:], seq)
	sum := uint32(b[0])<<8 + uint32(id) + uint32(seq) // all else is zero
	for sum>>16 != 0 {
		sum = sum&0xffff + sum>>16
	}
	binary.BigEndian.PutUint16(b[2:], ^uint16(sum))
	return b
}
