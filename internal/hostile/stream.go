// SPDX-License-Identifier: Apache-2.0

// Package hostile makes Java object streams that no Java writes, or that only
// an attacker would: what reads such streams is tested and measured with them.
// They are bytes; nothing in here, or in what reads them, is ever instantiated.
package hostile

import (
	"bytes"
	"encoding/binary"
)

// The tags of the protocol (java.io.ObjectStreamConstants) that streams here use.
const (
	tcNull, tcReference, tcClassDesc, tcObject, tcString, tcArray = 0x70, 0x71, 0x72, 0x73, 0x74, 0x75
	tcBlockData, tcEndBlockData, tcReset, tcBlockDataLong         = 0x77, 0x78, 0x79, 0x7a
	tcLongString, tcProxyClassDesc                                = 0x7c, 0x7d

	header      = "\xac\xed\x00\x05"
	firstHandle = 0x7e0000

	plain  = 2 // SC_SERIALIZABLE
	writes = 3 // … | SC_WRITE_METHOD
)

// A Stream is built from its parts; each method appends one and returns it.
type Stream struct{ bytes.Buffer }

// New begins a stream.
func New() *Stream { s := &Stream{}; s.WriteString(header); return s }

// B appends bytes.
func (s *Stream) B(bs ...byte) *Stream { s.Write(bs); return s }

// I32 appends an int.
func (s *Stream) I32(n uint32) *Stream { return s.B(binary.BigEndian.AppendUint32(nil, n)...) }

// I64 appends a long.
func (s *Stream) I64(n uint64) *Stream { return s.B(binary.BigEndian.AppendUint64(nil, n)...) }

// UTF appends a text of less than 64 KiB with its length.
func (s *Stream) UTF(text string) *Stream {
	s.B(byte(len(text)>>8), byte(len(text)))
	s.WriteString(text)
	return s
}

// Text appends a string object.
func (s *Stream) Text(text string) *Stream { return s.B(tcString).UTF(text) }

// Ref appends a reference to the nth handle.
func (s *Stream) Ref(n uint32) *Stream { return s.B(tcReference).I32(firstHandle + n) }

// Class appends a class description without its superclass, which is to follow.
// A field is its type and name; the type of objects is another handle each.
func (s *Stream) Class(name string, flags byte, fields ...string) *Stream {
	s.B(tcClassDesc).UTF(name).I64(1).B(flags, byte(len(fields)>>8), byte(len(fields)))
	for _, f := range fields {
		s.B(f[0]).UTF(f[1:])
		if f[0] == 'L' || f[0] == '[' {
			s.Text("Ljava/lang/Object;")
		}
	}
	return s.B(tcEndBlockData)
}

// Object begins an object of a new class.
func (s *Stream) Object(name string, flags byte, fields ...string) *Stream {
	return s.B(tcObject).Class(name, flags, fields...).B(tcNull)
}

// Array begins an array of objects of a new class that says it has n elements.
func (s *Stream) Array(name string, n uint32) *Stream {
	return s.B(tcArray).Class(name, plain).B(tcNull).I32(n)
}
