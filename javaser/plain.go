// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"encoding/binary"
	"math"
	"time"
)

// A Set is what a java.util.Set holds, in the order of the stream.
type Set []any

// A Map is what a java.util.Map holds, in the order of the stream.
type Map []Entry

// An Entry is one key of a Map with its value.
type Entry struct{ Key, Value any }

// work is how many values Plain and Hash visit, and bytes they hash, of what
// came in size bytes: several times what such a stream can spell out. A list
// that holds another one twice, which holds another one twice, … is short on
// the wire and endless as a tree.
func work(size int) int { return 4*size + 1<<10 }

// Plain returns what a value means in Go: nil, string, bool, int8 … int64,
// float32, float64, Char, time.Time (Date, Instant), time.Duration, []byte,
// []any (lists, Object[]), Set or Map, as far as classes of the JDK are
// concerned. size is the length of the stream that v came in. ok is false for
// every other class, wherever it stands, and for what is far larger spelled out
// than its stream.
func Plain(v Value, size int) (p any, ok bool) {
	budget := work(size)
	return plain(v, 0, &budget)
}

// Scalar is Plain for what stands for itself: a box, a date or a time. It costs
// the same whatever v is.
func Scalar(v Value) (p any, ok bool) {
	if o, is := v.(*Object); is {
		return scalar(o)
	}
	return nil, false
}

// Elements returns what a list or a set of the JDK holds, not what that means.
func Elements(v Value) (list []Value, ok bool) {
	o, is := v.(*Object)
	if !is {
		return nil, false
	}
	kind, list, ok := items(o)
	return list, ok && kind != "map"
}

// Pairs returns what a map of the JDK holds, as key, value, key, value, ….
func Pairs(v Value) (flat []Value, ok bool) {
	o, is := v.(*Object)
	if !is {
		return nil, false
	}
	kind, flat, ok := items(o)
	return flat, ok && kind == "map" && len(flat)%2 == 0
}

func plain(v Value, depth int, budget *int) (any, bool) {
	if *budget--; *budget < 0 || depth > DefaultDepth {
		return nil, false
	}
	switch v := v.(type) {
	case nil:
		return nil, true
	case *String:
		return v.S, true
	case *Array:
		if v.Class.elem() == 'B' {
			return v.Prim, true
		}
		if width(v.Class.elem()) > 0 {
			return nil, false
		}
		return plainList(v.Refs, depth, budget)
	case *Object:
		if p, ok := scalar(v); ok {
			return p, true
		}
		kind, list, ok := items(v)
		if !ok {
			return nil, false
		}
		switch kind {
		case "list":
			return plainList(list, depth, budget)
		case "set":
			l, ok := plainList(list, depth, budget)
			return Set(l), ok
		}
		return plainMap(list, depth, budget)
	}
	return nil, false
}

func plainList(list []Value, depth int, budget *int) ([]any, bool) {
	out := make([]any, 0, len(list))
	for _, v := range list {
		p, ok := plain(v, depth+1, budget)
		if !ok {
			return nil, false
		}
		out = append(out, p)
	}
	return out, true
}

func plainMap(list []Value, depth int, budget *int) (Map, bool) {
	l, ok := plainList(list, depth, budget)
	if !ok {
		return nil, false
	}
	out := make(Map, 0, len(l)/2)
	for i := 0; i+1 < len(l); i += 2 {
		out = append(out, Entry{l[i], l[i+1]})
	}
	return out, true
}

// maxSeconds is what a time.Duration holds.
const maxSeconds = int64(math.MaxInt64/time.Second) - 1

// scalar reads boxes, dates and times.
func scalar(o *Object) (any, bool) {
	switch o.Class.Name {
	case "java.lang.Integer", "java.lang.Long", "java.lang.Short", "java.lang.Byte", "java.lang.Character",
		"java.lang.Boolean", "java.lang.Double", "java.lang.Float":
		v, ok := o.Field("value")
		if _, ref := v.(*Object); ref || v == nil {
			return nil, false
		}
		return v, ok
	case "java.util.Date", "java.sql.Date", "java.sql.Time":
		if b := o.block("java.util.Date"); len(b) == 8 {
			return time.UnixMilli(int64(binary.BigEndian.Uint64(b))).UTC(), true
		}
	case "java.time.Ser":
		b := o.block("java.time.Ser")
		if len(b) != 13 {
			return nil, false
		}
		s, n := int64(binary.BigEndian.Uint64(b[1:])), int64(int32(binary.BigEndian.Uint32(b[9:])))
		switch {
		case b[0] == 1 && s > -maxSeconds && s < maxSeconds:
			return time.Duration(s)*time.Second + time.Duration(n), true
		case b[0] == 2:
			return time.Unix(s, n).UTC(), true
		}
	}
	return nil, false
}

// part returns what the class of that name holds of the object.
func (o *Object) part(class string) *Part {
	for i := range o.Parts {
		if o.Parts[i].Class.Name == class {
			return &o.Parts[i]
		}
	}
	return nil
}

// block returns the bytes with which the custom data of a class begins.
func (o *Object) block(class string) []byte {
	if p := o.part(class); p != nil && len(p.Custom) > 0 {
		b, _ := p.Custom[0].(Block)
		return b
	}
	return nil
}

// custom returns the objects in a class's custom data that follow its first
// block, and the int32 at an offset of that block.
func (o *Object) custom(class string, at int) (n int, list []Value) {
	p := o.part(class)
	if p == nil {
		return 0, nil
	}
	for i, v := range p.Custom {
		if b, ok := v.(Block); ok {
			if len(b) >= at+4 {
				return int(int32(binary.BigEndian.Uint32(b[at:]))), p.Custom[i+1:]
			}
			return 0, nil
		}
	}
	return 0, nil
}

// items returns the elements of the JDK's collections; of a map key, value,
// key, value, ….
func items(o *Object) (kind string, list []Value, ok bool) {
	n, each := 0, 1
	switch name := o.Class.Name; name {
	case "java.util.ArrayList":
		kind = "list"
		_, list = o.custom(name, 0)
		size, _ := o.Field("size")
		s, _ := size.(int32)
		n = int(s)
	case "java.util.LinkedList", "java.util.ArrayDeque":
		kind = "list"
		n, list = o.custom(name, 0)
	case "java.util.HashSet", "java.util.LinkedHashSet":
		kind = "set"
		n, list = o.custom("java.util.HashSet", 8)
	case "java.util.TreeSet":
		kind = "set"
		n, list = o.custom(name, 0)
	case "java.util.HashMap", "java.util.LinkedHashMap":
		kind, each = "map", 2
		n, list = o.custom("java.util.HashMap", 4)
	case "java.util.TreeMap":
		kind, each = "map", 2
		n, list = o.custom(name, 0)
	case "java.util.Hashtable", "java.util.Properties":
		kind, each = "map", 2
		n, list = o.custom("java.util.Hashtable", 4)
	case "java.util.concurrent.ConcurrentHashMap":
		kind, each = "map", 2
		if p := o.part(name); p != nil && len(p.Custom) >= 2 {
			list, n = p.Custom, len(p.Custom)/2-1 // null, null ends it
		}
	default:
		return wrapped(o)
	}
	if n < 0 || n > len(list)/each || n*each != len(list) && kind != "map" {
		return "", nil, false
	}
	return kind, list[:n*each], true
}

// wrapped reads the collections that consist of one field.
func wrapped(o *Object) (kind string, list []Value, ok bool) {
	switch o.Class.Name {
	case "java.util.Collections$EmptyList":
		return "list", nil, true
	case "java.util.Collections$EmptySet":
		return "set", nil, true
	case "java.util.Collections$EmptyMap":
		return "map", nil, true
	case "java.util.Collections$SingletonList", "java.util.Collections$SingletonSet":
		v, ok := o.Field("element")
		if o.Class.Name == "java.util.Collections$SingletonSet" {
			return "set", []Value{v}, ok
		}
		return "list", []Value{v}, ok
	case "java.util.Collections$SingletonMap":
		k, ok := o.Field("k")
		v, ok2 := o.Field("v")
		return "map", []Value{k, v}, ok && ok2
	case "java.util.Arrays$ArrayList":
		v, _ := o.Field("a")
		if a, ok := v.(*Array); ok && width(a.Class.elem()) == 0 {
			return "list", a.Refs, true
		}
	case "java.util.CollSer": // List.of, Set.of, Map.of
		n, list := o.custom("java.util.CollSer", 0)
		tag, _ := o.Field("tag")
		t, _ := tag.(int32)
		kind = map[int32]string{1: "list", 2: "set", 3: "map", 4: "list"}[t&0xff]
		return kind, list, kind != "" && n == len(list) && (kind != "map" || n%2 == 0)
	}
	return "", nil, false
}
