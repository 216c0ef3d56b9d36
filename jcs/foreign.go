// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"slices"
	"strings"

	"lateral/cache"
	"lateral/javaser"
)

// Foreign returns the classes of a value, and of a key, that do not come with
// Java, so that only nodes whose application has them can read it: the first
// maxForeign, in the order of the stream.
func Foreign(key string, v cache.Value) []string {
	f := foreigners{met: map[javaser.Value]bool{}}
	if kind, text, ok := cache.SplitJavaKey(elementName(key)); ok && kind == kindObject {
		if j, err := javaser.Decode([]byte(text), javaser.Limits{}); err == nil {
			f.value(j, 0)
		}
	}
	if v.Form == cache.FormJava {
		if j, err := look(v); err == nil {
			f.value(j, 0)
		}
	}
	return f.names
}

// elementName is a key without its group.
func elementName(key string) string {
	if _, name, ok := cache.SplitGroup(key); ok {
		return name
	}
	return key
}

// maxForeign is how many classes of one value are named.
const maxForeign = 8

type foreigners struct {
	met   map[javaser.Value]bool
	names []string
}

func (f *foreigners) class(c *javaser.Class) {
	if c == nil || len(f.names) == maxForeign {
		return
	}
	name := c.Name
	if c.Proxy != nil {
		name = "proxy of " + strings.Join(c.Proxy, ", ")
	}
	if !comesWithJava(strings.TrimLeft(name, "[")) && !slices.Contains(f.names, name) {
		f.names = append(f.names, name)
	}
}

// comesWithJava reports whether every Java has a class: one of its own
// packages, or of primitives.
func comesWithJava(name string) bool {
	return len(name) < 2 || strings.HasPrefix(name, "java.") || strings.HasPrefix(name, "Ljava.")
}

func (f *foreigners) value(v javaser.Value, depth int) {
	if depth > javaser.DefaultDepth || len(f.names) == maxForeign {
		return
	}
	switch v := v.(type) {
	case *javaser.Object:
		if f.met[v] {
			return
		}
		f.met[v] = true
		f.class(v.Class)
		for i := range v.Parts {
			f.list(v.Parts[i].Refs, depth)
			f.list(v.Parts[i].Custom, depth)
		}
	case *javaser.Array:
		if !f.met[v] {
			f.met[v] = true
			f.class(v.Class)
			f.list(v.Refs, depth)
		}
	case *javaser.Enum:
		f.class(v.Class)
	case *javaser.ClassRef:
		f.class(v.Class)
	}
}

func (f *foreigners) list(vs []javaser.Value, depth int) {
	for _, v := range vs {
		f.value(v, depth+1)
	}
}
