// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"strings"
	"testing"

	"lateral/cache"
	"lateral/javaser"
)

// TestKeyNames: every key has one name, and every text names one key.
func TestKeyNames(t *testing.T) {
	list, _, err := KeyOf(java(t, []any{"k"}))
	if err != nil {
		t.Fatal(err)
	}
	enum, _, err := KeyOf(&javaser.Enum{Class: &javaser.Class{Name: "com.example.Day", Flags: javaser.Serializable | javaser.IsEnum,
		Super: &javaser.Class{Name: "java.lang.Enum", Flags: javaser.Serializable | javaser.IsEnum}}, Const: &javaser.String{S: "MONDAY"}})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]string{
		"plain":                      "plain",
		"java:":                      "java:",
		"java:Integer:x":             "java:Integer:x",
		"java:Integer:042":           "java:Integer:042",
		"java:Byte:300":              "java:Byte:300",
		"java:String:x":              "java:String:x",
		"java:Integer:42":            "java:String:java:Integer:42",
		"java:String:java:Long:1":    "java:String:java:String:java:Long:1",
		cache.JavaKey('I', "42"):     "java:Integer:42",
		cache.JavaKey('J', "-7"):     "java:Long:-7",
		cache.JavaKey('S', "300"):    "java:Short:300",
		cache.JavaKey('B', "-1"):     "java:Byte:-1",
		cache.JavaKey('C', "97"):     "java:Character:97",
		cache.JavaKey('Z', "true"):   "java:Boolean:true",
		cache.JavaKey('D', "NaN"):    "java:Double:NaN",
		cache.JavaKey('D', "1e+300"): "java:Double:1e+300",
		cache.JavaKey('F', "0.1"):    "java:Float:0.1",
		list:                         "java:java.util.ArrayList:rO0ABXNyABNqYXZhLnV0aWwuQXJyYXlMaXN0eIHSHZnHYZ0DAAFJAARzaXpleHAAAAABdwQAAAABdAABa3g",
		enum:                         "java:com.example.Day:rO0ABX5yAA9jb20uZXhhbXBsZS5EYXkAAAAAAAAAABIAAHhyAA5qYXZhLmxhbmcuRW51bQAAAAAAAAAAEgAAeHB0AAZNT05EQVk",
	} {
		name, ok := KeyName(key)
		if name != want || !ok {
			t.Errorf("%q is called %q (%v), want %q", key, name, ok, want)
		}
		if back := NamedKey(name); back != key {
			t.Errorf("%q names %q, not %q", name, back, key)
		}
	}
	for what, key := range map[string]string{"a group's": cache.GroupKey("g", "k"), "another text of a number": cache.JavaKey('I', "042"), "no number": cache.JavaKey('B', "x"), "no stream": cache.JavaKey('O', "x"),
		"of no kind": cache.JavaKey('?', "1"), "two streams": list + list[4:], "too long": cache.JavaKey('O', list[3:]+strings.Repeat("x", cache.MaxKey))} {
		if name, ok := KeyName(key); ok {
			t.Errorf("a key that is %s is called %q", what, name)
		}
	}
}

// FuzzKeyName has any text name one key that is called by it.
func FuzzKeyName(f *testing.F) {
	for _, s := range []string{"k", "java:Integer:42", "java:Integer:+42", "java:Double:1e+300", "java:String:java:Integer:42", "java:String:java:String:", "java:Character:65536", "java:Boolean:1",
		"java:java.util.ArrayList:rO0ABXNyABNqYXZhLnV0aWwuQXJyYXlMaXN0eIHSHZnHYZ0DAAFJAARzaXpleHAAAAABdwQAAAABdAABa3g", "java:object:rO0ABXA", "java::", "java:String:rO0ABXQAAWs"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if strings.HasPrefix(text, "\x00") || len(text) > cache.MaxKey/2 {
			return
		}
		key := NamedKey(text)
		if name, ok := KeyName(key); name != text || !ok {
			t.Errorf("%q names %q, which is called %q (%v)", text, key, name, ok)
		}
	})
}
