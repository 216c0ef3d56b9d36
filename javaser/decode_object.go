// SPDX-License-Identifier: Apache-2.0

package javaser

import "fmt"

// classDesc reads the description of a class, nil for none.
func (d *Decoder) classDesc() *Class {
	switch tag := d.byte(); {
	case d.err != nil:
	case tag == tcNull:
	case tag == tcClassDesc || tag == tcProxyClassDesc:
		return d.newClass(tag)
	case tag == tcReference:
		c, ok := d.reference().(*Class)
		switch {
		case d.err != nil:
		case !ok:
			d.failf("a class that refers to something else")
		case c.open:
			d.failf("class %.64q refers to itself", c.Name)
		default:
			return c
		}
	default:
		d.failf("tag %02x where a class should be", tag)
	}
	return nil
}

func (d *Decoder) newClass(tag byte) *Class {
	c := &Class{open: true}
	at := d.handles.n
	if !d.enter() {
		return nil
	}
	defer func() { d.depth-- }()
	if tag == tcProxyClassDesc {
		d.handle(c)
		d.interfaces(c)
	} else {
		if c.Name = d.name(); d.limits.denies(c.Name) {
			d.fail(&DeniedError{c.Name})
		}
		c.UID = d.int64()
		d.handle(c)
		c.Flags = d.byte()
		d.fields(c)
	}
	c.Annotation = d.custom()
	c.Super = d.classDesc()
	if c.Super != nil {
		c.depth = c.Super.depth + 1
	}
	switch {
	case d.err != nil:
	case c.depth > maxSupers:
		d.fail(fmt.Errorf("%w: class %.64q has more than %d superclasses", ErrLimit, c.Name, maxSupers))
	case c.Flags&Serializable != 0 && c.Flags&Externalizable != 0:
		d.failf("class %.64q is both serializable and externalizable", c.Name)
	}
	c.open = false
	if met := d.known.class(c); met != c && d.err == nil {
		d.handles.set(at, met)
		return met
	}
	return c
}

func (d *Decoder) interfaces(c *Class) {
	n := d.int32()
	if n < 0 || n > maxFields {
		d.fail(fmt.Errorf("%w: a proxy of %d interfaces", ErrLimit, n))
	}
	c.Proxy = []string{}
	for i := 0; i < n && d.charge(costSlot); i++ {
		c.Proxy = append(c.Proxy, d.utf(false))
	}
}

func (d *Decoder) fields(c *Class) {
	n := d.uint16()
	if n > maxFields {
		d.fail(fmt.Errorf("%w: class %.64q declares %d fields, at most %d are allowed", ErrLimit, c.Name, n, maxFields))
	}
	references := false
	list := d.known.fields[:0]
	for i := 0; i < n && d.charge(costField); i++ {
		f := Field{Type: d.byte(), Name: d.name()}
		switch {
		case d.err != nil:
			return
		case f.Type == 'L' || f.Type == '[':
			references = true
			f.Sig = d.signature()
		case width(f.Type) == 0:
			d.failf("field %.64q of class %.64q has type %02x", f.Name, c.Name, f.Type)
		case references: // java.io.ObjectStreamClass.computeFieldOffsets refuses it as well
			d.failf("field %.64q of class %.64q: a primitive behind a reference", f.Name, c.Name)
		}
		list = append(list, f)
	}
	c.Fields = d.known.list(c.Name, list)
	d.known.fields = list
}

// custom reads what a writeObject method wrote, up to its end.
func (d *Decoder) custom() (list []Value) {
	for d.err == nil {
		tag := d.byte()
		if tag == tcEndBlockData {
			return list
		}
		v := d.content(tag, false)
		if d.charge(costGrown) {
			list = append(list, v)
		}
	}
	return nil
}

func (d *Decoder) object() Value {
	c := d.classDesc()
	switch {
	case d.err != nil:
		return nil
	case c == nil:
		d.failf("an object without a class")
		return nil
	case c.Flags&IsEnum != 0:
		d.failf("an enum %.64q that is written as an object", c.Name)
		return nil
	}
	o := &Object{Class: c}
	d.handle(o)
	if !d.charge((c.depth + 1) * costPart) {
		return nil
	}
	if c.Flags&Externalizable != 0 {
		if c.Flags&BlockData == 0 {
			d.failf("class %.64q writes itself without blocks (protocol version 1): nobody but the class can read it", c.Name)
			return nil
		}
		o.Parts = []Part{{Class: c, Custom: d.custom()}}
		return o
	}
	o.Parts = make([]Part, c.depth+1)
	for i, k := c.depth, c; k != nil; i, k = i-1, k.Super {
		o.Parts[i].Class = k
	}
	for i := range o.Parts {
		if d.err != nil {
			return nil
		}
		d.part(&o.Parts[i])
	}
	return o
}

func (d *Decoder) part(p *Part) {
	prim, refs := p.Class.sizes()
	if !d.charge(prim + refs*costSlot) {
		return
	}
	if prim > 0 {
		p.Prim = d.bytes(prim)
	}
	if refs > 0 {
		p.Refs = make([]Value, 0, min(refs, 64))
	}
	for i := 0; i < refs && d.err == nil; i++ {
		p.Refs = append(p.Refs, d.nested())
	}
	if p.Class.Flags&WriteMethod != 0 {
		p.Custom = d.custom()
	}
}

// nested reads a field or an element, where a block can't be.
func (d *Decoder) nested() Value {
	tag := d.byte()
	if tag == tcBlockData || tag == tcBlockDataLong {
		d.failf("tag %02x where a value should be", tag)
		return nil
	}
	return d.content(tag, false)
}

func (d *Decoder) array() Value {
	c := d.classDesc()
	if d.err != nil {
		return nil
	}
	if c == nil || c.elem() == 0 {
		d.failf("an array whose class is none of arrays")
		return nil
	}
	a := &Array{Class: c}
	d.handle(a)
	n := d.int32()
	w := width(c.elem())
	cost := costGrown
	if w > 0 {
		cost = w
	}
	if n < 0 || n > d.limits.Memory || !d.charge(n*cost) {
		d.fail(fmt.Errorf("%w: an array of %d elements", ErrLimit, n))
		return nil
	}
	if w > 0 {
		a.Prim = d.bytes(n * w)
		return a
	}
	a.Refs = make([]Value, 0, min(n, 1024))
	for i := 0; i < n && d.err == nil; i++ {
		a.Refs = append(a.Refs, d.nested())
	}
	return a
}

func (d *Decoder) enum() Value {
	c := d.classDesc()
	if d.err == nil && (c == nil || c.Flags&IsEnum == 0) {
		d.failf("an enum constant whose class is no enum")
		return nil
	}
	e := &Enum{Class: c}
	d.handle(e)
	e.Const = d.stringValue("an enum constant's name")
	return e
}
