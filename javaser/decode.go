// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"cmp"
	"errors"
	"fmt"
	"io"
)

// A Decoder reads one stream. It is for one goroutine.
type Decoder struct {
	source
	limits  Limits
	handles handles
	depth   int
	spent   int // of Limits.Memory, by the value that is being read
	opened  bool
	thrown  *Exception // cut the value that is being read
	lost    error      // the value that is being read refers to what is forgotten
	known   known
}

// NewDecoder reads from r, and may read ahead.
func NewDecoder(r io.Reader, l Limits) *Decoder {
	return &Decoder{source: source{r: r}, limits: l.orDefaults()}
}

// NewBytesDecoder reads a stream that is there as a whole.
func NewBytesDecoder(b []byte, l Limits) *Decoder {
	return &Decoder{source: source{buf: b}, limits: l.orDefaults()}
}

// Decode reads a stream of exactly one value.
func Decode(b []byte, l Limits) (Value, error) { return NewBytesDecoder(nil, l).Whole(b) }

// Whole reads another stream, of exactly one value. It is Decode for who reads
// many: classes that were met before are known again.
func (d *Decoder) Whole(b []byte) (Value, error) {
	d.source = source{buf: b}
	d.handles.reset()
	d.opened, d.thrown = false, nil
	v, err := d.Next()
	if err != nil {
		return nil, err
	}
	if n := len(b) - d.at; n > 0 {
		return nil, fmt.Errorf("%w: %d bytes behind the object", ErrFormat, n)
	}
	return v, nil
}

// Next returns the next value: an object of any kind, nil, a Block, a Reset or
// an *Exception. At the end between two values it returns io.EOF; everything
// else is an error for good, io.ErrUnexpectedEOF if the stream just ends, but for
// ErrForgotten: the value is lost, and the stream goes on behind it.
func (d *Decoder) Next() (Value, error) {
	if d.err == nil {
		d.header()
	}
	d.spent, d.depth, d.lost = 0, 0, nil
	if d.atEnd() {
		return nil, io.EOF
	}
	v := d.content(d.byte(), true)
	if d.thrown != nil && d.err == errCut {
		v, d.thrown, d.err = d.thrown, nil, nil
	}
	if d.err == nil && !d.handles.close(d.spent, d.limits.Retained) {
		d.fail(fmt.Errorf("%w: %d bytes are referred to again and again and can't be forgotten, at most %d are allowed; the writer never resets its stream",
			ErrLimit, d.handles.pinned, d.limits.Retained))
	}
	if err := cmp.Or(d.err, d.lost); err != nil {
		return nil, fmt.Errorf("byte %d: %w", d.offset(), err)
	}
	return v, nil
}

// Rest returns what was read ahead of the values so far.
func (d *Decoder) Rest() []byte { return d.buf[d.at:] }

// Offset returns how many bytes the values so far took.
func (d *Decoder) Offset() int64 { return d.offset() }

func (d *Decoder) header() {
	if d.opened {
		return
	}
	d.opened = true
	if b := d.take(len(header)); b != nil && string(b) != header {
		d.failf("it starts with % x instead of % x", b, header)
	}
}

// atEnd reports whether nothing follows.
func (d *Decoder) atEnd() bool {
	if d.err != nil || d.fill(1) {
		return false
	}
	if errors.Is(d.err, io.ErrUnexpectedEOF) {
		d.err = nil
		if d.r == nil || d.at == len(d.buf) {
			return true
		}
	}
	return false
}

// charge takes n bytes of memory off the budget before they are allocated.
func (d *Decoder) charge(n int) bool {
	if n < 0 || n > d.limits.Memory-d.spent {
		d.fail(fmt.Errorf("%w: one value needs more than %d bytes of memory", ErrLimit, d.limits.Memory))
		return false
	}
	d.spent += n
	return d.err == nil
}

// enter goes one level deeper.
func (d *Decoder) enter() bool {
	if d.depth >= d.limits.Depth {
		d.fail(fmt.Errorf("%w: values nest deeper than %d", ErrLimit, d.limits.Depth))
	}
	d.depth++
	return d.err == nil
}

// content reads what starts with tag. Only at the top may it be a reset.
func (d *Decoder) content(tag byte, top bool) Value {
	if d.err != nil || !d.enter() {
		return nil
	}
	defer func() { d.depth-- }()
	switch tag {
	case tcNull:
		return nil
	case tcReference:
		return d.reference()
	case tcString, tcLongString:
		return d.newString(tag)
	case tcObject:
		return d.object()
	case tcArray:
		return d.array()
	case tcEnum:
		return d.enum()
	case tcClass:
		c := d.classDesc()
		if c == nil {
			d.failf("a Class object without a class")
		}
		r := &ClassRef{c}
		d.handle(r)
		return r
	case tcClassDesc, tcProxyClassDesc:
		return d.newClass(tag)
	case tcBlockData, tcBlockDataLong:
		return d.block(tag)
	case tcReset:
		if top {
			d.handles.reset()
			return Reset{}
		}
	case tcException:
		return d.exception()
	}
	d.failf("tag %02x where a value should be", tag)
	return nil
}

// errCut ends the reading of a value whose writer failed in the middle of it.
var errCut = errors.New("the writer failed")

// exception reads what stopped the writer, wherever in a value that was. What
// was read of the value is dropped, as nothing can refer to it any more.
func (d *Decoder) exception() Value {
	if d.thrown != nil {
		d.failf("an exception within an exception")
		return nil
	}
	d.thrown = &Exception{}
	d.handles.reset()
	v := d.content(d.byte(), false)
	d.handles.reset()
	d.thrown.Thrown = v
	d.fail(errCut)
	return nil
}

// handle gives v the next number.
func (d *Decoder) handle(v Value) {
	if d.charge(costNode) {
		d.handles.add(v)
	}
}

func (d *Decoder) reference() Value {
	n := d.int32()
	if d.err != nil {
		return nil
	}
	v, known := d.handles.get(n - firstHandle)
	switch {
	case !known:
		d.failf("a reference to %#x, of which nothing has the number", n)
	case v == nil:
		d.lost = fmt.Errorf("%w: a reference to %#x, when more than %d bytes had to be kept; the writer never resets its stream", ErrForgotten, n, d.limits.Retained)
	}
	return v
}

func (d *Decoder) newString(tag byte) *String {
	s := &String{}
	d.handle(s)
	s.S = d.utf(tag == tcLongString)
	return s
}

// utf reads a text with its length.
func (d *Decoder) utf(long bool) string {
	if long {
		return d.utfOf(d.int64())
	}
	return d.utfOf(int64(d.uint16()))
}

func (d *Decoder) utfOf(n int64) string {
	if n < 0 || n > int64(d.limits.Memory) {
		d.fail(fmt.Errorf("%w: a string declares %d bytes", ErrLimit, n))
	}
	if !d.charge(int(n)) {
		return ""
	}
	if n <= minRead { // the usual: no copy beside the string's own
		b := d.take(int(n))
		if plainASCII(b) {
			return string(b)
		}
		return d.text(b)
	}
	b := d.bytes(int(n))
	if d.err != nil || !d.charge(int(n)) {
		return ""
	}
	return d.text(b)
}

func (d *Decoder) text(b []byte) string {
	out, err := fromModified(make([]byte, 0, len(b)), b)
	if err != nil {
		d.fail(err)
	}
	return string(out)
}

func plainASCII(b []byte) bool {
	for _, c := range b {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// stringValue reads a string or a reference to one, as field types and enum
// constants are.
func (d *Decoder) stringValue(what string) *String {
	switch tag := d.byte(); {
	case d.err != nil:
	case tag == tcString || tag == tcLongString:
		return d.newString(tag)
	case tag == tcReference:
		if s, ok := d.reference().(*String); ok || d.err != nil {
			return s
		}
		d.failf("%s refers to something that is no string", what)
	default:
		d.failf("tag %02x where %s should be", tag, what)
	}
	return nil
}

func (d *Decoder) block(tag byte) Value {
	n := 0
	if tag == tcBlockData {
		n = int(d.byte())
	} else {
		n = d.int32()
	}
	if n < 0 || !d.charge(n+costNode) {
		d.failf("a block of %d bytes", n)
		return nil
	}
	return Block(d.bytes(n))
}
