// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"slices"

	"lateral/javaser"
)

// A Kind is one of discovery's sayings, with JCS's number.
type Kind uint8

// The kinds (JCS: UDPDiscoveryMessage.BroadcastType).
const (
	Passive    Kind = iota // here I am, with these regions
	Request                // who is there? All but 1.3 and 4 answer only if it names regions
	Withdrawal             // REMOVE: I leave; not in JCS 1.3
)

var kindNames = [...]string{"PASSIVE", "REQUEST", "REMOVE"}

// String is the name of the constant in JCS.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "?"
}

// Limits of a datagram beyond those of its stream.
const (
	maxPacketRegions = 4096     // as many as a log of ours may speak of
	maxHostName      = 253      // bytes: the limit of DNS
	maxPacket        = 64 << 10 // bytes: what UDP can carry
)

// A Packet is a UDPDiscoveryMessage.
type Packet struct {
	Gen       *Generation
	Kind      Kind
	Host      string // JCS 1.3 dials it; later generations dial the datagram's source
	Port      int    // of the listener; of the group in a REQUEST that names nothing
	Requester int64
	Regions   []string // those with this auxiliary
}

// Encode returns the datagram.
func (p *Packet) Encode(s *Serializer) ([]byte, error) {
	if p.Kind > Withdrawal || p.Gen == JCS13 && p.Kind == Withdrawal {
		return nil, fmt.Errorf("%s does not exist in JCS %s", p.Kind, p.Gen.Name)
	}
	names := make([]javaser.Value, len(p.Regions))
	for i, r := range p.Regions {
		names[i] = &javaser.String{S: r}
	}
	o := p.Gen.discovery.make(func(r role) any {
		switch r {
		case "port":
			return int32(p.Port)
		case "requester":
			return p.Requester
		case "regions":
			return javaser.List(names)
		case "host":
			return &javaser.String{S: p.Host}
		}
		if p.Gen.enums {
			return p.Gen.kinds[int(p.Kind)]
		}
		return int32(p.Kind)
	})
	b, err := javaser.Encode(o)
	if err != nil || !p.Gen.Framed {
		return b, err
	}
	return s.Seal(nil, b)
}

// DecodePacket reads the message at the start of a datagram; rest is what
// follows it, as JCS reads one object and never looks further.
func DecodePacket(b []byte, s *Serializer) (p *Packet, rest []byte, err error) {
	if len(b) > maxPacket {
		return nil, nil, fmt.Errorf("%w: a datagram of %d bytes", ErrProtocol, len(b))
	}
	if !bytes.HasPrefix(b, []byte(streamHead)) && !s.Standard() {
		if b, rest, err = s.openPacket(b); err != nil {
			return nil, nil, err
		}
	}
	l := limits
	l.Memory = 16 * maxPacket
	d := javaser.NewBytesDecoder(b, l)
	v, err := d.Next()
	if err != nil {
		return nil, nil, err
	}
	if rest == nil {
		rest = b[d.Offset():]
	}
	p, err = parsePacket(v)
	return p, rest, err
}

// openPacket unwraps a datagram; only of a compressed one is the end known.
func (s *Serializer) openPacket(b []byte) (stream, rest []byte, err error) {
	if !s.Compress {
		stream, err = s.Open(b)
		return stream, nil, err
	}
	in := bytes.NewReader(b)
	z, err := zlib.NewReader(in)
	if err == nil {
		stream, err = io.ReadAll(io.LimitReader(z, maxPacket))
	}
	if err != nil {
		return nil, nil, s.errWrapped(err)
	}
	return stream, b[len(b)-in.Len():], nil
}

func parsePacket(v javaser.Value) (*Packet, error) {
	o, ok := v.(*javaser.Object)
	if !ok {
		return nil, fmt.Errorf("%w: %s where a discovery message should be", ErrProtocol, brief(v))
	}
	i := slices.IndexFunc(Generations, func(g *Generation) bool { return g.discovery.class.Name == o.Class.Name })
	if i < 0 {
		return nil, fmt.Errorf("%w: class %.100q where a discovery message should be", ErrProtocol, o.Class.Name)
	}
	f := fields{o}
	p := &Packet{Gen: Generations[i], Requester: f.int64("requesterId"), Port: int(f.int64("port"))}
	kind := -1
	switch k := f.value("messageType").(type) {
	case int32:
		kind = int(k)
	case *javaser.Enum:
		kind = slices.Index(kindNames[:], k.Const.S)
	}
	if kind < 0 || kind > int(Withdrawal) {
		return nil, fmt.Errorf("%w: a discovery message of no kind", ErrProtocol)
	}
	p.Kind = Kind(kind)
	if p.Port < 0 || p.Port > 65535 {
		return nil, fmt.Errorf("%w: port %d", ErrProtocol, p.Port)
	}
	if h, ok := f.value("host").(*javaser.String); ok && len(h.S) <= maxHostName {
		p.Host = h.S
	}
	list, ok := javaser.Elements(f.value("cacheNames"))
	if !ok && f.value("cacheNames") != nil || len(list) > maxPacketRegions {
		return nil, fmt.Errorf("%w: a discovery message whose regions are no list, or more than %d", ErrProtocol, maxPacketRegions)
	}
	for _, n := range list {
		if s, ok := n.(*javaser.String); ok && s.S != "" && len(s.S) <= maxRegionName {
			p.Regions = append(p.Regions, s.S)
		}
	}
	return p, nil
}
