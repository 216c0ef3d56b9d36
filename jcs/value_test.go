// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/javaser"
)

func java(t testing.TB, p any) javaser.Value {
	v, err := javaser.Of(p)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestValues takes Java values to the cache and back.
func TestValues(t *testing.T) {
	day := time.UnixMilli(86400000).UTC()
	for _, c := range []struct {
		java any
		form cache.Form
		read any
		text string // "" if it has no plain text
	}{
		{"text é😀", cache.FormBytes, []byte("text é😀"), "text é😀"},
		{"", cache.FormBytes, []byte(""), ""},
		{[]byte{0xff, 1}, cache.FormByteArray, []byte{0xff, 1}, "\xff\x01"},
		{[]byte("text"), cache.FormByteArray, []byte("text"), "text"},
		{"lone \xed\xa0\xbd", cache.FormJava, "lone \xed\xa0\xbd", `"lone \xed\xa0\xbd"`},
		{int32(42), cache.FormJava, int32(42), "42 (Integer)"},
		{int64(-1), cache.FormJava, int64(-1), "-1 (Long)"},
		{true, cache.FormJava, true, "true (Boolean)"},
		{2.5, cache.FormJava, 2.5, "2.5 (Double)"},
		{day, cache.FormJava, day, "1970-01-02T00:00:00Z (Date)"},
		{[]any{"a", nil}, cache.FormJava, []any{"a", nil}, "ArrayList [2]\n  0: \"a\"\n  1: null"},
		{javaser.Map{{Key: "k", Value: int32(1)}}, cache.FormJava, javaser.Map{{Key: "k", Value: int32(1)}}, "HashMap {1}\n  \"k\": 1 (Integer)"},
		{javaser.Set{"s"}, cache.FormJava, javaser.Set{"s"}, "HashSet [1]\n  0: \"s\""},
	} {
		v, err := ValueOf(java(t, c.java))
		if err != nil || v.Form != c.form {
			t.Errorf("%v: form %d, %v", c.java, v.Form, err)
		}
		if p, ok := Read(v); !ok || !reflect.DeepEqual(p, c.read) {
			t.Errorf("%v is read as %#v", c.java, p)
		}
		if text := strings.TrimSpace(Tree(v)); text != c.text {
			t.Errorf("%v is shown as %q", c.java, text)
		}
		back, err := Java(v)
		if err != nil || javaser.Tree(back) != javaser.Tree(java(t, c.java)) {
			t.Errorf("%v came back as %s (%v)", c.java, javaser.Tree(back), err)
		}
		if made, err := Make(c.java); err != nil || made != v {
			t.Errorf("%v is made as %v (%v)", c.java, made, err)
		}
		want, known := javaser.Hash(java(t, c.java), 1<<20)
		if h, ok := Hash(v); ok != known || h != want {
			t.Errorf("%v: hash %d %v, want %d %v", c.java, h, ok, want, known)
		}
	}
	if v, err := Java(cache.Value{Bytes: "\xff"}); err != nil || javaser.Tree(v) != "byte[1] ff\n" {
		t.Errorf("bytes that are no text: %v, %v", v, err)
	}
	if _, err := Java(cache.Value{Bytes: "x", Form: cache.FormHash}); err == nil {
		t.Error("a hash has become Java's")
	}
	if _, err := Java(cache.Value{Bytes: "x", Form: cache.FormJava}); err == nil || !strings.HasPrefix(Tree(cache.Value{Bytes: "x", Form: cache.FormJava}), "not readable") {
		t.Error("what is no stream was read")
	}
}

// TestKeys takes keys to every generation and back.
func TestKeys(t *testing.T) {
	object, err := javaser.Encode(java(t, []any{"k"}))
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range Generations {
		for key, text := range map[string]string{
			"plain":                                        "plain",
			"clé-漢字-😀":                                     "clé-漢字-😀",
			cache.PlainKey("\x00g"):                        "\x00g",
			cache.JavaKey('I', "7"):                        "7 (Integer)",
			cache.JavaKey('J', "-7"):                       "-7 (Long)",
			cache.JavaKey('S', "300"):                      "300 (Short)",
			cache.JavaKey('B', "-1"):                       "-1 (Byte)",
			cache.JavaKey('C', "97"):                       "97 (Character)",
			cache.JavaKey('Z', "true"):                     "true (Boolean)",
			cache.JavaKey('D', "NaN"):                      "NaN (Double)",
			cache.JavaKey('F', "0.1"):                      "0.1 (Float)",
			cache.JavaKey('O', string(object)):             "Java object of 62 bytes",
			cache.GroupKey("grp", "user"):                  "grp/user",
			cache.GroupKey("", "user"):                     "/user",
			cache.GroupKey("grp", cache.JavaKey('I', "3")): "grp/3 (Integer)",
		} {
			v, err := g.JavaKey("alpha", key)
			if err != nil {
				t.Errorf("%s: %q: %v", g.Name, text, err)
				continue
			}
			back, whole, err := KeyOf(v)
			if err != nil || whole || back != key {
				t.Errorf("%s: %q came back as %q, %v, %v", g.Name, key, back, whole, err)
			}
			if cache.KeyText(key) != text {
				t.Errorf("%q is shown as %q, want %q", key, cache.KeyText(key), text)
			}
		}
		if key, whole, err := KeyOf(g.JavaGroup("alpha", "grp")); key != "grp" || !whole || err != nil {
			t.Errorf("%s: a group came back as %q, %v, %v", g.Name, key, whole, err)
		}
		for _, bad := range []string{"\xff", cache.JavaKey('I', "x"), cache.JavaKey('B', "128"), cache.JavaKey('?', "1"), cache.JavaKey('O', "x"), cache.JavaKey('C', "70000")} {
			if v, err := g.JavaKey("alpha", bad); err == nil {
				t.Errorf("%s: %q has become %s", g.Name, bad, javaser.Tree(v))
			}
		}
	}
	for _, bad := range []javaser.Value{nil, JCS3.element.make(func(role) any { return nil }), JCS3.attr.make(func(role) any { return nil })} {
		if key, _, err := KeyOf(bad); err == nil {
			t.Errorf("%s has become %q", javaser.Tree(bad), key)
		}
	}
}

// TestAttributes takes lifetimes to every generation and back.
func TestAttributes(t *testing.T) {
	created := time.UnixMilli(1795335015191).UTC()
	for _, g := range Generations {
		for _, life := range []time.Duration{-1, time.Second, time.Hour, 1500 * time.Millisecond, 250 * 365 * 24 * time.Hour} {
			e := &cache.Element{Stamp: cache.StampAt(created.UnixMilli(), 1), Accessed: created.UnixMilli() + 7,
				Attr: &cache.Attributes{Eternal: life < 0, Lateral: true, MaxLife: life, MaxIdle: 30 * time.Second, Size: 5}}
			a := AttributesOf(e)
			back, err := parseAttributes(a.object(g))
			if err != nil {
				t.Fatal(err)
			}
			want := *e.Attr
			if g.Root == JCS13.Root && life == 1500*time.Millisecond {
				want.MaxLife = 2 * time.Second // never too early
			}
			if g == JCS4 {
				want.Size = 0 // it has none
			}
			if back.Cache() != want || !back.Created.Equal(created) || !back.Accessed.Equal(created.Add(7*time.Millisecond)) {
				t.Errorf("%s, %v: %+v, %v", g.Name, life, back, back.Created)
			}
		}
	}
}

// TestStamp: what a Java node put has the stamp of its creation there.
func TestStamp(t *testing.T) {
	m := Message{Requester: -5, Element: Element{Attr: &Attributes{Created: time.UnixMilli(77)}}}
	if s := m.Stamp(); s != cache.StampAt(77, cache.NodeID(0xfffffffffffffffb)) {
		t.Error(s)
	}
}

// TestForeign tells what any JVM can read from what it can't.
func TestForeign(t *testing.T) {
	captures(t, "c2s", func(path string, g *Generation, b []byte) {
		for _, m := range messages(t, b, serializerOf(path)) {
			v, err := ValueOf(m.Value)
			if want := strings.Contains(path, "custom"); m.Op == Update && (err != nil || len(Foreign("k", v)) > 0 != want) {
				t.Errorf("%s: %v, %v", path, Foreign("k", v), err)
			}
		}
	})
}

// TestForeignNames: the classes are named, wherever they stand, and not more
// often than once.
func TestForeignNames(t *testing.T) {
	class := func(name string) *javaser.Class {
		return &javaser.Class{Name: name, UID: 1, Flags: javaser.Serializable}
	}
	object := func(name string) *javaser.Object {
		c := class(name)
		return &javaser.Object{Class: c, Parts: []javaser.Part{{Class: c}}}
	}
	people := &javaser.Array{Class: class("[Lcom.example.Person;"), Refs: []javaser.Value{object("com.example.Person")}}
	v, err := ValueOf(javaser.List([]javaser.Value{object("com.example.Person"), object("com.example.Mail"), people, object("java.util.Locale"), &javaser.String{S: "x"}}))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := Foreign("k", v), []string{"com.example.Person", "com.example.Mail", "[Lcom.example.Person;"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	key, _, err := KeyOf(object("com.example.Key"))
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{key, cache.GroupKey("g", key)} {
		if got := Foreign(k, cache.Value{Bytes: "x"}); !slices.Equal(got, []string{"com.example.Key"}) {
			t.Errorf("%v", got)
		}
	}
	var many []javaser.Value
	for i := range 100 {
		many = append(many, object(fmt.Sprint("com.example.C", i)))
	}
	if v, err = ValueOf(javaser.List(many)); err != nil || len(Foreign("k", v)) != maxForeign {
		t.Errorf("%v, %v", Foreign("k", v), err)
	}
}

// TestRefusedClasses: what JCS's filter refuses is not sent, though it may be
// looked at.
func TestRefusedClasses(t *testing.T) {
	class := &javaser.Class{Name: "org.apache.commons.collections.functors.InvokerTransformer", UID: 1, Flags: javaser.Serializable}
	o := &javaser.Object{Class: class, Parts: []javaser.Part{{Class: class}}}
	v, err := ValueOf(o)
	if err != nil {
		t.Fatal(err)
	}
	var denied *javaser.DeniedError
	if _, err := Java(v); !errors.As(err, &denied) || denied.Class != class.Name {
		t.Error(err)
	}
	if s := Tree(v); !strings.HasPrefix(s, class.Name) {
		t.Error(s)
	}
	key, _, err := KeyOf(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := JCS3.JavaKey("alpha", key); !errors.As(err, &denied) {
		t.Error(err)
	}
}
