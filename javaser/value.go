// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"encoding/binary"
	"math"
)

// A Value is one node of a decoded stream:
//
//	nil                    null
//	bool int8 int16 int32 int64 float32 float64 Char
//	                       primitives: only what Field, Elem and Plain return
//	*String *Object *Array *Enum *Class *ClassRef
//	Block                  bytes that a writeObject method wrote, in Part.Custom, Class.Annotation or between objects
//	Reset, *Exception      only at the top of a stream
//
// Two references to one Java object are one pointer, so that sharing, and
// cycles, survive. A Value is not changed once it is decoded or encoded.
type Value any

// A String is a Java string in UTF-8. A surrogate without its partner, which
// Java allows, stands as the three bytes that UTF-8 forbids (WTF-8).
type String struct{ S string }

// A Char is a UTF-16 unit.
type Char uint16

// A Block is a piece of a writeObject method's own bytes, as long as Java cut it.
type Block []byte

// A Reset forgets all handles.
type Reset struct{}

// An Exception is what stopped the writer, and stands for the value that it was
// about to write.
type Exception struct{ Thrown Value }

// Flags of a Class (java.io.ObjectStreamConstants, SC_*).
const (
	WriteMethod    = 0x01 // has custom data behind its fields
	Serializable   = 0x02
	Externalizable = 0x04 // has no fields, only custom data
	BlockData      = 0x08 // that custom data is in blocks (protocol version 2)
	IsEnum         = 0x10
)

// A Class describes a class as the writer knew it.
type Class struct {
	Name       string
	UID        int64
	Flags      byte
	Fields     []Field  // primitives first, both sorted by name
	Annotation []Value  // of annotateClass; empty in all but RMI's streams
	Super      *Class   // nearest serializable one
	Proxy      []string // not nil: a dynamic proxy of these interfaces, and nothing of the above but Annotation and Super

	depth int  // superclasses, bounded by maxSupers
	open  bool // still being read
}

// A Field is one field of a Class.
type Field struct {
	Type byte // B C D F I J S Z, L or [
	Name string
	Sig  *String // of L and [: the type as the class file spells it
}

// An Object is an instance, described by its classes from the topmost down.
type Object struct {
	Class *Class
	Parts []Part
}

// A Part is what one class of the hierarchy holds of an Object.
type Part struct {
	Class  *Class
	Prim   []byte  // the primitive fields as they are on the wire
	Refs   []Value // the other fields
	Custom []Value // Blocks and objects of writeObject or writeExternal
}

// An Array is an array of primitives, as they are on the wire, or of objects.
type Array struct {
	Class *Class // its name is "[B", "[Ljava.lang.String;", …
	Prim  []byte
	Refs  []Value
}

// An Enum is a constant of an enum class.
type Enum struct {
	Class *Class
	Const *String
}

// A ClassRef is a java.lang.Class object.
type ClassRef struct{ Class *Class }

// width is the size of a primitive on the wire, 0 for references.
func width(t byte) int {
	switch t {
	case 'B', 'Z':
		return 1
	case 'C', 'S':
		return 2
	case 'I', 'F':
		return 4
	case 'J', 'D':
		return 8
	}
	return 0
}

// sizes returns the bytes of the primitive fields and the number of the others.
func (c *Class) sizes() (prim, refs int) {
	for i := range c.Fields {
		if w := width(c.Fields[i].Type); w > 0 {
			prim += w
		} else {
			refs++
		}
	}
	return prim, refs
}

// elem returns the type of an array class's elements; 0 if it is none.
func (c *Class) elem() byte {
	if len(c.Name) < 2 || c.Name[0] != '[' {
		return 0
	}
	return c.Name[1]
}

// primitive reads one from the wire's bytes.
func primitive(t byte, b []byte) Value {
	switch t {
	case 'B':
		return int8(b[0])
	case 'Z':
		return b[0] != 0
	case 'C':
		return Char(binary.BigEndian.Uint16(b))
	case 'S':
		return int16(binary.BigEndian.Uint16(b))
	case 'I':
		return int32(binary.BigEndian.Uint32(b))
	case 'F':
		return math.Float32frombits(binary.BigEndian.Uint32(b))
	case 'J':
		return int64(binary.BigEndian.Uint64(b))
	}
	return math.Float64frombits(binary.BigEndian.Uint64(b))
}

// Field returns a field by name; ok is false if the class has none.
func (p *Part) Field(name string) (v Value, ok bool) {
	prim, refs := 0, 0
	for i := range p.Class.Fields {
		f := &p.Class.Fields[i]
		w := width(f.Type)
		if f.Name == name {
			if w > 0 {
				return primitive(f.Type, p.Prim[prim:]), true
			}
			return p.Refs[refs], true
		}
		if w > 0 {
			prim += w
		} else {
			refs++
		}
	}
	return nil, false
}

// Field returns a field by name, the nearest to the object's own class.
func (o *Object) Field(name string) (v Value, ok bool) {
	for i := len(o.Parts) - 1; i >= 0; i-- {
		if v, ok := o.Parts[i].Field(name); ok {
			return v, true
		}
	}
	return nil, false
}

// Len returns the number of an array's elements.
func (a *Array) Len() int {
	if w := width(a.Class.elem()); w > 0 {
		return len(a.Prim) / w
	}
	return len(a.Refs)
}

// Elem returns an element.
func (a *Array) Elem(i int) Value {
	t := a.Class.elem()
	if w := width(t); w > 0 {
		return primitive(t, a.Prim[i*w:])
	}
	return a.Refs[i]
}
