// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"bytes"
	"testing"

	"lateral/internal/hostile"
)

// FuzzDecode: whatever arrives is refused or read; what was read is written
// and read again to the same bytes; and walking it ends.
func FuzzDecode(f *testing.F) {
	for _, c := range malformed {
		f.Add(c.stream.Bytes())
	}
	for _, c := range hostile.Cases() {
		f.Add(c.Stream[:min(len(c.Stream), 1<<14)])
	}
	for _, s := range []*hostile.Stream{hostile.Handles(200), hostile.Nested(60), hostile.Tower(60, 50), hostile.Shared(50, 100), hostile.SetBomb(20), hostile.Collisions(20)} {
		f.Add(s.Bytes())
	}
	for _, path := range append(files(f, "testdata/java/*.hex"), files(f, "../jcs/testdata/wire/*/put_hashmap.c2s.hex")...) {
		if s := readHex(f, path); len(s) < 1<<16 {
			f.Add(s)
		}
	}
	l := Limits{Depth: 64, Memory: 1 << 20, Retained: 1 << 18}
	f.Fuzz(func(t *testing.T, s []byte) {
		list, err := decodeAll(bytes.NewReader(s), l)
		whole, errWhole := Decode(s, l)
		if errWhole == nil && (err != nil || len(list) != 1) {
			t.Fatalf("whole it can be read, piece by piece not: %v", err)
		}
		for _, v := range append(list, whole) {
			Tree(v)
			Plain(v, len(s))
			Hash(v, len(s))
		}
		again := encodeAll(t, list)
		more, err := decodeAll(bytes.NewReader(again), Limits{})
		if err != nil {
			t.Fatalf("what was written can't be read: %v", err)
		}
		if third := encodeAll(t, more); !bytes.Equal(third, again) {
			t.Fatalf("\n% x, then\n% x", again, third)
		}
	})
}

// FuzzString: a text that Java can hold comes back.
func FuzzString(f *testing.F) {
	for _, s := range []string{"", "a", "\x00", "é漢😀", "\xed\xa0\xbd", "\xed\xb8\x80\xed\xa0\xbd", "\xed\xa0\xbd\xed\xb8\x80", "\xff", "\xef\xbf\xbd", "\xc0\x80"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		b, err := appendModified(nil, s)
		if ok := Representable(s); ok != (err == nil) {
			t.Fatalf("representable %v: %v", ok, err)
		}
		if err != nil {
			return
		}
		once, err := fromModified(nil, b)
		if err != nil {
			t.Fatal(err)
		}
		if twice, err := appendModified(nil, string(once)); err != nil || !bytes.Equal(twice, b) {
			t.Fatalf("% x became % x (%v)", b, twice, err)
		}
	})
}
