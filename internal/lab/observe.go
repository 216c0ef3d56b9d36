// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// A Conn is a socket as ss shows it. IPv4 addresses are written as such even
// where the socket is an IPv6 one.
type Conn struct {
	Local, Remote netip.AddrPort // Remote is zero for one that listens
	PID           int            // 0 if nobody owns it any more
	Prog          string
}

// Established returns the established TCP connections of the host.
func (h *Host) Established() []Conn { h.lab.t.Helper(); return h.ss("-tnpH", "state", "established") }

// Listening returns its listening TCP sockets.
func (h *Host) Listening() []Conn { h.lab.t.Helper(); return h.ss("-tnpH", "state", "listening") }

// Bound returns its UDP sockets that are not connected.
func (h *Host) Bound() []Conn { h.lab.t.Helper(); return h.ss("-unpH", "state", "unconnected") }

func (h *Host) ss(args ...string) []Conn {
	h.lab.t.Helper()
	out, err := h.run(nil, h.lab.tool("ss", "iproute2"), args...)
	if err != nil {
		h.lab.t.Fatal(err)
	}
	cs, err := parseSS(strings.NewReader(out))
	if err != nil {
		h.lab.t.Fatalf("%s: ss %s: %v", h.Name, strings.Join(args, " "), err)
	}
	return cs
}

// The first owner: users:(("lateral",pid=3706,fd=7),…).
var ssOwner = regexp.MustCompile(`users:\(\("([^"]*)",pid=(\d+),`)

// parseSS reads what ss -nH prints when it is asked for one state: two queue
// lengths, two addresses, the owners.
func parseSS(r io.Reader) (cs []Conn, err error) {
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) < 4 {
			return nil, fmt.Errorf("%q: fewer than 4 columns", sc.Text())
		}
		var c Conn
		if c.Local, err = parseSSAddr(f[2]); err != nil {
			return nil, err
		}
		if c.Remote, err = parseSSAddr(f[3]); err != nil {
			return nil, err
		}
		if m := ssOwner.FindStringSubmatch(sc.Text()); m != nil {
			c.Prog = m[1]
			c.PID, _ = strconv.Atoi(m[2]) // digits only
		}
		cs = append(cs, c)
	}
	return cs, sc.Err()
}

// parseSSAddr reads address:port; "*" is any of both families, and a port "*"
// means that there is no peer.
func parseSSAddr(s string) (netip.AddrPort, error) {
	host, port, ok := cutLast(s, ":")
	if !ok {
		return netip.AddrPort{}, fmt.Errorf("%q is no address:port", s)
	}
	if port == "*" {
		return netip.AddrPort{}, nil
	}
	if host == "*" {
		host = "::"
	}
	host = strings.NewReplacer("[", "", "]", "").Replace(host)
	if v4, _, ok := strings.Cut(host, "%"); ok && !strings.Contains(v4, ":") {
		host = v4 // 0.0.0.0%eth0: bound to a device
	}
	a, err := netip.ParseAddr(host)
	if err != nil {
		return netip.AddrPort{}, err
	}
	p, err := strconv.ParseUint(port, 10, 16)
	return netip.AddrPortFrom(a.Unmap(), uint16(p)), err
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return "", "", false
	}
	return s[:i], s[i+len(sep):], true
}

// Groups returns the multicast groups that are joined on eth0, among them
// those of the kernel itself: 224.0.0.1, ff02::1 and more.
func (h *Host) Groups() (gs []netip.Addr) {
	h.lab.t.Helper()
	err := h.space.doErr(func() error {
		for name, parse := range map[string]func(io.Reader, string) ([]netip.Addr, error){"igmp": parseIGMP, "igmp6": parseIGMP6} {
			f, err := os.Open("/proc/thread-self/net/" + name)
			if err != nil {
				return err
			}
			g, err := parse(f, "eth0")
			f.Close()
			if err != nil {
				return fmt.Errorf("%s: %w", f.Name(), err)
			}
			gs = append(gs, g...)
		}
		return nil
	})
	if err != nil {
		h.lab.t.Fatalf("%s: groups: %v", h.Name, err)
	}
	return gs
}

// parseIGMP reads /proc/net/igmp: a line per device, then one per group, its
// address in hexadecimal, in the byte order of the machine.
func parseIGMP(r io.Reader, dev string) (gs []netip.Addr, err error) {
	here := false
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		switch {
		case len(f) < 2 || f[0] == "Idx":
		case !strings.HasPrefix(sc.Text(), "\t"):
			here = strings.TrimSuffix(f[1], ":") == dev
		case here:
			v, err := strconv.ParseUint(f[0], 16, 32)
			if err != nil {
				return nil, err
			}
			var b [4]byte
			binary.NativeEndian.PutUint32(b[:], uint32(v))
			gs = append(gs, netip.AddrFrom4(b))
		}
	}
	return gs, sc.Err()
}

// parseIGMP6 reads /proc/net/igmp6: index, device, address.
func parseIGMP6(r io.Reader, dev string) (gs []netip.Addr, err error) {
	sc := bufio.NewScanner(r)
	for sc.Scan() {
		f := strings.Fields(sc.Text())
		if len(f) < 3 || f[1] != dev {
			continue
		}
		b, err := hex.DecodeString(f[2])
		if err != nil {
			return nil, err
		}
		a, ok := netip.AddrFromSlice(b)
		if !ok {
			return nil, fmt.Errorf("%q is no address", f[2])
		}
		gs = append(gs, a)
	}
	return gs, sc.Err()
}
