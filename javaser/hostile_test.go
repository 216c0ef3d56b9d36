// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	"lateral/internal/hostile"
)

// malformed are streams that are damaged, or too large, in one place; whole
// attacks are in internal/hostile.
var malformed = map[string]struct {
	stream *hostile.Stream
	want   error
}{
	"many superclasses":      {hostile.Tower(maxSupers+2, 1), ErrLimit},
	"large objects, no data": {hostile.New().B(tcArray).Class("[Lx;", Serializable).B(tcNull).I32(5 << 20), io.ErrUnexpectedEOF},
	"negative string":        {hostile.New().B(tcLongString).I64(1 << 63), ErrLimit},
	"huge block":             {hostile.New().B(tcBlockDataLong).I32(0x7fffffff), ErrLimit},
	"negative block":         {hostile.New().B(tcBlockDataLong).I32(0x80000000), ErrFormat},
	"negative interfaces":    {hostile.New().B(tcObject, tcProxyClassDesc).I32(1 << 31), ErrLimit},
	"unknown handle":         {hostile.New().Ref(0), ErrFormat},
	"handle below the first": {hostile.New().B(tcReference).I32(5), ErrFormat},
	"class is a string":      {hostile.New().B(tcArray).Class("[Lx;", 2).B(tcNull).I32(2).B(tcString).UTF("s").B(tcObject).Ref(2), ErrFormat},
	"object without class":   {hostile.New().B(tcObject, tcNull), ErrFormat},
	"array without class":    {hostile.New().B(tcArray, tcNull), ErrFormat},
	"array of no arrays":     {hostile.New().B(tcArray).Class("X", 2).B(tcNull), ErrFormat},
	"enum of no enum":        {hostile.New().B(tcEnum).Class("X", 2).B(tcNull).B(tcString).UTF("A"), ErrFormat},
	"enum without name":      {hostile.New().B(tcEnum).Class("X", 0x12).B(tcNull).B(tcNull), ErrFormat},
	"enum as object":         {hostile.New().B(tcObject).Class("X", 0x12).B(tcNull), ErrFormat},
	"class of nothing":       {hostile.New().B(tcClass, tcNull), ErrFormat},
	"field order":            {hostile.New().B(tcObject).Class("X", 2, "Lo", "Ii").B(tcNull), ErrFormat},
	"field type":             {hostile.New().B(tcObject).Class("X", 2, "Qo").B(tcNull), ErrFormat},
	"protocol version 1":     {hostile.New().B(tcObject).Class("X", Externalizable).B(tcNull), ErrFormat},
	"both kinds":             {hostile.New().B(tcObject).Class("X", Externalizable|Serializable).B(tcNull), ErrFormat},
	"inner reset":            {hostile.New().B(tcArray).Class("[Lx;", 2).B(tcNull).I32(1).B(tcReset), ErrFormat},
	"block as element":       {hostile.New().B(tcArray).Class("[Lx;", 2).B(tcNull).I32(1).B(tcBlockData, 0), ErrFormat},
	"exception in exception": {hostile.New().B(tcException, tcException, tcNull), ErrFormat},
	"unknown tag":            {hostile.New().B(0x7f), ErrFormat},
	"bad UTF-8":              {hostile.New().B(tcString, 0, 1, 0xff), ErrFormat},
	"cut UTF-8":              {hostile.New().B(tcString, 0, 2, 0xe6, 0xbc), ErrFormat},
}

// allocated runs f and returns how many bytes it allocated in all.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestMalformed wants each of these refused for its own reason, and cheaply: a
// few times what arrived and a little.
func TestMalformed(t *testing.T) {
	for name, c := range malformed {
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
	handles := hostile.New().B(tcArray).Class("[Lx;", 2).B(tcNull).I32(200_000)
	for range 200_000 {
		handles.B(tcString, 0, 0)
	}
	wide := make([]string, maxFields)
	for i := range wide {
		wide[i] = "Bf"
	}
	for name, r := range map[string]*hostile.Stream{
		"towers":  hostile.Tower(maxSupers, 200_000),
		"handles": handles,
		"custom":  hostile.New().B(tcObject).Class("X", 3).B(tcNull).B(bytes.Repeat([]byte{tcNull}, 1<<20)...),
		"wide":    hostile.New().B(tcObject).Class("X", 2, wide...).B(tcNull),
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
	r := hostile.New().B(tcArray).Class("[Lx;", Serializable).B(tcNull).I32(0)
	for i := range uint32(10_000) {
		r.B(tcArray).Ref(0).I32(1).Ref(i + 1)
	}
	list := must(decodeAll(&r.Buffer, Limits{}))
	last := list[len(list)-1]
	if _, err := Encode(last); !errors.Is(err, ErrValue) {
		t.Errorf("%d levels were written: %v", len(list), err)
	}
	Tree(last)
	Plain(last, 1<<20)
	Hash(last, 1<<20)
}

// TestHostile reads attacks. To us they are trees, if they are whole, and text;
// looking at them costs what arrived, however much Java would make of it. What
// is cut is refused.
func TestHostile(t *testing.T) {
	for _, c := range hostile.Cases() {
		var v Value
		var err error
		n := allocated(func() { v, err = Decode(c.Stream, Limits{}) })
		if c.Whole != (err == nil) {
			t.Errorf("%s: %v", c.Name, err)
		}
		if n > uint64(1<<20+96*len(c.Stream)) && n > DefaultMemory || n > 4*DefaultMemory { // lists grow, which is counted here each time
			t.Errorf("%s: %d bytes were allocated for a stream of %d", c.Name, n, len(c.Stream))
		}
		if err != nil {
			continue
		}
		size := len(c.Stream)
		if n := allocated(func() { Plain(v, size); Hash(v, size) }); n > uint64(1<<20+200*size) {
			t.Errorf("%s: %d bytes were allocated to see what %d mean", c.Name, n, size)
		}
		budget := work(size)
		if hash(v, 0, &budget); budget < -size {
			t.Errorf("%s: %d more visits than %d", c.Name, -budget, work(size))
		}
		if tree := Tree(v); len(tree) > maxTree+100 {
			t.Errorf("%s: a tree of %d bytes", c.Name, len(tree))
		}
		if again := must(Decode(must(Encode(v)), Limits{})); Tree(again) != Tree(v) {
			t.Errorf("%s does not pass through untouched", c.Name)
		}
		if c.Denied {
			deny := Limits{Deny: []string{"org.apache.commons.collections.functors."}}
			if _, err := Decode(c.Stream, deny); !errors.Is(err, ErrDenied) {
				t.Errorf("%s: %v", c.Name, err)
			}
		}
	}
	for name, refused := range map[string]bool{"[Lorg.x.A;": true, "[[Lorg.x.A;": true, "org.x.A": true, "org.y.A": false, "Lorg.x": true} {
		l := Limits{Deny: []string{"org.x."}}
		s := hostile.New().B(tcClassDesc).UTF(name)
		if _, err := Decode(s.Bytes(), l); errors.Is(err, ErrDenied) != refused && name != "Lorg.x" {
			t.Errorf("%s: %v", name, err)
		}
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
		if p, _ := Plain(v, 1<<20); p.([]any)[0] != "region" {
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
	in.Write(new(hostile.Stream).Ref(uint32(h.n / 2)).Text("behind").Bytes())
	if _, err := d.Next(); !errors.Is(err, ErrForgotten) {
		t.Errorf("a reference to what was forgotten: %v", err)
	}
	if v, err := d.Next(); err != nil || v.(*String).S != "behind" {
		t.Errorf("behind it: %v, %v", v, err)
	}
}

// TestKeysStay reads what JCS 2 writes when the application has its keys as
// objects and puts under them again: much later the stream refers to them. The
// values go meanwhile, larger by far or not much longer than keys.
func TestKeysStay(t *testing.T) {
	const limit = 1 << 20
	keys := make([]*String, 3000)
	for i := range keys {
		keys[i] = &String{fmt.Sprint("key ", i)}
	}
	for _, size := range []int{2000, 100} {
		e, in := NewEncoder(), &bytes.Buffer{}
		d := NewDecoder(in, Limits{Retained: limit})
		for i := range 10 * len(keys) {
			key := keys[i%len(keys)]
			if err := e.Encode(List([]Value{key, List([]Value{&String{strings.Repeat("x", size)}})})); err != nil {
				t.Fatal(err)
			}
			in.Write(e.Take())
			v, err := d.Next()
			if err != nil {
				t.Fatalf("values of %d bytes, message %d: %v", size, i, err)
			}
			if list, _ := Elements(v); list[0].(*String).S != key.S {
				t.Fatalf("message %d is of %v, want %s", i, list[0], key.S)
			}
		}
		h := &d.handles
		blocks := 0
		for _, b := range h.blocks {
			if b != nil {
				blocks++
			}
		}
		if h.kept+h.pinned > limit || len(h.pins) > 2*len(keys) || blocks*blockSize*costSeat > limit || len(h.keys) > limit/costPin {
			t.Errorf("%d and %d bytes are kept of a limit of %d, %d pins, %d keys, %d blocks", h.kept, h.pinned, limit, len(h.pins), len(h.keys), blocks)
		}
	}
}

// TestPinned wants an end to a stream that refers to everything again.
func TestPinned(t *testing.T) {
	in := new(hostile.Stream)
	in.WriteString(header)
	d := NewDecoder(in, Limits{Retained: 64 << 10})
	for i := range uint32(10_000) {
		in.B(tcString).UTF("0123456789")
		in.Ref(i)
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
	r := hostile.New().B(tcString).UTF("a").B(tcReset).B(tcString).UTF("b").Ref(0)
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
