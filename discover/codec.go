// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"encoding/binary"
	"errors"
	"fmt"
	"unicode/utf8"

	"lateral/cache"
)

// Limits and layout of version 1; doc.go has the table.
const (
	version = 1
	magic   = "LatD" // ends every datagram that has a section of ours

	footerSize = 8    // length of the section, magic
	fixedSize  = 29   // of a section, before its texts
	maxSection = 1024 // with a footer well below the 1232 bytes that every IPv6 path carries whole

	maxName = 128 // bytes of a cluster, service or endpoint name
	maxHost = 253 // bytes of a host name: the limit of DNS

	maxDatagram = 64 << 10 // what UDP can carry; JCS lists its regions in front of our section
)

// The flags of a section.
const (
	flagReceive = 1 << 0 // listens and wants changes
	flagSealed  = 1 << 7 // what follows the flags is sealed with the cluster's secret
)

// A Kind is one of discovery's three sayings.
type Kind uint8

// The kinds (JCS: UDPDiscoveryMessage.BroadcastType). Wire numbers: only append.
const (
	Announce Kind = iota + 1 // here I am (PASSIVE)
	Solicit                  // here I am, who is there? (REQUEST)
	Withdraw                 // I leave (REMOVE)
)

// String names the kind.
func (k Kind) String() string {
	switch k {
	case Announce:
		return "announce"
	case Solicit:
		return "solicit"
	case Withdraw:
		return "withdraw"
	}
	return "?"
}

// A Packet is our section of one datagram.
type Packet struct {
	Kind     Kind
	Receive  bool
	Port     uint16 // TCP
	ID, Node cache.NodeID
	PID      uint32
	Seq      uint32 // of the packets of this ID; starts at 1

	Cluster, Advertise, Host, Service, Endpoint string
}

// Why a datagram is not understood. Malformed covers what is cut or damaged.
var (
	ErrAlien     = errors.New("no section of Lateral's")
	ErrMalformed = errors.New("malformed section")
	ErrVersion   = errors.New("section of another version")
	ErrSealed    = errors.New("section is sealed with a cluster secret, which this node has not")
)

// Append appends to buf a datagram of what JCS nodes are to read (may be
// empty) and our section. It fails if a text is too long.
func (p Packet) Append(buf, jcs []byte) ([]byte, error) {
	buf = append(buf, jcs...)
	start := len(buf)
	buf, err := p.section(buf)
	if err != nil {
		return buf, err
	}
	return footer(buf, start), nil
}

// footer ends a datagram whose section began at start.
func footer(buf []byte, start int) []byte {
	buf = binary.BigEndian.AppendUint32(buf, uint32(len(buf)-start))
	return append(buf, magic...)
}

// section appends the section alone.
func (p Packet) section(buf []byte) ([]byte, error) {
	for _, t := range p.texts() {
		if err := t.check(*t.text); err != nil {
			return buf, fmt.Errorf("discover: %w", err)
		}
	}
	var flags byte
	if p.Receive {
		flags |= flagReceive
	}
	buf = append(buf, version, flags, byte(p.Kind))
	buf = binary.BigEndian.AppendUint16(buf, p.Port)
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.ID))
	buf = binary.BigEndian.AppendUint64(buf, uint64(p.Node))
	buf = binary.BigEndian.AppendUint32(buf, p.PID)
	buf = binary.BigEndian.AppendUint32(buf, p.Seq)
	for _, t := range p.texts() {
		buf = append(buf, byte(len(*t.text)))
		buf = append(buf, *t.text...)
	}
	return buf, nil
}

// Decode finds and reads our section; jcs is what stands before it. The error
// wraps ErrAlien, ErrMalformed, ErrVersion or ErrSealed.
func Decode(datagram []byte) (p Packet, jcs []byte, err error) {
	jcs, section, err := split(datagram)
	if err == nil {
		err = p.decode(section)
	}
	return p, jcs, err
}

// split finds our section; jcs is what stands before it.
func split(datagram []byte) (jcs, section []byte, err error) {
	end := len(datagram) - footerSize
	if end < 0 || string(datagram[end+4:]) != magic {
		return datagram, nil, ErrAlien
	}
	size := binary.BigEndian.Uint32(datagram[end:])
	if size > maxSection || int(size) > end {
		return nil, nil, fmt.Errorf("%w: it claims %d bytes of %d, at most %d are allowed", ErrMalformed, size, end, maxSection)
	}
	return datagram[:end-int(size)], datagram[end-int(size) : end], nil
}

func (p *Packet) decode(b []byte) error {
	switch {
	case len(b) < 2:
		return fmt.Errorf("%w: %d bytes", ErrMalformed, len(b))
	case b[0] != version:
		return fmt.Errorf("%w: %d, this node knows %d", ErrVersion, b[0], version)
	case b[1]&flagSealed != 0:
		return ErrSealed
	case len(b) < fixedSize:
		return fmt.Errorf("%w: %d bytes, at least %d are needed", ErrMalformed, len(b), fixedSize)
	}
	p.Receive = b[1]&flagReceive != 0
	p.Kind = Kind(b[2])
	p.Port = binary.BigEndian.Uint16(b[3:])
	p.ID = cache.NodeID(binary.BigEndian.Uint64(b[5:]))
	p.Node = cache.NodeID(binary.BigEndian.Uint64(b[13:]))
	p.PID = binary.BigEndian.Uint32(b[21:])
	p.Seq = binary.BigEndian.Uint32(b[25:])
	if p.Kind < Announce || p.Kind > Withdraw {
		return fmt.Errorf("%w: kind %d", ErrMalformed, p.Kind)
	}
	if p.ID == 0 {
		return fmt.Errorf("%w: no id", ErrMalformed)
	}
	b = b[fixedSize:]
	for _, t := range p.texts() {
		if len(b) == 0 || int(b[0]) > len(b)-1 {
			return fmt.Errorf("%w: it ends within the %s", ErrMalformed, t.name)
		}
		text := string(b[1 : 1+b[0]])
		if err := t.check(text); err != nil {
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
		*t.text = text
		b = b[1+b[0]:]
	}
	return nil // what follows is of a later minor change: not for us
}

// A text is one of a packet's strings with its name and limit in bytes.
type text struct {
	name string
	max  int
	text *string
}

// texts lists them in the order of the wire: only append to this list.
func (p *Packet) texts() [5]text {
	return [5]text{
		{"cluster name", maxName, &p.Cluster},
		{"advertised host", maxHost, &p.Advertise},
		{"host name", maxHost, &p.Host},
		{"service name", maxName, &p.Service},
		{"endpoint name", maxName, &p.Endpoint},
	}
}

// check keeps logs and terminals safe from what a stranger may send.
func (t text) check(s string) error {
	if len(s) > t.max {
		return fmt.Errorf("the %s has %d bytes, at most %d are allowed", t.name, len(s), t.max)
	}
	if !utf8.ValidString(s) {
		return fmt.Errorf("the %s is not UTF-8", t.name)
	}
	for _, r := range s {
		if r < ' ' || r == 0x7f {
			return fmt.Errorf("the %s has the control character %q", t.name, r)
		}
	}
	return nil
}
