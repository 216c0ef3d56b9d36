// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/internal/hostile"
	"lateral/javaser"
)

// TestParse: each type's text is parsed to a value of that type, whose text it
// is again.
func TestParse(t *testing.T) {
	for _, c := range []struct{ kind, text, back string }{
		{"string", "värde", "värde"}, {"string", "", ""}, {"string", "42", "42"},
		{"int", "-2147483648", "-2147483648"}, {"long", "9000000000", "9000000000"}, {"short", "-300", "-300"}, {"byte", "-2", "-2"},
		{"double", "2", "2.0"}, {"double", "2.5", "2.5"}, {"double", "1e300", "1e+300"}, {"double", "NaN", "NaN"}, {"double", "-Infinity", "-Infinity"}, {"double", "0", "0.0"},
		{"float", "1.1", "1.1"}, {"boolean", "true", "true"}, {"boolean", "false", "false"}, {"char", "€", "€"},
		{"date", "1970-01-02T00:00:00Z", "1970-01-02T00:00:00Z"}, {"date", "86400001", "1970-01-02T00:00:00.001Z"}, {"date", "253402300800000", "253402300800000"},
		{"instant", "2026-11-28T23:00:00.000000001Z", "2026-11-28T23:00:00.000000001Z"}, {"duration", "PT5400S", "PT5400S"}, {"duration", "-1500ms", "PT-1.5S"},
		{"bytes", "\x00\xff", "\x00\xff"},
		{"list", `["a", 2, 9000000000, 2.0, null, true, [], {"k": "v"}]`, `["a",2,9000000000,2.0,null,true,[],{"k":"v"}]`},
		{"set", `["b","a"]`, `["b","a"]`}, {"map", `{"b":1,"a":[1.5e3]}`, `{"b":1,"a":[1500.0]}`}, {"map", "{}", "{}"}, {"list", "[]", "[]"},
		{"list", `["\u0000\"\\\u007f€"]`, `["\u0000\"\\\u007f€"]`},
	} {
		v, err := Parse(c.kind, c.text)
		if err != nil {
			t.Errorf("%s %s: %v", c.kind, c.text, err)
			continue
		}
		if got := TypeOf(v); got != c.kind {
			t.Errorf("%s %s has become a %s", c.kind, c.text, got)
		}
		back, ok := Text(v)
		if !ok || back != c.back {
			t.Errorf("%s %s reads as %q, %v", c.kind, c.text, back, ok)
		}
		if again, err := Parse(c.kind, back); err != nil || again.Bytes != v.Bytes {
			t.Errorf("%s %s: its own text is read as something else (%v)", c.kind, c.text, err)
		}
	}
}

// TestParseRefuses what the type cannot be, and what would cost too much.
func TestParseRefuses(t *testing.T) {
	for _, c := range [][2]string{
		{"int", "2147483648"}, {"int", "1.5"}, {"int", ""}, {"long", "9223372036854775808"}, {"short", "40000"}, {"byte", "200"}, {"double", "x"}, {"boolean", "1"}, {"char", "ab"},
		{"char", ""}, {"char", "😀"}, {"char", "\xff"}, {"date", "tomorrow"}, {"instant", ""}, {"duration", "PT"}, {"string", "\xff"}, {"person", "Ann"}, {"", "x"},
		{"list", "{}"}, {"set", "{}"}, {"map", "[]"}, {"list", "[1"}, {"list", "[1] 2"}, {"list", "[1,]"}, {"list", "[9223372036854775808]"}, {"list", "[1e999]"}, {"list", ""},
		{"set", `[1,1]`}, {"set", `[{"a":1},{"a":1}]`}, {"map", `{"a":1,"a":2}`}, {"map", `{"a"}`},
		{"list", strings.Repeat("[", 100) + strings.Repeat("]", 100)}, {"list", "[" + strings.Repeat("0,", maxJSONItems) + "0]"}, {"list", strings.Repeat(" ", MaxJSON) + "[]"},
	} {
		if v, err := Parse(c[0], c[1]); !errors.Is(err, ErrText) {
			t.Errorf("%s %.40s: %s, %v", c[0], c[1], TypeOf(v), err)
		}
	}
}

func TestTextOfOthers(t *testing.T) {
	text := func(p any) string {
		v, err := Make(p)
		if err != nil {
			t.Fatal(err)
		}
		s, ok := Text(v)
		if !ok {
			t.Errorf("%v has no text", p)
		}
		return s
	}
	half := string([]byte{0xed, 0xa0, 0x80})
	for want, p := range map[string]any{
		`[["a",1],[["x"],2]]`:                              javaser.Map{{Key: "a", Value: int32(1)}, {Key: []any{"x"}, Value: int32(2)}},
		`[[1,"a"],["1","b"]]`:                              javaser.Map{{Key: int32(1), Value: "a"}, {Key: "1", Value: "b"}},
		`{"1":"a","true":"b"}`:                             javaser.Map{{Key: int32(1), Value: "a"}, {Key: true, Value: "b"}},
		`["AP8=","1970-01-01T00:00:00Z","PT1S","x","NaN"]`: []any{[]byte{0, 255}, time.UnixMilli(0), time.Second, javaser.Char('x'), math.NaN()},
		`["a\ud800b"]`:                                     []any{"a" + half + "b"},
		"a" + half:                                         "a" + half,
	} {
		if got := text(p); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if strings.HasPrefix(want, "[") && !json.Valid([]byte(want)) {
			t.Errorf("%s is no JSON", want)
		}
	}
	if _, ok := Text(cache.Value{Bytes: "x", Form: cache.FormHash}); ok {
		t.Error("a hash of Redis has a text")
	}
	if _, ok := Text(cache.Value{Bytes: "x", Form: cache.FormJava}); ok || TypeOf(cache.Value{Bytes: "x", Form: cache.FormJava}) != "unreadable" {
		t.Error("what is no stream has a text")
	}
}

// TestTextIsBounded: what is short as a stream is not spelled out without end.
func TestTextIsBounded(t *testing.T) {
	long := &javaser.String{S: strings.Repeat("x", 100_000)}
	var list []javaser.Value
	for range 1000 {
		list = append(list, long)
	}
	v, err := ValueOf(javaser.List(list))
	if err != nil {
		t.Fatal(err)
	}
	if s, ok := Text(v); ok || len(s) > 4*minText {
		t.Errorf("%d bytes of text of %d, %v", len(s), len(v.Bytes), ok)
	}
	for _, c := range hostile.Cases() {
		v := cache.Value{Bytes: string(c.Stream), Form: cache.FormJava}
		if s, ok := Text(v); ok && len(s) > max(minText, 8*len(c.Stream)) {
			t.Errorf("%s: %d bytes of text of %d", c.Name, len(s), len(c.Stream))
		}
		TypeOf(v)
	}
}

// FuzzParse: what is taken reads as what is taken for the same.
func FuzzParse(f *testing.F) {
	for i, kind := range Types {
		for _, s := range []string{"1", "-1.5", "true", "x", `["a",{"b":[1e5,null]}]`, `{"a":1}`, "2026-11-28T23:00:00Z", "PT1H", strings.Repeat("[", 70)} {
			f.Add(i, s)
		}
		_ = kind
	}
	f.Fuzz(func(t *testing.T, i int, text string) {
		kind := Types[uint(i)%uint(len(Types))]
		v, err := Parse(kind, text)
		if err != nil {
			return
		}
		s, ok := Text(v)
		if !ok || TypeOf(v) != kind {
			t.Fatalf("%s %q: %q, %v, %s", kind, text, s, ok, TypeOf(v))
		}
		if again, err := Parse(kind, s); err != nil || again != v {
			t.Fatalf("%s %q reads as %q, which is another value (%v)", kind, text, s, err)
		}
	})
}
