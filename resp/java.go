// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"slices"
	"strings"

	"lateral/cache"
	"lateral/jcs"
)

// Values that Java nodes share have types that Redis does not know. They are
// read as texts; SET writes a text, as always; what computes a new text of the
// old one keeps the type; and LATERAL.SET writes any type.

// textOf is what GET answers. An object that only Java knows is the bytes of
// its stream.
func textOf(e *cache.Element) string {
	if e.Value.Form == cache.FormJava {
		if s, ok := jcs.Text(e.Value); ok {
			return s
		}
	}
	return e.Value.Bytes
}

// alike makes a value of a text that was computed from an old one: of the type
// that one has. bad is an error, where the type can't be that.
func alike(old *cache.Element, found bool, text string) (v cache.Value, bad string) {
	if !found || old.Value.Form == cache.FormBytes {
		return cache.Value{Bytes: text}, ""
	}
	kind := jcs.TypeOf(old.Value)
	const instead = "; SET replaces it by a text, LATERAL.SET by any type"
	if kind == "list" || kind == "set" || kind == "map" || !slices.Contains(jcs.Types, kind) {
		return v, "ERR the value is a Java " + short(kind) + ", which cannot be changed in part" + instead
	}
	v, err := jcs.Parse(kind, text)
	if err != nil {
		return v, "ERR the value is a Java " + kind + ", which " + short(text) + " is not" + instead
	}
	return v, ""
}

// short is the beginning of a text, for an error's one line.
func short(s string) string {
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' {
			return '?'
		}
		return r
	}, s[:min(len(s), 100)]), "?")
}

// runJavaSet is SET with a type.
func (c *client) runJavaSet(args [][]byte) {
	o, bad := parseSet(args[4:], setOptions)
	if bad != "" {
		c.out.Error(bad)
		return
	}
	v, err := jcs.Parse(strings.ToLower(string(args[2][:min(len(args[2]), 16)])), string(args[3]))
	if err != nil {
		c.out.Error("ERR " + short(err.Error()))
		return
	}
	c.set(c.at(args[1]), v, o, "lateral.set")
}

func (c *client) runJavaType(args [][]byte) {
	if e, ok := c.get(c.at(args[1])); ok {
		c.out.Bulk(jcs.TypeOf(e.Value))
		return
	}
	c.out.Null()
}

func (c *client) runJavaTree(args [][]byte) {
	switch e, ok := c.get(c.at(args[1])); {
	case !ok:
		c.out.Null()
	case !isText(&e):
		c.out.Error(errType)
	default:
		c.out.Bulk(jcs.Tree(e.Value))
	}
}
