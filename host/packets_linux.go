// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"
)

// What a packet of a TCP connection has besides what is sent, in bytes.
const (
	head4      = 20
	head6      = 40
	headTCP    = 20
	timestamps = 12 // RFC 7323, section 3; the one option that data has
)

// ackEvery is how often Delivered looks whether a packet was acknowledged.
const ackEvery = 2 * time.Millisecond

// PacketOf returns the size of the largest packets that a TCP connection sends
// now, in bytes: the smaller MTU of its two ends, unless the kernel was told of
// a smaller one on the way.
func PacketOf(c *net.TCPConn) (int, error) {
	info, err := tcpInfo(c)
	if err != nil {
		return 0, err
	}
	return int(info.Snd_mss) + heads(c, info), nil
}

// Delivered sends packets of these sizes in bytes, each when the one before was
// acknowledged by the other end's kernel, whoever reads them there or not. It
// returns the size of the last one that was, within wait for each; 0 if none
// was. What is sent begins with opening, and has zeros then. Sizes that the
// connection cannot send in one packet, or that opening does not fit in, are
// left out. The connection is of no use afterwards.
func Delivered(ctx context.Context, c *net.TCPConn, opening string, sizes []int, wait time.Duration) (last int, err error) {
	for _, size := range sizes {
		info, err := tcpInfo(c)
		if err != nil {
			return last, err
		}
		n := size - heads(c, info)
		if n < len(opening) || n <= 0 || n > int(info.Snd_mss) {
			continue
		}
		b := make([]byte, n)
		copy(b, opening)
		opening = ""
		if _, err := c.Write(b); err != nil {
			return last, fmt.Errorf("host: send: %w", err)
		}
		if ok, err := acknowledged(ctx, c, wait); err != nil || !ok {
			return last, err
		}
		last = size
	}
	return last, nil
}

// acknowledged waits until all that was sent is.
func acknowledged(ctx context.Context, c *net.TCPConn, wait time.Duration) (bool, error) {
	tick := time.NewTicker(ackEvery)
	defer tick.Stop()
	for end := time.Now().Add(wait); ; {
		info, err := tcpInfo(c)
		if err != nil {
			return false, err
		}
		if info.Unacked == 0 && info.Notsent_bytes == 0 {
			return info.State == unix.BPF_TCP_ESTABLISHED || info.State == unix.BPF_TCP_CLOSE_WAIT, nil
		}
		if time.Now().After(end) {
			return false, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

func tcpInfo(c *net.TCPConn) (info *unix.TCPInfo, err error) {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil, err
	}
	if e := raw.Control(func(fd uintptr) { info, err = unix.GetsockoptTCPInfo(int(fd), unix.IPPROTO_TCP, unix.TCP_INFO) }); e != nil {
		err = e
	}
	if err != nil {
		return nil, fmt.Errorf("host: TCP_INFO: %w", err)
	}
	return info, nil
}

// heads are those of each packet with data.
func heads(c *net.TCPConn, info *unix.TCPInfo) int {
	n := head6 + headTCP
	if a, err := netip.ParseAddrPort(c.RemoteAddr().String()); err == nil && a.Addr().Unmap().Is4() {
		n = head4 + headTCP
	}
	if info.Options&1 != 0 { // TCPI_OPT_TIMESTAMPS
		n += timestamps
	}
	return n
}
