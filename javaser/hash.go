// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"encoding/binary"
	"math"
	"time"
)

// HashString is String.hashCode.
func HashString(s string) (h int32) {
	utf16Units(s, func(u uint16) { h = 31*h + int32(u) })
	return h
}

// Hash is hashCode as Java computes it for what Plain knows; of two equal
// values it is the same on every JVM. size is the length of the stream that v
// came in. ok is false for what has no such hash (arrays, enums and classes that
// only Java knows), and for what takes much longer to hash than its stream to
// read: a set that holds a set twice, which holds a set twice, …, or a text of a
// megabyte that stands in a list a million times.
func Hash(v Value, size int) (h int32, ok bool) {
	budget := work(size)
	return hash(v, 0, &budget)
}

func hash(v Value, depth int, budget *int) (h int32, ok bool) {
	if *budget--; *budget < 0 || depth > DefaultDepth {
		return 0, false
	}
	switch v := v.(type) {
	case nil:
		return 0, true
	case *String:
		if *budget -= len(v.S); *budget < 0 {
			return 0, false
		}
		return HashString(v.S), true
	case *Object:
		if p, ok := scalar(v); ok {
			return hashScalar(v, p)
		}
		kind, list, ok := items(v)
		if !ok || v.Class.Name == "java.util.ArrayDeque" {
			return 0, false // a deque has the hash of its identity
		}
		return hashItems(kind, list, depth, budget)
	}
	return 0, false
}

func hashItems(kind string, list []Value, depth int, budget *int) (h int32, ok bool) {
	if kind == "list" {
		h = 1
	}
	for i := 0; i < len(list); i++ {
		e, ok := hash(list[i], depth+1, budget)
		if !ok {
			return 0, false
		}
		switch kind {
		case "list":
			h = 31*h + e
		case "set":
			h += e
		default:
			i++
			w, ok := hash(list[i], depth+1, budget)
			if !ok {
				return 0, false
			}
			h += e ^ w
		}
	}
	return h, true
}

func hashScalar(o *Object, p any) (int32, bool) {
	switch p := p.(type) {
	case bool:
		if p {
			return 1231, true
		}
		return 1237, true
	case int8:
		return int32(p), true
	case int16:
		return int32(p), true
	case int32:
		return p, true
	case Char:
		return int32(p), true
	case int64:
		return foldLong(uint64(p)), true
	case float32:
		if p != p {
			return 0x7fc00000, true // Float.floatToIntBits knows one NaN
		}
		return int32(math.Float32bits(p)), true
	case float64:
		if p != p {
			return foldLong(0x7ff8000000000000), true
		}
		return foldLong(math.Float64bits(p)), true
	case time.Time:
		if b := o.block("java.util.Date"); len(b) == 8 {
			return foldLong(binary.BigEndian.Uint64(b)), true
		}
		return foldLong(uint64(p.Unix())) + 51*int32(p.Nanosecond()), true // java.time.Instant
	case time.Duration:
		b := o.block("java.time.Ser")
		return foldLong(binary.BigEndian.Uint64(b[1:])) + 51*int32(binary.BigEndian.Uint32(b[9:])), true
	}
	return 0, false
}

// foldLong is Long.hashCode.
func foldLong(v uint64) int32 { return int32(v ^ v>>32) }
