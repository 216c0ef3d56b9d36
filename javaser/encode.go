// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"encoding/binary"
	"fmt"
)

// An Encoder writes one stream: the header, then each value given to Encode.
// The same pointer given, or met, twice is written as a reference. Of class
// descriptions and of the types of fields, of which Java has each only once,
// so is what is equal. It is for one goroutine.
type Encoder struct {
	buf     []byte
	handles map[Value]uint32
	next    uint32
	classes map[string]*Class  // by name: the one that was written
	types   map[string]*String // likewise
	depth   int
}

// NewEncoder returns an encoder that has written the header.
func NewEncoder() *Encoder {
	return &Encoder{buf: []byte(header), handles: map[Value]uint32{}, next: firstHandle,
		classes: map[string]*Class{}, types: map[string]*String{}}
}

// Encode returns the stream of one value.
func Encode(v Value) ([]byte, error) {
	e := NewEncoder()
	err := e.Encode(v)
	return e.buf, err
}

// Restart makes an encoder of a new stream that uses b's memory; the header
// is written behind what b holds.
func (e *Encoder) Restart(b []byte) {
	e.forget()
	e.depth = 0
	e.buf = append(b, header...)
}

// Encode appends a value to the stream. After an error, which wraps ErrValue,
// the stream must not be used.
func (e *Encoder) Encode(v Value) error {
	e.depth = 0
	switch v := v.(type) {
	case Reset:
		e.buf = append(e.buf, tcReset)
		e.forget()
		return nil
	case *Exception:
		e.buf = append(e.buf, tcException)
		e.forget()
		err := e.value(v.Thrown)
		e.forget()
		return err
	}
	return e.value(v)
}

// Take returns what was written since the last call; it is valid until the
// next call of Encode.
func (e *Encoder) Take() []byte {
	b := e.buf
	e.buf = e.buf[:0]
	return b
}

func (e *Encoder) forget() {
	clear(e.handles)
	clear(e.classes)
	clear(e.types)
	e.next = firstHandle
}

// known writes a reference if v was written before; else it is given the next
// handle when assign is called.
func (e *Encoder) known(v Value) bool {
	h, ok := e.handles[v]
	if ok {
		e.buf = append(e.buf, tcReference)
		e.buf = binary.BigEndian.AppendUint32(e.buf, h)
	}
	return ok
}

func (e *Encoder) assign(v Value) {
	e.handles[v] = e.next
	e.next++
}

func (e *Encoder) value(v Value) error {
	if e.depth++; e.depth > maxDepth {
		e.depth = 0 // the stream is of no use any more
		return fmt.Errorf("%w: it nests deeper than %d", ErrValue, maxDepth)
	}
	err := e.node(v)
	e.depth--
	return err
}

func (e *Encoder) node(v Value) error {
	switch v := v.(type) {
	case nil:
		e.buf = append(e.buf, tcNull)
		return nil
	case *String:
		return e.string(v)
	case *Object:
		return e.object(v)
	case *Array:
		return e.array(v)
	case *Enum:
		if e.known(v) {
			return nil
		}
		e.buf = append(e.buf, tcEnum)
		if err := e.class(v.Class); err != nil {
			return err
		}
		e.assign(v)
		return e.string(v.Const)
	case *Class:
		return e.class(v)
	case *ClassRef:
		if e.known(v) {
			return nil
		}
		e.buf = append(e.buf, tcClass)
		err := e.class(v.Class)
		e.assign(v)
		return err
	case Block:
		e.block(v)
		return nil
	}
	return fmt.Errorf("%w: %T is no node of a stream", ErrValue, v)
}

func (e *Encoder) string(s *String) error {
	if s == nil {
		return fmt.Errorf("%w: a string that is nil", ErrValue)
	}
	if e.known(s) {
		return nil
	}
	at := len(e.buf)
	e.buf = append(e.buf, tcString, 0, 0)
	var err error
	if e.buf, err = appendModified(e.buf, s.S); err != nil {
		return err
	}
	e.assign(s)
	n := len(e.buf) - at - 3
	if n <= 0xffff {
		binary.BigEndian.PutUint16(e.buf[at+1:], uint16(n))
		return nil
	}
	e.buf = append(e.buf, 0, 0, 0, 0, 0, 0)
	copy(e.buf[at+9:], e.buf[at+3:])
	e.buf[at] = tcLongString
	binary.BigEndian.PutUint64(e.buf[at+1:], uint64(n))
	return nil
}

// utf writes a text that can't be long: a name.
func (e *Encoder) utf(s string) (err error) {
	at := len(e.buf)
	e.buf = append(e.buf, 0, 0)
	if e.buf, err = appendModified(e.buf, s); err != nil {
		return err
	}
	n := len(e.buf) - at - 2
	if n > 0xffff {
		return fmt.Errorf("%w: a name of %d bytes", ErrValue, n)
	}
	binary.BigEndian.PutUint16(e.buf[at:], uint16(n))
	return nil
}

func (e *Encoder) block(b Block) {
	if len(b) <= 0xff {
		e.buf = append(e.buf, tcBlockData, byte(len(b)))
	} else {
		e.buf = append(e.buf, tcBlockDataLong)
		e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(len(b)))
	}
	e.buf = append(e.buf, b...)
}

func (e *Encoder) custom(list []Value) error {
	for _, v := range list {
		if err := e.value(v); err != nil {
			return err
		}
	}
	e.buf = append(e.buf, tcEndBlockData)
	return nil
}

func (e *Encoder) class(c *Class) error {
	if c == nil {
		e.buf = append(e.buf, tcNull)
		return nil
	}
	if c = e.same(c); e.known(c) {
		return nil
	}
	var err error
	if c.Proxy != nil {
		e.buf = append(e.buf, tcProxyClassDesc)
		e.assign(c)
		e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(len(c.Proxy)))
		for i := 0; i < len(c.Proxy) && err == nil; i++ {
			err = e.utf(c.Proxy[i])
		}
	} else {
		e.buf = append(e.buf, tcClassDesc)
		err = e.utf(c.Name)
		e.buf = binary.BigEndian.AppendUint64(e.buf, uint64(c.UID))
		e.assign(c)
		e.buf = append(e.buf, c.Flags)
		e.buf = binary.BigEndian.AppendUint16(e.buf, uint16(len(c.Fields)))
		for i := 0; i < len(c.Fields) && err == nil; i++ {
			err = e.field(&c.Fields[i])
		}
	}
	if err == nil {
		err = e.custom(c.Annotation)
	}
	if err != nil {
		return err
	}
	return e.class(c.Super)
}

func (e *Encoder) field(f *Field) error {
	e.buf = append(e.buf, f.Type)
	err := e.utf(f.Name)
	if err != nil || width(f.Type) > 0 {
		return err
	}
	sig := f.Sig
	if sig != nil && e.types[sig.S] == nil {
		e.types[sig.S] = sig
	} else if sig != nil {
		sig = e.types[sig.S]
	}
	return e.string(sig)
}

// same returns the description that was written before of an equal class, if
// there is one.
func (e *Encoder) same(c *Class) *Class {
	if _, known := e.handles[c]; known {
		return c
	}
	if first := e.classes[c.Name]; first == nil {
		e.classes[c.Name] = c
	} else if first.equal(c) {
		return first
	}
	return c
}

// equal reports whether two descriptions say the same. Annotations are not
// compared: only one without is.
func (c *Class) equal(d *Class) bool {
	for ; c != d; c, d = c.Super, d.Super {
		if c == nil || d == nil || c.Name != d.Name || c.UID != d.UID || c.Flags != d.Flags || len(c.Fields) != len(d.Fields) ||
			c.Proxy != nil || d.Proxy != nil || len(c.Annotation)+len(d.Annotation) > 0 {
			return false
		}
		for i := range c.Fields {
			f, g := &c.Fields[i], &d.Fields[i]
			if f.Type != g.Type || f.Name != g.Name || (f.Sig == nil) != (g.Sig == nil) || f.Sig != nil && f.Sig.S != g.Sig.S {
				return false
			}
		}
	}
	return true
}

func (e *Encoder) object(o *Object) error {
	if e.known(o) {
		return nil
	}
	e.buf = append(e.buf, tcObject)
	if err := e.class(o.Class); err != nil {
		return err
	}
	e.assign(o)
	for i := range o.Parts {
		if err := e.part(&o.Parts[i]); err != nil {
			return err
		}
	}
	return nil
}

func (e *Encoder) part(p *Part) error {
	if p.Class.Flags&Externalizable != 0 {
		return e.custom(p.Custom)
	}
	if prim, refs := p.Class.sizes(); prim != len(p.Prim) || refs != len(p.Refs) {
		return fmt.Errorf("%w: class %s has %d bytes of primitives and %d references, not %d and %d",
			ErrValue, p.Class.Name, prim, refs, len(p.Prim), len(p.Refs))
	}
	e.buf = append(e.buf, p.Prim...)
	for _, v := range p.Refs {
		if err := e.value(v); err != nil {
			return err
		}
	}
	if p.Class.Flags&WriteMethod != 0 {
		return e.custom(p.Custom)
	}
	return nil
}

func (e *Encoder) array(a *Array) error {
	if e.known(a) {
		return nil
	}
	e.buf = append(e.buf, tcArray)
	if err := e.class(a.Class); err != nil {
		return err
	}
	e.assign(a)
	e.buf = binary.BigEndian.AppendUint32(e.buf, uint32(a.Len()))
	e.buf = append(e.buf, a.Prim...)
	for _, v := range a.Refs {
		if err := e.value(v); err != nil {
			return err
		}
	}
	return nil
}
