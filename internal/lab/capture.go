// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Limits of a capture.
const (
	maxFrame   = 256 << 10 // bytes: with segmentation offload a "packet" on a veth is up to 64 KiB, or more
	maxCapture = 512 << 20 // bytes kept in memory
	captureBuf = 64 << 20  // bytes the kernel keeps while we are busy
)

// A Capture keeps the frames that pass an interface of a host.
type Capture struct {
	host *Host
	what string
	keep func(Packet) bool
	f    *os.File
	lo   bool
	done chan struct{}
	once sync.Once

	mu      sync.Mutex // guards what follows
	packets []Packet
	size    int
	err     error
}

// Capture begins to keep what goes in and out of eth0; keep selects, nil is
// everything. When it returns the kernel is capturing already.
func (h *Host) Capture(keep func(Packet) bool) *Capture {
	h.lab.t.Helper()
	return h.CaptureOn("eth0", keep)
}

// CaptureOn is Capture on another interface, "lo".
func (h *Host) CaptureOn(ifname string, keep func(Packet) bool) *Capture {
	h.lab.t.Helper()
	c := &Capture{host: h, what: ifname, keep: keep, lo: ifname == "lo", done: make(chan struct{})}
	if err := h.space.doErr(func() error { return c.open(ifname) }); err != nil {
		h.lab.t.Fatalf("%s: capture on %s: %v", h.Name, ifname, err)
	}
	h.captures = append(h.captures, c)
	go c.run()
	return c
}

func (c *Capture) open(ifname string) error {
	// Protocol 0 receives nothing yet; bind then starts all of it on one
	// interface at once.
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	c.f = os.NewFile(uintptr(fd), "capture "+ifname)
	if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, captureBuf); err != nil {
		return errors.Join(err, c.f.Close())
	}
	idx, err := ifIndex(fd, ifname)
	if err == nil {
		err = unix.Bind(fd, &unix.SockaddrLinklayer{Protocol: htons(unix.ETH_P_ALL), Ifindex: idx})
	}
	if err != nil {
		return errors.Join(err, c.f.Close())
	}
	return nil
}

func ifIndex(fd int, name string) (int, error) {
	req, err := unix.NewIfreq(name)
	if err != nil {
		return 0, err
	}
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, req); err != nil {
		return 0, err
	}
	return int(req.Uint32()), nil
}

func htons(v uint16) uint16 {
	return binary.NativeEndian.Uint16(binary.BigEndian.AppendUint16(nil, v))
}

// run reads until Stop, and then what the kernel still has.
func (c *Capture) run() {
	defer close(c.done)
	raw, err := c.f.SyscallConn()
	if err != nil {
		c.fail(err)
		return
	}
	buf := make([]byte, maxFrame)
	for {
		var n int
		var from unix.Sockaddr
		stopped := raw.Read(func(fd uintptr) bool {
			n, from, err = unix.Recvfrom(int(fd), buf, 0)
			return err != unix.EAGAIN
		})
		if stopped != nil {
			return
		}
		c.add(n, from, err, buf)
	}
}

// add keeps a frame; false means that there was none.
func (c *Capture) add(n int, from unix.Sockaddr, err error, buf []byte) bool {
	switch err {
	case nil:
	case unix.EINTR, unix.ENETDOWN: // the link went down: the capture goes on when it is up
		return true
	default:
		if err != unix.EAGAIN {
			c.fail(err)
		}
		return false
	}
	if ll, ok := from.(*unix.SockaddrLinklayer); ok && c.lo && ll.Pkttype == unix.PACKET_OUTGOING {
		return true // on loopback everything passes twice
	}
	p := parsePacket(time.Now(), bytes.Clone(buf[:n]))
	if c.keep != nil && !c.keep(p) {
		return true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.size += n; c.size > maxCapture {
		c.err = fmt.Errorf("more than %d bytes", maxCapture)
		return true
	}
	c.packets = append(c.packets, p)
	return true
}

func (c *Capture) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.err = errors.Join(c.err, err)
}

// Stop ends the capture: everything that had passed is in it. It fails the
// test if the capture is not complete. Stopping twice does nothing.
func (c *Capture) Stop() {
	c.host.lab.t.Helper()
	c.once.Do(func() {
		c.f.SetReadDeadline(time.Unix(1, 0)) // wakes run
		<-c.done
		fd := int(c.f.Fd())
		_ = unix.SetNonblock(fd, true) // Fd made it blocking
		for buf := make([]byte, maxFrame); ; {
			n, from, err := unix.Recvfrom(fd, buf, 0)
			if !c.add(n, from, err, buf) {
				break
			}
		}
		if st, err := unix.GetsockoptTpacketStats(fd, unix.SOL_PACKET, unix.PACKET_STATISTICS); err != nil {
			c.fail(err)
		} else if st.Drops > 0 {
			c.fail(fmt.Errorf("%d packets did not fit into the kernel's buffer", st.Drops))
		}
		c.f.Close()
		if c.err != nil {
			c.host.lab.t.Errorf("%s: capture on %s is not complete: %v", c.host.Name, c.what, c.err)
		}
	})
}

// Packets returns what was captured so far.
func (c *Capture) Packets() []Packet {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.packets[:len(c.packets):len(c.packets)]
}

// Count returns how many packets f selects; nil is all.
func (c *Capture) Count(f func(Packet) bool) (n int) {
	for _, p := range c.Packets() {
		if f == nil || f(p) {
			n++
		}
	}
	return n
}

// Contains reports whether the bytes passed, in one frame or spread over the
// segments of a TCP connection, in whatever order and however often these came.
func (c *Capture) Contains(b []byte) bool {
	ps := c.Packets()
	for _, p := range ps {
		if bytes.Contains(p.Frame, b) {
			return true
		}
	}
	for _, run := range streams(ps) {
		if bytes.Contains(run, b) {
			return true
		}
	}
	return false
}

// Save writes a file that tcpdump -r and Wireshark read.
func (c *Capture) Save(path string) error {
	b := make([]byte, 0, 1<<20)
	le := binary.LittleEndian
	for _, v := range []uint32{0xa1b2c3d4, 4<<16 | 2, 0, 0, maxFrame, 1} { // version 2.4, Ethernet
		b = le.AppendUint32(b, v)
	}
	for _, p := range c.Packets() {
		b = le.AppendUint32(b, uint32(p.Time.Unix()))
		b = le.AppendUint32(b, uint32(p.Time.Nanosecond()/1000))
		b = le.AppendUint32(b, uint32(len(p.Frame)))
		b = le.AppendUint32(b, uint32(len(p.Frame)))
		b = append(b, p.Frame...)
	}
	return os.WriteFile(path, b, 0o644)
}
