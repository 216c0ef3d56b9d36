// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"strings"
	"testing"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

// TestJavaValues: what is of a type of Java's reads as a text, on the node it
// was written on and on the other; what is computed of it keeps its type.
func TestJavaValues(t *testing.T) {
	s := newSite(t, 2)
	c, other := s.client(0, "2"), s.client(1, "2")
	for _, v := range []struct{ kind, text, back string }{
		{"string", "text", "text"}, {"int", "42", "42"}, {"long", "9000000000", "9000000000"}, {"double", "2", "2.0"}, {"boolean", "true", "true"},
		{"date", "86400000", "1970-01-02T00:00:00Z"}, {"bytes", "\x00\xff", "\x00\xff"},
		{"list", `["a", 1]`, `["a",1]`}, {"set", `["a"]`, `["a"]`}, {"map", `{"k": 2.5}`, `{"k":2.5}`},
	} {
		c.expect("OK", "LATERAL.SET", "k-"+v.kind, strings.ToUpper(v.kind), v.text)
		c.expect(v.back, "GET", "k-"+v.kind)
		c.expect("string", "TYPE", "k-"+v.kind)
		other.until(v.back, "GET", "k-"+v.kind)
		other.expect(v.kind, "LATERAL.TYPE", "k-"+v.kind)
	}
	c.expect("[42 nil 9000000000]", "MGET", "k-int", "none", "k-long")
	c.expect("#2", "STRLEN", "k-int")
	c.expect("00000000", "GETRANGE", "k-long", "2", "-1")

	// Computed: the type stays, or nothing happens.
	c.expect("#43", "INCR", "k-int")
	c.expect("int", "LATERAL.TYPE", "k-int")
	other.until("43", "GET", "k-int")
	c.expect("#9000000010", "INCRBY", "k-long", "10")
	c.expect("long", "LATERAL.TYPE", "k-long")
	c.expect("4.0", "INCRBYFLOAT", "k-double", "2")
	c.expect("4.0", "GET", "k-double")
	c.expect("double", "LATERAL.TYPE", "k-double")
	c.expect("#3", "APPEND", "k-int", "7")
	c.expect("int", "LATERAL.TYPE", "k-int")
	const not = "; SET replaces it by a text, LATERAL.SET by any type"
	c.expect("-ERR the value is a Java int, which 2147483648 is not"+not, "INCRBY", "k-int", "2147483211")
	c.expect("-ERR the value is a Java int, which 437.5 is not"+not, "INCRBYFLOAT", "k-int", "0.5")
	c.expect("437", "GET", "k-int")
	c.expect("-ERR value is not an integer or out of range", "INCR", "k-boolean")
	c.expect("-ERR value is not an integer or out of range", "INCR", "k-list")
	c.expect("-ERR the value is a Java list, which cannot be changed in part; SET replaces it by a text, LATERAL.SET by any type", "APPEND", "k-list", "x")
	c.expect("#3", "APPEND", "k-bytes", "x")
	c.expect("bytes", "LATERAL.TYPE", "k-bytes")

	// SET is SET.
	c.expect("437", "SET", "k-int", "7", "GET")
	c.expect("string", "LATERAL.TYPE", "k-int")
	c.expect("9000000010", "GETSET", "k-long", "x")
	c.expect("true", "GETDEL", "k-boolean")
	c.expect("nil", "LATERAL.TYPE", "k-boolean")

	// LATERAL.SET has the options of SET, and refuses what is no such value.
	c.expect("nil", "LATERAL.SET", "k-int", "int", "8", "NX")
	c.expect("7", "LATERAL.SET", "k-int", "int", "8", "XX", "GET", "EX", "100")
	c.expect("#100", "TTL", "k-int")
	c.expect("#9", "INCR", "k-int")
	c.expect("#100", "TTL", "k-int")
	c.expect("-ERR not the text of such a value: \"x\" is no int (invalid syntax)", "LATERAL.SET", "k-int", "int", "x")
	if got := c.do("LATERAL.SET", "k-int", "person", "Ann"); !strings.HasPrefix(got, `-ERR not the text of such a value: there is no type "person"`) {
		t.Error(got)
	}
	c.expect("-ERR syntax error", "LATERAL.SET", "k-int", "int", "1", "BAD")
	c.expect("9", "GET", "k-int")
	c.expect("#1", "HSET", "h", "f", "v")
	c.expect("hash", "LATERAL.TYPE", "h")
	c.expect("-WRONGTYPE Operation against a key holding the wrong kind of value", "LATERAL.TREE", "h")
}

// TestJavaObjects: what only Java knows is its bytes, has a picture, and is not
// changed in part.
func TestJavaObjects(t *testing.T) {
	s := newSite(t, 1)
	c := s.client(0, "2")
	class := &javaser.Class{Name: "com.example.Person", UID: 1, Flags: javaser.Serializable, Fields: []javaser.Field{{Type: 'L', Name: "name", Sig: javaser.StringSig}}}
	v, err := jcs.ValueOf(&javaser.Object{Class: class, Parts: []javaser.Part{{Class: class, Refs: []javaser.Value{&javaser.String{S: "Ann"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.nodes[0].Do(t.Context(), cache.Command{Op: cache.Put, Region: "Rep", Key: "p", Value: v}); err != nil {
		t.Fatal(err)
	}
	c.expect(v.Bytes, "GET", "p")
	c.expect("com.example.Person", "LATERAL.TYPE", "p")
	if got := c.do("LATERAL.TREE", "p"); !strings.Contains(got, `name = "Ann"`) {
		t.Error(got)
	}
	c.expect("-ERR the value is a Java com.example.Person, which cannot be changed in part; SET replaces it by a text, LATERAL.SET by any type", "APPEND", "p", "x")
	c.expect("com.example.Person", "LATERAL.TYPE", "p")
}
