// SPDX-License-Identifier: Apache-2.0

package javaser

import "slices"

// known are classes, and the texts in them, that a decoder met before: each
// frame of JCS 3 describes the same six classes anew, and a Class is never
// changed, so one serves for all.
type known struct {
	classes map[string]*Class
	types   map[string]*String
	names   map[string]string
	fields  []Field // memory for those that are being read
}

// Limits of what is remembered. Beyond them, nothing new is.
const (
	maxKnown     = 1024
	maxKnownName = 256 // bytes
)

// class returns the class that was met before and says the same as c, or c.
func (k *known) class(c *Class) *Class {
	if c.Proxy != nil || len(c.Annotation) > 0 || len(c.Name) > maxKnownName {
		return c
	}
	if met := k.classes[c.Name]; met != nil && met.Super == c.Super && met.UID == c.UID && met.Flags == c.Flags && slices.Equal(met.Fields, c.Fields) {
		return met
	}
	if k.classes == nil {
		k.classes = map[string]*Class{}
	}
	if _, ok := k.classes[c.Name]; ok || len(k.classes) < maxKnown {
		k.classes[c.Name] = c
	}
	return c
}

// list returns the fields of the class of that name if they are these, or a
// copy.
func (k *known) list(class string, fields []Field) []Field {
	if met := k.classes[class]; met != nil && slices.Equal(met.Fields, fields) {
		return met.Fields
	}
	return slices.Clone(fields)
}

// name reads the name of a class or field.
func (d *Decoder) name() string {
	n := d.uint16()
	if n > maxKnownName {
		return d.utfOf(int64(n))
	}
	b := d.take(n)
	if s, ok := d.known.names[string(b)]; ok {
		return s
	}
	s := d.text(b)
	if d.err == nil && d.charge(n) && len(d.known.names) < maxKnown {
		if d.known.names == nil {
			d.known.names = map[string]string{}
		}
		d.known.names[string(b)] = s // as it is on the wire
	}
	return s
}

// signature reads the type of a field: a string, or a reference to one.
func (d *Decoder) signature() *String {
	at := d.handles.n
	s := d.stringValue("a field's type")
	if s == nil || len(s.S) > maxKnownName {
		return s
	}
	if met := d.known.types[s.S]; met != nil {
		if d.handles.n > at { // it was no reference
			d.handles.set(at, met)
		}
		return met
	}
	if len(d.known.types) < maxKnown {
		if d.known.types == nil {
			d.known.types = map[string]*String{}
		}
		d.known.types[s.S] = s
	}
	return s
}
