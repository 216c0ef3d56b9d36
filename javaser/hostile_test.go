// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
)

// raw builds streams that no Java writes.
type raw struct{ bytes.Buffer }

func newRaw() *raw { r := &raw{}; r.WriteString(header); return r }

func (r *raw) b(bs ...byte) *raw { r.Write(bs); return r }
func (r *raw) i32(n uint32) *raw { return r.b(binary.BigEndian.AppendUint32(nil, n)...) }
func (r *raw) i64(n uint64) *raw { return r.b(binary.BigEndian.AppendUint64(nil, n)...) }
func (r *raw) utf(s string) *raw { r.b(byte(len(s)>>8), byte(len(s))); r.WriteString(s); return r }
func (r *raw) ref(n uint32) *raw { return r.b(tcReference).i32(firstHandle + n) }
func (r *raw) class(name string, flags byte, fields ...string) *raw {
	r.b(tcClassDesc).utf(name).i64(1).b(flags, byte(len(fields)>>8), byte(len(fields)))
	for _, f := range fields {
		r.b(f[0]).utf(f[1:])
		if width(f[0]) == 0 {
			r.b(tcString).utf("Ljava/lang/Object;")
		}
	}
	return r.b(tcEndBlockData)
}

// deep nests an array of objects n times.
func deep(n int) *raw {
	r := newRaw()
	r.b(tcArray).class("[Ljava.lang.Object;", Serializable).b(tcNull).i32(1)
	for range n {
		r.b(tcArray).ref(0).i32(1)
	}
	return r.b(tcNull)
}

// tower gives a class n superclasses and then makes many objects of it.
func tower(n, objects int) *raw {
	r := newRaw().b(tcArray).class("[Ljava.lang.Object;", Serializable).b(tcNull).i32(uint32(objects))
	r.b(tcObject)
	for i := range n {
		r.class(fmt.Sprint("C", i), Serializable)
	}
	r.b(tcNull)
	for range objects - 1 {
		r.b(tcObject).ref(2)
	}
	return r
}

var hostile = map[string]struct {
	stream *raw
	want   error
}{
	"deep nesting":           {deep(100_000), ErrLimit},
	"deep classes":           {tower(100_000, 1), ErrLimit},
	"many superclasses":      {tower(maxSupers+2, 1), ErrLimit},
	"huge array":             {newRaw().b(tcArray).class("[B", Serializable).b(tcNull).i32(0x7fffffff), ErrLimit},
	"huge array of objects":  {newRaw().b(tcArray).class("[Lx;", Serializable).b(tcNull).i32(0x7fffffff), ErrLimit},
	"negative array":         {newRaw().b(tcArray).class("[B", Serializable).b(tcNull).i32(0xffffffff), ErrLimit},
	"large array, no data":   {newRaw().b(tcArray).class("[B", Serializable).b(tcNull).i32(200 << 20), io.ErrUnexpectedEOF},
	"large objects, no data": {newRaw().b(tcArray).class("[Lx;", Serializable).b(tcNull).i32(10 << 20), io.ErrUnexpectedEOF},
	"huge string":            {newRaw().b(tcLongString).i64(1 << 62), ErrLimit},
	"negative string":        {newRaw().b(tcLongString).i64(1 << 63), ErrLimit},
	"large string, no data":  {newRaw().b(tcLongString).i64(100 << 20), io.ErrUnexpectedEOF},
	"huge block":             {newRaw().b(tcBlockDataLong).i32(0x7fffffff), ErrLimit},
	"negative block":         {newRaw().b(tcBlockDataLong).i32(0x80000000), ErrFormat},
	"many fields":            {newRaw().b(tcObject, tcClassDesc).utf("X").i64(1).b(2, 0xff, 0xff), ErrLimit},
	"many interfaces":        {newRaw().b(tcObject, tcProxyClassDesc).i32(1 << 30), ErrLimit},
	"negative interfaces":    {newRaw().b(tcObject, tcProxyClassDesc).i32(1 << 31), ErrLimit},
	"own superclass":         {newRaw().b(tcObject).class("X", 2).ref(0), ErrFormat},
	"unknown handle":         {newRaw().ref(0), ErrFormat},
	"handle below the first": {newRaw().b(tcReference).i32(5), ErrFormat},
	"class is a string":      {newRaw().b(tcArray).class("[Lx;", 2).b(tcNull).i32(2).b(tcString).utf("s").b(tcObject).ref(2), ErrFormat},
	"object without class":   {newRaw().b(tcObject, tcNull), ErrFormat},
	"array without class":    {newRaw().b(tcArray, tcNull), ErrFormat},
	"array of no arrays":     {newRaw().b(tcArray).class("X", 2).b(tcNull), ErrFormat},
	"enum of no enum":        {newRaw().b(tcEnum).class("X", 2).b(tcNull).b(tcString).utf("A"), ErrFormat},
	"enum without name":      {newRaw().b(tcEnum).class("X", 0x12).b(tcNull).b(tcNull), ErrFormat},
	"enum as object":         {newRaw().b(tcObject).class("X", 0x12).b(tcNull), ErrFormat},
	"class of nothing":       {newRaw().b(tcClass, tcNull), ErrFormat},
	"field order":            {newRaw().b(tcObject).class("X", 2, "Lo", "Ii").b(tcNull), ErrFormat},
	"field type":             {newRaw().b(tcObject).class("X", 2, "Qo").b(tcNull), ErrFormat},
	"protocol version 1":     {newRaw().b(tcObject).class("X", Externalizable).b(tcNull), ErrFormat},
	"both kinds":             {newRaw().b(tcObject).class("X", Externalizable|Serializable).b(tcNull), ErrFormat},
	"inner reset":            {newRaw().b(tcArray).class("[Lx;", 2).b(tcNull).i32(1).b(tcReset), ErrFormat},
	"block as element":       {newRaw().b(tcArray).class("[Lx;", 2).b(tcNull).i32(1).b(tcBlockData, 0), ErrFormat},
	"exception in exception": {newRaw().b(tcException, tcException, tcNull), ErrFormat},
	"unknown tag":            {newRaw().b(0x7f), ErrFormat},
	"bad UTF-8":              {newRaw().b(tcString, 0, 1, 0xff), ErrFormat},
	"cut UTF-8":              {newRaw().b(tcString, 0, 2, 0xe6, 0xbc), ErrFormat},
	"other format":           {&raw{*bytes.NewBufferString("GET / HTTP/1.1\r\n")}, ErrFormat},
}

// allocated runs f and returns how many bytes it allocated in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHostile wants each of these refused for its own reason, and cheaply: a
// few times what arrived and a little.
func TestHostile(t *testing.T) {
	for name, c := range hostile {
		s := c.stream.Bytes()
		for how, open := range map[string]func() *Decoder{
			"reader": func() *Decoder { return NewDecoder(bytes.NewReader(s), Limits{}) },
			"bytes":  func() *Decoder { return NewBytesDecoder(s, Limits{}) },
		} {
			var err error
			n := allocated(func() { _, err = open().Next() })
			if !errors.Is(err, c.want) {
				t.Errorf("%s (%s): %v, want %v", name, how, err, c.want)
			}
			if most := uint64(1<<20 + 100*len(s)); n > most {
				t.Errorf("%s (%s): %d bytes were allocated for a stream of %d", name, how, n, len(s))
			}
		}
	}
}

// TestMemoryIsCharged reads streams that are a thousand times larger in memory
// than on the wire, with a small limit.
func TestMemoryIsCharged(t *testing.T) {
	handles := newRaw().b(tcArray).class("[Lx;", 2).b(tcNull).i32(200_000)
	for range 200_000 {
		handles.b(tcString, 0, 0)
	}
	wide := make([]string, maxFields)
	for i := range wide {
		wide[i] = "Bf"
	}
	for name, r := range map[string]*raw{
		"towers":  tower(maxSupers, 200_000),
		"handles": handles,
		"custom":  newRaw().b(tcObject).class("X", 3).b(tcNull).b(bytes.Repeat([]byte{tcNull}, 1<<20)...),
		"wide":    newRaw().b(tcObject).class("X", 2, wide...).b(tcNull),
	} {
		s := r.Bytes()
		const limit = 200 << 10
		n := allocated(func() {
			if _, err := NewBytesDecoder(s, Limits{Memory: limit}).Next(); !errors.Is(err, ErrLimit) && name != "wide" {
				t.Errorf("%s: %v", name, err)
			}
		})
		if n > 6*limit {
			t.Errorf("%s: %d bytes were allocated with a limit of %d", name, n, limit)
		}
	}
}

// TestChained builds, of shallow values that refer to each other, a graph so
// deep that walking it would take all the stack there is.
func TestChained(t *testing.T) {
	r := newRaw().b(tcArray).class("[Lx;", Serializable).b(tcNull).i32(0)
	for i := range uint32(10_000) {
		r.b(tcArray).ref(0).i32(1).ref(i + 1)
	}
	list := must(decodeAll(&r.Buffer, Limits{}))
	last := list[len(list)-1]
	if _, err := Encode(last); !errors.Is(err, ErrValue) {
		t.Errorf("%d levels were written: %v", len(list), err)
	}
	Tree(last)
	Plain(last)
	Hash(last)
}

// TestGadget reads the shape of a known chain of gadgets: to us it is a tree
// like any other, and the class names are text.
func TestGadget(t *testing.T) {
	r := newRaw().b(tcObject).class("java.util.HashSet", 3).b(tcNull).b(tcBlockData, 12).i32(1).i32(0x3f400000).i32(1)
	r.b(tcObject).class("org.apache.commons.collections.keyvalue.TiedMapEntry", 2, "Lkey", "Lmap").b(tcNull)
	r.b(tcString).utf("foo")
	r.b(tcObject).class("org.apache.commons.collections.map.LazyMap", 3, "Lfactory").b(tcNull)
	r.b(tcObject).class("org.apache.commons.collections.functors.ChainedTransformer", 2, "[iTransformers").b(tcNull)
	r.b(tcArray).class("[Lorg.apache.commons.collections.Transformer;", 2).b(tcNull).i32(1)
	r.b(tcObject).class("org.apache.commons.collections.functors.InvokerTransformer", 2, "LiMethodName").b(tcNull).b(tcString).utf("exec")
	r.b(tcNull, tcEndBlockData, tcEndBlockData)
	v, err := Decode(r.Bytes(), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if tree := Tree(v); !strings.Contains(tree, `iMethodName = "exec"`) {
		t.Error(tree)
	}
	if _, ok := Plain(v); ok {
		t.Error("it was taken for plain values")
	}
	if again := must(Decode(must(Encode(v)), Limits{})); Tree(again) != Tree(v) {
		t.Error("it does not pass through untouched")
	}
}

// TestNeverReset reads what JCS 2 writes: one stream for ever. What it never
// refers to again is forgotten; what it does stays.
func TestNeverReset(t *testing.T) {
	e := NewEncoder()
	name := &String{"region"}
	if err := e.Encode(List([]Value{name, &String{"first"}})); err != nil {
		t.Fatal(err)
	}
	in := bytes.NewBuffer(e.Take())
	d := NewDecoder(in, Limits{Retained: 64 << 10})
	for i := range 10_000 {
		if i > 0 {
			if err := e.Encode(List([]Value{name, &String{strings.Repeat("x", 100)}})); err != nil {
				t.Fatal(err)
			}
			in.Write(e.Take())
		}
		v, err := d.Next()
		if err != nil {
			t.Fatalf("message %d: %v", i, err)
		}
		if p, _ := Plain(v); p.([]any)[0] != "region" {
			t.Fatalf("message %d: %v", i, p)
		}
	}
	h := &d.handles
	if h.kept > 64<<10 || len(h.values) > 400 {
		t.Errorf("%d bytes in %d values are kept", h.kept, len(h.values))
	}
	live := 0
	for _, b := range h.blocks {
		if b != nil {
			live++
		}
	}
	if live > 3 || h.n < 20_000 {
		t.Errorf("%d blocks of %d handles are kept", live, h.n)
	}
	in.Write(new(raw).ref(uint32(h.n / 2)).Bytes())
	if _, err := d.Next(); !errors.Is(err, ErrLimit) {
		t.Errorf("a reference to what was forgotten: %v", err)
	}
}

// TestPinned wants an end to a stream that refers to everything again.
func TestPinned(t *testing.T) {
	in := new(raw)
	in.WriteString(header)
	d := NewDecoder(in, Limits{Retained: 64 << 10})
	for i := range uint32(10_000) {
		in.b(tcString).utf("0123456789")
		in.ref(i)
		for range 2 {
			if _, err := d.Next(); errors.Is(err, ErrLimit) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}
	t.Errorf("%d bytes are pinned", d.handles.pinned)
}

// TestReset forgets handles where the stream says so.
func TestReset(t *testing.T) {
	r := newRaw().b(tcString).utf("a").b(tcReset).b(tcString).utf("b").ref(0)
	list := must(decodeAll(&r.Buffer, Limits{}))
	if s := list[3].(*String); s.S != "b" {
		t.Errorf("handle 0 is %q", s.S)
	}
}

// TestEncodeRefuses wants an error for trees that are none of Java's.
func TestEncodeRefuses(t *testing.T) {
	for name, v := range map[string]Value{
		"int":         5,
		"no fields":   &Object{Class: intClass, Parts: []Part{{Class: number}, {Class: intClass}}},
		"nil string":  (*String)(nil),
		"long name":   &ClassRef{&Class{Name: strings.Repeat("x", 1<<16)}},
		"not UTF-8":   List([]Value{&String{"\xfe"}}),
		"inner reset": List([]Value{Reset{}}),
	} {
		if _, err := Encode(v); !errors.Is(err, ErrValue) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
