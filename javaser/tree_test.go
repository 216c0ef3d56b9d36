// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/trees.txt anew")

// TestTree prints what Java wrote. trees.txt was read by a person.
func TestTree(t *testing.T) {
	var out strings.Builder
	list := append(files(t, "testdata/java/*.hex"), "../jcs/testdata/wire/jcs-1.3/put_custom_class.c2s.hex")
	for _, path := range list {
		if slices.Contains([]string{"strings.hex", "deep.hex", "hashes.hex", "exception.hex"}, filepath.Base(path)) {
			continue // long
		}
		out.WriteString("== " + filepath.Base(path) + "\n")
		for _, v := range must(decodeAll(bytes.NewReader(readHex(t, path)), Limits{})) {
			out.WriteString(Tree(v))
		}
	}
	const golden = "testdata/trees.txt"
	if *rewrite {
		os.WriteFile(golden, []byte(out.String()), 0o644)
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Split(out.String(), "\n"); out.String() != string(want) {
		for i, w := range strings.Split(string(want), "\n") {
			if i >= len(got) || got[i] != w {
				t.Fatalf("line %d:\n%s\nwant\n%s", i+1, got[min(i, len(got)-1)], w)
			}
		}
		t.Fatal("more than is expected is printed")
	}
}

// TestTreeIsBounded prints 2^100 strings, a value of many lines, and one that
// holds itself.
func TestTreeIsBounded(t *testing.T) {
	bomb := Value(&String{"x"})
	for range 100 {
		bomb = List([]Value{bomb, bomb})
	}
	wide := make([]Value, 100_000)
	for i := range wide {
		wide[i] = &String{strings.Repeat("y", 30)}
	}
	self := List(nil)
	self.Parts[0].Custom = append(self.Parts[0].Custom, self)
	for name, v := range map[string]Value{"bomb": bomb, "wide": List(wide), "self": self} {
		if n := len(Tree(v)); n == 0 || n > maxTree+100 {
			t.Errorf("%s: %d bytes", name, n)
		}
		if name == "self" {
			Hash(v, 1<<12)
		}
	}
	if _, ok := Plain(bomb, 1<<12); ok {
		t.Error("2^100 strings were listed")
	}
}

func golden(t *testing.T, name string) Value {
	return must(decodeAll(bytes.NewReader(readHex(t, "testdata/java/"+name+".hex")), Limits{}))[0]
}

func TestPlain(t *testing.T) {
	day := time.UnixMilli(86400000).UTC()
	one := Map{{"one", int32(1)}}
	for name, want := range map[string]any{
		"scalars": []any{int8(-1), int16(-2), Char('c'), int32(4), int64(5), float32(6.5), 7.5, true, false, day, nil},
		"lists": []any{[]any{int32(1), "two"}, []any{int64(1)}, []any{"d"}, []any{}, []any{int32(1)}, []any{int32(1), int32(2), int32(3)}, []any{int32(1), nil},
			[]any{}, []any{"one"}},
		"maps":    []any{one, Map{{"b", int64(1)}, {"a", 2.5}}, Map{{"x", true}, {"y", nil}}, one, one, Map{{"k", "v"}}, Map{}, Map{}, Map{{"s", Char('t')}}},
		"sets":    []any{Set{"h"}, Set{int32(2), int32(1)}, Set{"b", "c"}, Set{int32(5)}, Set{int32(6)}, Set{}},
		"example": []any{"cat", int32(7), "cat"},
	} {
		got, ok := Plain(golden(t, name), 1<<20)
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %v, want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{"derived", "custom", "external", "enums", "classes", "times"} {
		if got, ok := Plain(golden(t, name), 1<<20); ok {
			t.Errorf("%s is taken for %v", name, got)
		}
	}
}

// TestStrings holds what Java wrote against what Go means by it.
func TestStrings(t *testing.T) {
	a := golden(t, "strings").(*Array)
	want := []string{"", "a\x00b", "é漢", "😀", "\xed\xa0\xbd", "\xed\xb8\x80\xed\xa0\xbd", strings.Repeat("x", 65535), strings.Repeat("漢", 21846)}
	if len(a.Refs) != len(want) {
		t.Fatalf("%d strings", len(a.Refs))
	}
	for i, w := range want {
		if s := a.Refs[i].(*String).S; s != w {
			t.Errorf("string %d: %.40q, want %.40q", i, s, w)
		}
	}
	for _, bad := range []string{"\xff", "a\xc3", "\xed\xa0", "\xf0\x9f\x98"} {
		if _, err := Encode(&String{bad}); err == nil || Representable(bad) {
			t.Errorf("%q was encoded", bad)
		}
	}
}

// TestHash compares with hashCode as a JVM computed it.
func TestHash(t *testing.T) {
	outer := golden(t, "hashes").(*Array)
	_, list, _ := items(outer.Refs[0].(*Object))
	if len(list) != 48 {
		t.Fatalf("%d values", len(list))
	}
	for i := 0; i < len(list); i += 2 {
		want, _ := Plain(list[i+1], 1<<20)
		if h, ok := Hash(list[i], 1<<20); !ok || h != want {
			t.Errorf("%s: %d %v, Java says %v", Tree(list[i]), h, ok, want)
		}
	}
	if _, ok := Hash(must(Of([]byte("x"))), 1<<20); ok {
		t.Error("an array has the hash of its identity")
	}
}

// TestOf writes what Java writes for the same value.
func TestOf(t *testing.T) {
	cat := &String{"cat"}
	v := List([]Value{cat, must(Of(7)), cat})
	if got, want := must(Encode(v)), readHex(t, "testdata/java/example.hex"); !bytes.Equal(got, want) {
		t.Errorf("\n% x, want\n% x", got, want)
	}
	for _, p := range []any{nil, "text", true, int8(1), int16(2), int32(3), int64(4), float32(1.5), 2.5, Char('x'), []byte{1, 2},
		time.UnixMilli(5).UTC(), -time.Millisecond, []any{int32(1), nil, []any{}}, Set{"a"}, Map{{"k", int64(1)}, {int32(2), nil}}} {
		v, err := Of(p)
		if err != nil {
			t.Errorf("%v: %v", p, err)
			continue
		}
		back, err := Decode(must(Encode(v)), Limits{})
		if err != nil {
			t.Errorf("%v: %v", p, err)
			continue
		}
		if got, ok := Plain(back, 1<<20); !ok || !reflect.DeepEqual(got, p) {
			t.Errorf("%#v came back as %#v", p, got)
		}
	}
	if got, _ := Plain(must(Of(1<<40)), 1<<20); got != int64(1<<40) {
		t.Errorf("an int of 41 bits became %v", got)
	}
	for _, bad := range []any{struct{}{}, "\xff", []any{make(chan int)}, uint64(1)} {
		if _, err := Of(bad); err == nil {
			t.Errorf("%v has become Java's", bad)
		}
	}
}
