// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"

	"lateral/cache"
	"lateral/javaser"
)

// ValueOf makes a cache value of a Java one. A String is its text and a byte[]
// its bytes; everything else stays the Java object it is, as a stream of its
// own that Read and Tree can look into.
func ValueOf(v javaser.Value) (cache.Value, error) {
	switch v := v.(type) {
	case *javaser.String:
		if utf8.ValidString(v.S) {
			return cache.Value{Bytes: v.S}, nil
		}
	case *javaser.Array:
		if v.Class.Name == "[B" {
			return cache.Value{Bytes: string(v.Prim), Form: cache.FormByteArray}, nil
		}
	}
	b, err := javaser.Encode(v)
	return cache.Value{Bytes: string(b), Form: cache.FormJava}, err
}

// ErrForm says that a value has no counterpart in Java.
var ErrForm = errors.New("a hash of Redis's fields has no counterpart in Java")

// ErrKey says that a key is no String of Java's.
var ErrKey = errors.New("a key that is not UTF-8 is no String of Java's")

// Java makes a Java value of a cache value: of plain bytes a String if they are
// UTF-8, else a byte[]. The error says why Java can't have it: it wraps ErrForm,
// or a javaser.DeniedError, as a class that JCS refuses ends the listener of a
// 3.2.1 node for everybody.
func Java(v cache.Value) (javaser.Value, error) { return javaOf(v, limits) }

// look is Java for who is here to read it: every class can be looked at.
func look(v cache.Value) (javaser.Value, error) { return javaOf(v, javaser.Limits{}) }

func javaOf(v cache.Value, l javaser.Limits) (javaser.Value, error) {
	switch v.Form {
	case cache.FormBytes:
		if utf8.ValidString(v.Bytes) {
			return &javaser.String{S: v.Bytes}, nil
		}
		return javaser.Of([]byte(v.Bytes))
	case cache.FormByteArray:
		return javaser.Of([]byte(v.Bytes))
	case cache.FormJava:
		return javaser.Decode([]byte(v.Bytes), l)
	}
	return nil, ErrForm
}

// Read returns what a value means in Go (javaser.Plain); ok is false for
// objects of classes that only Java knows.
func Read(v cache.Value) (p any, ok bool) {
	if v.Form != cache.FormJava {
		return []byte(v.Bytes), true
	}
	j, err := look(v)
	if err != nil {
		return nil, false
	}
	return javaser.Plain(j, len(v.Bytes))
}

// Make is the inverse of Read, for what javaser.Of takes. A string is the
// text, []byte a byte[].
func Make(p any) (cache.Value, error) {
	j, err := javaser.Of(p)
	if err != nil {
		return cache.Value{}, err
	}
	return ValueOf(j)
}

// Tree prints a Java value for people; other values are themselves.
func Tree(v cache.Value) string {
	if v.Form != cache.FormJava {
		return v.Bytes
	}
	j, err := look(v)
	if err != nil {
		return "not readable: " + err.Error()
	}
	return javaser.Tree(j)
}

// Hash is Java's hashCode of a value as a Java node would hold it; ok is false
// where that can't be known from outside.
func Hash(v cache.Value) (int32, bool) {
	if v.Form == cache.FormBytes && utf8.ValidString(v.Bytes) {
		return javaser.HashString(v.Bytes), true
	}
	j, err := look(v)
	if err != nil {
		return 0, false
	}
	return javaser.Hash(j, len(v.Bytes))
}

// The kinds of cache.JavaKey. What is none of these is kindObject, with its
// stream as text.
const kindObject = 'O'

var boxKinds = map[string]byte{"java.lang.Byte": 'B', "java.lang.Character": 'C', "java.lang.Double": 'D', "java.lang.Float": 'F',
	"java.lang.Integer": 'I', "java.lang.Long": 'J', "java.lang.Short": 'S', "java.lang.Boolean": 'Z'}

// KeyOf returns the one form of a Java key: a String is its text, so it is the
// same element as the text written from Go or RESP; an element of a group is
// cache.GroupKey. whole says that key is the name of a group, and all of it is
// meant.
func KeyOf(v javaser.Value) (key string, whole bool, err error) {
	if o, ok := v.(*javaser.Object); ok && GenerationOf(o.Class.Name) != nil {
		return groupKey(o)
	}
	key, err = simpleKey(v)
	return key, false, err
}

func groupKey(o *javaser.Object) (key string, whole bool, err error) {
	f := fields{o}
	switch o.Class.Name[len(GenerationOf(o.Class.Name).Root)+1:] {
	case tGroup:
		name, ok := f.value("groupName").(*javaser.String)
		if !ok {
			return "", false, fmt.Errorf("%w: a group without a name", ErrProtocol)
		}
		return name.S, true, nil
	case "engine.control.group.GroupAttrName":
		id, err := object(f.value("groupId"), tGroup)
		if err != nil {
			return "", false, err
		}
		group, _, err := groupKey(id)
		if err != nil {
			return "", false, err
		}
		attr := f.value("attrName")
		if attr == nil {
			return group, true, nil
		}
		name, err := simpleKey(attr)
		return cache.GroupKey(group, name), false, err
	}
	return "", false, fmt.Errorf("%w: a key of class %.100q", ErrProtocol, o.Class.Name)
}

func simpleKey(v javaser.Value) (string, error) {
	switch v := v.(type) {
	case nil:
		return "", fmt.Errorf("%w: a key that is null", ErrProtocol)
	case *javaser.String:
		return cache.PlainKey(v.S), nil
	case *javaser.Object:
		if kind, ok := boxKinds[v.Class.Name]; ok {
			if p, ok := javaser.Scalar(v); ok {
				return cache.JavaKey(kind, boxText(p)), nil
			}
		}
	}
	b, err := javaser.Encode(v)
	return cache.JavaKey(kindObject, string(b)), err
}

func boxText(p any) string {
	switch p := p.(type) {
	case float32:
		return strconv.FormatFloat(float64(p), 'g', -1, 32)
	case float64:
		return strconv.FormatFloat(p, 'g', -1, 64)
	}
	return fmt.Sprint(p)
}

// JavaKey is the inverse of KeyOf, in the words of a generation.
func (g *Generation) JavaKey(region, key string) (javaser.Value, error) {
	if group, name, ok := cache.SplitGroup(key); ok {
		v, err := javaSimpleKey(name)
		if err != nil {
			return nil, err
		}
		return g.GroupKey(&javaser.String{S: region}, group, v), nil
	}
	return javaSimpleKey(key)
}

// JavaGroup is the key by which a generation removes a whole group.
func (g *Generation) JavaGroup(region, group string) javaser.Value {
	name := &javaser.String{S: region}
	if g.enums {
		return g.GroupKey(name, group, nil)
	}
	return g.GroupID(name, group)
}

func javaSimpleKey(key string) (javaser.Value, error) {
	kind, text, ok := cache.SplitJavaKey(key)
	if !ok {
		if key = cache.TextKey(key); !javaser.Representable(key) {
			return nil, fmt.Errorf("%w: %.40q", ErrKey, key)
		}
		return &javaser.String{S: key}, nil
	}
	if kind == kindObject {
		return javaser.Decode([]byte(text), limits)
	}
	p, err := parseBox(kind, text)
	if err != nil {
		return nil, fmt.Errorf("key %.40q: %w", cache.KeyText(key), err)
	}
	return javaser.Of(p)
}

func parseBox(kind byte, text string) (any, error) {
	bits := map[byte]int{'B': 8, 'S': 16, 'I': 32, 'J': 64, 'C': 16, 'F': 32, 'D': 64}[kind]
	switch kind {
	case 'Z':
		return strconv.ParseBool(text)
	case 'F', 'D':
		f, err := strconv.ParseFloat(text, bits)
		if kind == 'F' {
			return float32(f), err
		}
		return f, err
	case 'C':
		n, err := strconv.ParseUint(text, 10, bits)
		return javaser.Char(n), err
	}
	n, err := strconv.ParseInt(text, 10, 64)
	switch {
	case bits == 0:
		return nil, fmt.Errorf("unknown kind %q", kind)
	case err == nil && n != n<<(64-bits)>>(64-bits):
		err = strconv.ErrRange
	}
	switch kind {
	case 'B':
		return int8(n), err
	case 'S':
		return int16(n), err
	case 'I':
		return int32(n), err
	}
	return n, err
}
