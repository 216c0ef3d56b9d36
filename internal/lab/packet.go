// SPDX-License-Identifier: Apache-2.0

//go:build linux

package lab

import (
	"cmp"
	"encoding/binary"
	"net/netip"
	"slices"
	"time"
)

// IP protocols.
const (
	TCP = 6
	UDP = 17
)

// A Packet is one captured frame, as far as it is understood: IPv4 and IPv6
// without extension headers, TCP and UDP.
type Packet struct {
	Time     time.Time
	Frame    []byte // with its Ethernet header
	Src, Dst netip.AddrPort
	Proto    int
	Payload  []byte // of TCP or UDP

	seq uint32
	syn bool
}

// parsePacket fills in what it can; a frame cut short or unknown stays a frame.
func parsePacket(t time.Time, frame []byte) Packet {
	p := Packet{Time: t, Frame: frame}
	if len(frame) < 14 {
		return p
	}
	ip := frame[14:]
	var src, dst netip.Addr
	switch binary.BigEndian.Uint16(frame[12:]) {
	case 0x0800:
		if len(ip) < 20 {
			return p
		}
		head, total := int(ip[0]&15)*4, int(binary.BigEndian.Uint16(ip[2:]))
		if total < head || total > len(ip) || head < 20 {
			return p
		}
		src, _ = netip.AddrFromSlice(ip[12:16])
		dst, _ = netip.AddrFromSlice(ip[16:20])
		p.Proto, ip = int(ip[9]), ip[head:total] // Ethernet pads short packets
	case 0x86dd:
		if len(ip) < 40 || int(binary.BigEndian.Uint16(ip[4:])) > len(ip)-40 {
			return p
		}
		src, _ = netip.AddrFromSlice(ip[8:24])
		dst, _ = netip.AddrFromSlice(ip[24:40])
		p.Proto, ip = int(ip[6]), ip[40:40+int(binary.BigEndian.Uint16(ip[4:]))]
	default:
		return p
	}
	p.Src, p.Dst = netip.AddrPortFrom(src, 0), netip.AddrPortFrom(dst, 0)
	p.transport(ip)
	return p
}

func (p *Packet) transport(b []byte) {
	head := 8
	switch {
	case p.Proto == TCP && len(b) >= 20:
		head = int(b[12]>>4) * 4
		p.seq, p.syn = binary.BigEndian.Uint32(b[4:]), b[13]&2 != 0
	case p.Proto == UDP && len(b) >= 8:
	default:
		return
	}
	p.Src = netip.AddrPortFrom(p.Src.Addr(), binary.BigEndian.Uint16(b))
	p.Dst = netip.AddrPortFrom(p.Dst.Addr(), binary.BigEndian.Uint16(b[2:]))
	if head <= len(b) {
		p.Payload = b[head:]
	}
}

// A flow is one direction of a TCP connection.
type flow struct{ src, dst netip.AddrPort }

// streams puts the bytes of TCP connections together: each direction as runs
// of bytes without a gap. A new SYN on the same ports begins anew.
func streams(ps []Packet) (runs [][]byte) {
	flows := make(map[flow][]Packet)
	finish := func(f flow) {
		runs = append(runs, assemble(flows[f])...)
		delete(flows, f)
	}
	for _, p := range ps {
		if p.Proto != TCP {
			continue
		}
		f := flow{p.Src, p.Dst}
		if p.syn {
			finish(f)
		}
		if len(p.Payload) > 0 {
			flows[f] = append(flows[f], p)
		}
	}
	for f := range flows {
		finish(f)
	}
	return runs
}

func assemble(ps []Packet) (runs [][]byte) {
	if len(ps) == 0 {
		return nil
	}
	base := ps[0].seq // sequence numbers wrap: order them by their distance
	slices.SortStableFunc(ps, func(a, b Packet) int { return cmp.Compare(int32(a.seq-base), int32(b.seq-base)) })
	var run []byte
	next := ps[0].seq
	for _, p := range ps {
		ahead := int32(p.seq - next)
		switch {
		case ahead > 0: // a gap
			runs = append(runs, run)
			run, next = nil, p.seq
		case int(-ahead) >= len(p.Payload): // a repetition
			continue
		case ahead < 0:
			p.Payload = p.Payload[-ahead:]
		}
		run = append(run, p.Payload...)
		next += uint32(len(p.Payload))
	}
	return append(runs, run)
}
