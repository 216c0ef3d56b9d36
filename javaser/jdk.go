// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// The classes of the JDK that Of writes, as every Java since 5 knows them.
var (
	ObjectSig = &String{"Ljava/lang/Object;"}
	StringSig = &String{"Ljava/lang/String;"}

	number = &Class{Name: "java.lang.Number", UID: -8742448824652078965, Flags: Serializable}

	boolClass   = box("Boolean", -3665804199014368530, 'Z', nil)
	charClass   = box("Character", 3786198910865385080, 'C', nil)
	byteClass   = box("Byte", -7183698231559129828, 'B', number)
	shortClass  = box("Short", 7515723908773894738, 'S', number)
	intClass    = box("Integer", 1360826667806852920, 'I', number)
	longClass   = box("Long", 4290774380558885855, 'J', number)
	floatClass  = box("Float", -2671257302660747028, 'F', number)
	doubleClass = box("Double", -9172774392245257468, 'D', number)

	bytesClass = &Class{Name: "[B", UID: -5984413125824719648, Flags: Serializable}
	dateClass  = &Class{Name: "java.util.Date", UID: 7523967970034938905, Flags: Serializable | WriteMethod}
	timeClass  = &Class{Name: "java.time.Ser", UID: -7683839454370182990, Flags: Externalizable | BlockData}

	listClass = &Class{Name: "java.util.ArrayList", UID: 8683452581122892189, Flags: Serializable | WriteMethod,
		Fields: []Field{{Type: 'I', Name: "size"}}}
	setClass = &Class{Name: "java.util.HashSet", UID: -5024744406713321676, Flags: Serializable | WriteMethod}
	mapClass = &Class{Name: "java.util.HashMap", UID: 362498820763181265, Flags: Serializable | WriteMethod,
		Fields: []Field{{Type: 'F', Name: "loadFactor"}, {Type: 'I', Name: "threshold"}}}
	// EnumBase is the superclass of every enum's class.
	EnumBase = &Class{Name: "java.lang.Enum", Flags: Serializable | IsEnum}
)

func box(name string, uid int64, t byte, super *Class) *Class {
	c := &Class{Name: "java.lang." + name, UID: uid, Flags: Serializable, Fields: []Field{{Type: t, Name: "value"}}, Super: super}
	if super != nil {
		c.depth = 1
	}
	return c
}

// Of makes a Java value of a Go one: those that Plain returns, and int (Integer,
// or Long if it does not fit), uint8 … uint32 (the next larger Java type),
// map[string]any (HashMap, in the order of its keys). The error wraps ErrValue.
func Of(v any) (Value, error) { return of(v, 0) }

func of(v any, depth int) (Value, error) {
	if depth > DefaultDepth {
		return nil, fmt.Errorf("%w: it nests deeper than %d", ErrValue, DefaultDepth)
	}
	switch v := v.(type) {
	case nil:
		return nil, nil
	case string:
		if !Representable(v) {
			return nil, fmt.Errorf("%w: a text that is not UTF-8; bytes are []byte", ErrValue)
		}
		return &String{v}, nil
	case []byte:
		return &Array{Class: bytesClass, Prim: v}, nil
	case time.Time:
		return custom(dateClass, Block(binary.BigEndian.AppendUint64(nil, uint64(v.UnixMilli())))), nil
	case time.Duration:
		return Duration(v), nil
	case []any:
		return listOf(v, depth)
	case Set:
		return setOf(v, depth)
	case Map:
		return mapOf(v, depth)
	case map[string]any:
		m := make(Map, 0, len(v))
		for _, k := range slices.Sorted(maps.Keys(v)) {
			m = append(m, Entry{k, v[k]})
		}
		return mapOf(m, depth)
	}
	return boxed(v)
}

func boxed(v any) (Value, error) {
	switch v := v.(type) {
	case bool:
		if v {
			return instance(boolClass, []byte{1}), nil
		}
		return instance(boolClass, []byte{0}), nil
	case Char:
		return instance(charClass, binary.BigEndian.AppendUint16(nil, uint16(v))), nil
	case int8:
		return instance(byteClass, []byte{byte(v)}), nil
	case int16:
		return instance(shortClass, binary.BigEndian.AppendUint16(nil, uint16(v))), nil
	case uint8:
		return boxed(int16(v))
	case int32:
		return instance(intClass, binary.BigEndian.AppendUint32(nil, uint32(v))), nil
	case uint16:
		return boxed(int32(v))
	case int:
		if v < math.MinInt32 || v > math.MaxInt32 {
			return boxed(int64(v))
		}
		return boxed(int32(v))
	case int64:
		return instance(longClass, binary.BigEndian.AppendUint64(nil, uint64(v))), nil
	case uint32:
		return boxed(int64(v))
	case float32:
		return instance(floatClass, binary.BigEndian.AppendUint32(nil, math.Float32bits(v))), nil
	case float64:
		return instance(doubleClass, binary.BigEndian.AppendUint64(nil, math.Float64bits(v))), nil
	}
	return nil, fmt.Errorf("%w: %T has no Java type here", ErrValue, v)
}

// instance makes an object of a class with primitives only, whose superclass
// has no fields.
func instance(c *Class, prim []byte) *Object {
	o := &Object{Class: c}
	if c.Super != nil {
		o.Parts = append(o.Parts, Part{Class: c.Super})
	}
	o.Parts = append(o.Parts, Part{Class: c, Prim: prim})
	return o
}

func custom(c *Class, data ...Value) *Object {
	return &Object{Class: c, Parts: []Part{{Class: c, Custom: data}}}
}

// Duration makes a java.time.Duration.
func Duration(d time.Duration) *Object {
	s := d / time.Second
	if d%time.Second < 0 {
		s-- // nanoseconds are never negative
	}
	return javaTime(1, int64(s), int32(d-s*time.Second))
}

// Instant makes a java.time.Instant.
func Instant(t time.Time) *Object { return javaTime(2, t.Unix(), int32(t.Nanosecond())) }

func javaTime(kind byte, s int64, nanos int32) *Object {
	b := binary.BigEndian.AppendUint64([]byte{kind}, uint64(s))
	return custom(timeClass, Block(binary.BigEndian.AppendUint32(b, uint32(nanos))))
}

func values(list []any, depth int) ([]Value, error) {
	out := make([]Value, len(list))
	for i, p := range list {
		v, err := of(p, depth+1)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func listOf(list []any, depth int) (Value, error) {
	vs, err := values(list, depth)
	if err != nil {
		return nil, err
	}
	return List(vs), nil
}

// List makes a java.util.ArrayList.
func List(vs []Value) *Object {
	size := binary.BigEndian.AppendUint32(nil, uint32(len(vs)))
	return &Object{Class: listClass, Parts: []Part{{Class: listClass, Prim: size, Custom: append([]Value{Block(size)}, vs...)}}}
}

// loadFactor is that of all hashed collections of the JDK.
const loadFactor = 0.75

// buckets is the size that the JDK's tables have for n elements.
func buckets(n int) uint32 {
	b := uint32(16)
	for float64(n) > loadFactor*float64(b) {
		b *= 2
	}
	return b
}

func setOf(s Set, depth int) (Value, error) {
	vs, err := values(s, depth)
	if err != nil {
		return nil, err
	}
	return HashSet(vs), nil
}

// HashSet makes a java.util.HashSet.
func HashSet(vs []Value) *Object {
	b := binary.BigEndian.AppendUint32(nil, buckets(len(vs)))
	b = binary.BigEndian.AppendUint32(b, math.Float32bits(loadFactor))
	b = binary.BigEndian.AppendUint32(b, uint32(len(vs)))
	return custom(setClass, append([]Value{Block(b)}, vs...)...)
}

func mapOf(m Map, depth int) (Value, error) {
	flat := make([]any, 0, 2*len(m))
	for _, e := range m {
		flat = append(flat, e.Key, e.Value)
	}
	vs, err := values(flat, depth)
	if err != nil {
		return nil, err
	}
	return HashMap(vs), nil
}

// HashMap makes a java.util.HashMap of key, value, key, value, ….
func HashMap(vs []Value) *Object {
	n := buckets(len(vs) / 2)
	prim := binary.BigEndian.AppendUint32(nil, math.Float32bits(loadFactor))
	prim = binary.BigEndian.AppendUint32(prim, uint32(loadFactor*float64(n)))
	b := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, n), uint32(len(vs)/2))
	return &Object{Class: mapClass, Parts: []Part{{Class: mapClass, Prim: prim, Custom: append([]Value{Block(b)}, vs...)}}}
}
