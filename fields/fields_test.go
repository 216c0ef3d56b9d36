// SPDX-License-Identifier: Apache-2.0

package fields

import (
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"lateral/cache"
)

func at(ms int64, node cache.NodeID) cache.Stamp { return cache.StampAt(ms, node) }

func element(h *Hash, s cache.Stamp) cache.Element {
	return cache.Element{Key: "k", Value: h.Value(), Stamp: s, State: cache.Live}
}

// show is what people would see of a hash.
func show(t rapid.TB, e cache.Element) string {
	t.Helper()
	if e.State != cache.Live {
		return "-"
	}
	h, err := Decode(e.Value.Bytes, e.Stamp)
	if err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(maps.Collect(h.All()))
}

func must(t rapid.TB, fresh bool, err error) bool {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return fresh
}

func TestHash(t *testing.T) {
	var h Hash
	for _, name := range []string{"b", "a", "c"} {
		fresh, err := h.Set(name, strings.ToUpper(name))
		if !must(t, fresh, err) {
			t.Errorf("field %s is not new", name)
		}
	}
	if fresh, err := h.Set("b", "2"); must(t, fresh, err) {
		t.Error("field b is new a second time")
	}
	if !h.Remove("c", true) || h.Remove("c", true) || h.Remove("x", true) {
		t.Error("a removal says something else than whether there was a value")
	}
	e := element(&h, at(5, 1))
	if got := show(t, e); got != "map[a:A b:2]" || Count(e.Value.Bytes) != 2 {
		t.Errorf("%s, %d fields", got, Count(e.Value.Bytes))
	}
	for name, want := range map[string]string{"a": "A", "b": "2"} {
		if v, ok := Lookup(e.Value.Bytes, name); !ok || v != want {
			t.Errorf("%s is %q, %v", name, v, ok)
		}
	}
	for _, name := range []string{"c", "", "aa", "z"} {
		if v, ok := Lookup(e.Value.Bytes, name); ok {
			t.Errorf("there is a field %q: %q", name, v)
		}
	}
	if fresh, err := h.Set("c", "3"); !must(t, fresh, err) {
		t.Error("a removed field is not new")
	}
	h.Remove("a", false)
	if len(h.fields) != 2 || h.Len() != 2 {
		t.Errorf("without a trace %d fields remain, %d live", len(h.fields), h.Len())
	}
}

func TestHashIsBounded(t *testing.T) {
	h := Hash{fields: make([]field, MaxFields), live: MaxFields}
	for i := range h.fields {
		h.fields[i].name = fmt.Sprintf("%05d", i)
	}
	if _, err := h.Set("new", ""); !errors.Is(err, cache.ErrTooLarge) {
		t.Errorf("one field too many: %v", err)
	}
	if _, err := h.Set("00007", ""); err != nil {
		t.Errorf("a field that is there: %v", err)
	}
	for i := range h.fields {
		h.fields[i].gone, h.fields[i].stamp = true, at(int64(1+i%7), 1)
	}
	h.forget(at(10, 1))
	if len(h.fields) != MaxRemoved {
		t.Errorf("%d removals are remembered", len(h.fields))
	}
	for _, f := range h.fields {
		if f.stamp.UnixMilli() != 7 {
			t.Fatalf("a removal of ms %d is remembered, newer ones are not", f.stamp.UnixMilli())
		}
	}
	h.forget(at(7+keepRemoved.Milliseconds()+1, 1))
	if len(h.fields) != 0 {
		t.Errorf("%d removals are remembered for more than a day", len(h.fields))
	}
}

// The dump of the package comment.
func TestExample(t *testing.T) {
	raw, err := hex.DecodeString(strings.ReplaceAll("01 01"+strings.Repeat(" 00", 16)+
		" 02 04 6e 61 6d 65 01 04 61 6e 6e 61 03 6f 6c 64 02 00 dc 6a cf ac 00 00 00 00 00 00 00 00 00 00 07", " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	h, err := Decode(string(raw), at(1, 9))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(h); got != fmt.Sprint(Hash{live: 1, fields: []field{{"name", "anna", at(1, 9), false}, {"old", "", at(946684800000, 7), true}}}) {
		t.Error(got)
	}
}

func TestJoin(t *testing.T) {
	hash := func(ms int64, kv ...string) cache.Element {
		var h Hash
		for i := 0; i < len(kv); i += 2 {
			if _, err := h.Set(kv[i], kv[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		return element(&h, at(ms, 1))
	}
	grown := func(e cache.Element, ms int64, kv ...string) cache.Element {
		h, err := Decode(e.Value.Bytes, e.Stamp)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(kv); i += 2 {
			if kv[i+1] == "" {
				h.Remove(kv[i], true)
			} else if _, err := h.Set(kv[i], kv[i+1]); err != nil {
				t.Fatal(err)
			}
		}
		return element(&h, at(ms, 2))
	}
	base := hash(1, "a", "1", "b", "1")
	tomb := cache.Element{Key: "k", Stamp: at(5, 3), State: cache.Tombstone}
	text := cache.Element{Key: "k", Stamp: at(5, 3), Value: cache.Value{Bytes: "text"}}
	for _, c := range []struct {
		what         string
		older, newer cache.Element
		want         string
		same         bool
	}{
		{"different fields", grown(base, 2, "x", "1"), grown(base, 3, "y", "1"), "map[a:1 b:1 x:1 y:1]", false},
		{"one field: the later", grown(base, 2, "a", "2"), grown(base, 3, "a", "3"), "map[a:3 b:1]", true},
		{"the older wrote another field later", grown(grown(base, 2, "a", "2"), 3, "b", "3"), grown(base, 4, "a", "4"), "map[a:4 b:3]", false},
		{"a removal and another field", grown(base, 2, "a", ""), grown(base, 3, "y", "1"), "map[b:1 y:1]", false},
		{"a removed field is written later", grown(base, 2, "a", ""), grown(base, 3, "a", "3"), "map[a:3 b:1]", true},
		{"what came from it", base, grown(base, 3, "a", "3"), "map[a:3 b:1]", true},
		{"logout, and a field meanwhile", tomb, grown(base, 6, "y", "1"), "map[y:1]", false},
		{"replaced by text, and a field meanwhile", text, grown(base, 6, "y", "1"), "map[y:1]", false},
	} {
		v, mark, same := Join(c.older, c.newer)
		got := show(t, cache.Element{Value: v, Stamp: c.newer.Stamp})
		if got != c.want || same != c.same || same == (mark != 0) {
			t.Errorf("%s: %s, same %v, mark %x", c.what, got, same, mark)
		}
	}
	bad := cache.Element{Stamp: at(9, 9), Value: cache.Value{Bytes: "\x01\xff", Form: cache.FormHash}}
	if v, _, same := Join(base, bad); !same || v != bad.Value {
		t.Error("bytes that are no hash were joined")
	}
}

// FuzzDecode: whatever decodes encodes to the same; nothing else panics.
func FuzzDecode(f *testing.F) {
	var h Hash
	h.Set("name", "anna")
	h.Remove("name", true)
	h.Set("x", "")
	f.Add(h.Value().Bytes, "x")
	f.Add("", "")
	f.Add("\x01\x00"+strings.Repeat("\x00", 16)+"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "x")
	f.Add("\x01\x01"+strings.Repeat("\x00", 16)+"\x01\xff\xff\xff\xff\xff\xff\xff\xff\x7f", "x")
	f.Add("\x01\x01"+strings.Repeat("\xff", 16)+"\x80\x80\x04", "x")
	f.Fuzz(func(t *testing.T, value, name string) {
		v, ok := Lookup(value, name)
		Count(value)
		h, err := Decode(value, cache.Stamp{})
		if err != nil {
			return
		}
		if w, found := h.Get(name); found != ok || found && w != v {
			t.Fatalf("Lookup says %q, %v, Get %q, %v", v, ok, w, found)
		}
		again, err := Decode(h.value().Bytes, cache.Stamp{})
		if err != nil || !again.equal(&h) || again.live != h.live {
			t.Fatalf("not the same after a round trip: %v", err)
		}
	})
}
