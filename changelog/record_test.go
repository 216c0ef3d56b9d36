// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"encoding/hex"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"lateral/cache"
)

const owner = cache.NodeID(0xabc)

// The dump of the package comment is what the codec writes and reads.
func TestDumpInDoc(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var dump []byte
	for _, m := range regexp.MustCompile(`(?m)^//\t((?:[0-9a-f]{2} )+) +`).FindAllStringSubmatch(string(src), -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(m[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		dump = append(dump, b...)
	}
	c, region, rest, err := Decode(string(dump), owner, nil)
	if err != nil || rest != "" || region != 3 {
		t.Fatalf("% x: region %d, rest %q, %v", dump, region, rest, err)
	}
	if e := c.Element; c.Op != cache.Put || e.Key != "k" || e.Value.Bytes != "v" || *e.Attr != cache.DefaultAttributes ||
		e.Stamp != (cache.Stamp{Time: 0x0190_0000_0000_0007, Node: owner}) {
		t.Errorf("%+v", c)
	}
	if again := Append(nil, &c, 3, owner); string(again) != string(dump) {
		t.Errorf("written again: % x, dump: % x", again, dump)
	}
}

func anyChange(t *rapid.T) *cache.Change {
	ms := func(label string) time.Duration {
		d := time.Duration(rapid.Int64Range(0, maxMillis/4).Draw(t, label)) * time.Millisecond
		if d == 0 {
			return -1
		}
		return d
	}
	c := &cache.Change{Op: rapid.SampledFrom([]cache.Op{cache.Put, cache.Remove, cache.RemoveAll, cache.RemoveGroup, cache.RemoveTag}).Draw(t, "op")}
	e := &c.Element
	e.Stamp = cache.Stamp{Time: rapid.Uint64().Draw(t, "time"), Node: rapid.SampledFrom([]cache.NodeID{owner, 1, 1<<64 - 1}).Draw(t, "node")}
	e.Key = string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "key"))
	c.Hash = rapid.SampledFrom([]uint64{0, 1, 1<<64 - 1}).Draw(t, "hash")
	if c.Op == cache.Put {
		c.Replaced = rapid.SampledFrom([]cache.Stamp{{}, {Time: 7, Node: e.Stamp.Node}, {Time: 1<<64 - 1, Node: 3}, {Node: 1}}).Draw(t, "replaced")
	}
	e.Accessed = e.Stamp.UnixMilli()
	if c.Op != cache.Put {
		e.State = cache.Tombstone
		if c.Op == cache.Remove && rapid.Bool().Draw(t, "of a tag") {
			e.Attr = &cache.Attributes{Tags: "a\x00b"}
		}
		return c
	}
	e.Value = cache.Value{Bytes: string(rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "value")), Form: rapid.SampledFrom([]cache.Form{cache.FormBytes, cache.FormJava}).Draw(t, "form")}
	a := &cache.Attributes{Eternal: rapid.Bool().Draw(t, "eternal"), Spool: rapid.Bool().Draw(t, "spool"), Lateral: rapid.Bool().Draw(t, "lateral"),
		Remote: rapid.Bool().Draw(t, "remote"), MaxLife: ms("life"), MaxIdle: ms("idle"), Size: int(rapid.Int32Min(0).Draw(t, "size"))}
	e.Attr = a
	tags := rapid.SliceOfN(rapid.StringN(1, 60, cache.MaxTag), 0, cache.MaxTags).Draw(t, "tags")
	a.Tags, _ = cache.JoinTags(tags...) // none if one holds a NUL
	if !a.Eternal || a.MaxLife > 0 || a.MaxIdle > 0 || a.Size > 0 {
		e.Accessed += rapid.Int64Range(-1e12, 1e12).Draw(t, "accessed")
	}
	return c
}

func equal(a, b cache.Change) bool {
	if (a.Element.Attr == nil) != (b.Element.Attr == nil) || a.Element.Attr != nil && *a.Element.Attr != *b.Element.Attr {
		return false
	}
	a.Element.Attr, b.Element.Attr = nil, nil
	return a == b
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := anyChange(t)
		region := rapid.Uint64().Draw(t, "region")
		b := Append([]byte("before"), c, region, owner)
		got, n, rest, err := Decode(string(b[len("before"):])+"after", owner, nil)
		if err != nil || n != region || rest != "after" || !equal(got, *c) {
			t.Fatalf("%+v became %+v in region %d (%d), rest %q, %v", c, got, n, region, rest, err)
		}
		if len(b)-len("before") > len(c.Element.Key)+len(c.Element.Value.Bytes)+len(tagsOf(c))+fixed {
			t.Fatalf("%d bytes are more than a chunk reckons with", len(b))
		}
		// Cut anywhere, it is refused.
		cut := rapid.IntRange(0, len(b)-len("before")-1).Draw(t, "cut")
		if _, _, _, err := Decode(string(b[len("before"):len("before")+cut]), owner, nil); err == nil {
			t.Fatalf("cut after %d of %d bytes is taken", cut, len(b))
		}
	})
}

// The longest lengths need every byte of the hole that Append leaves for them.
func TestLongRecords(t *testing.T) {
	for _, n := range []int{0, 30, 40, 127, 128, 16200, 16300, 16383, 16384, 1 << 21, 1<<21 - 100, cache.MaxValue} {
		c := &cache.Change{Op: cache.Put, Element: cache.Element{Key: "k", Attr: &cache.DefaultAttributes, Stamp: cache.Stamp{Time: 1, Node: owner}}}
		c.Element.Value.Bytes = strings.Repeat("x", n)
		got, _, rest, err := Decode(string(Append(nil, c, 0, owner)), owner, nil)
		if err != nil || rest != "" || got.Element.Value.Bytes != c.Element.Value.Bytes || got.Element.Key != "k" {
			t.Errorf("%d bytes: %d back, rest %d, %v", n, len(got.Element.Value.Bytes), len(rest), err)
		}
	}
}

// Tags are as long as they may be, and belong to puts only.
func TestTags(t *testing.T) {
	var tags []string
	for i := range cache.MaxTags {
		tags = append(tags, strings.Repeat(string(rune('a'+i)), cache.MaxTag))
	}
	a := cache.DefaultAttributes
	var err error
	if a.Tags, err = cache.JoinTags(tags...); err != nil {
		t.Fatal(err)
	}
	c := &cache.Change{Op: cache.Put, Element: cache.Element{Key: "k", Attr: &a, Stamp: cache.Stamp{Time: 1, Node: owner}}}
	rec := string(Append(nil, c, 0, owner))
	got, _, rest, err := Decode(rec, owner, &cache.DefaultAttributes)
	if err != nil || rest != "" || *got.Element.Attr != a {
		t.Errorf("%+v, %v", got.Element.Attr, err)
	}
	a.Tags = "t"
	rec = string(Append(nil, c, 0, owner))
	if got, _, _, err := Decode(rec, owner, &a); err != nil || got.Element.Attr != &a {
		t.Errorf("equal attributes were made anew: %+v, %v", got.Element.Attr, err)
	}
	if want := "\x0f\x22\x0f" + rec[3:11] + "\x00\x01t\x01k"; rec != want {
		t.Fatalf("% x, want % x", rec, want)
	}
	for name, bad := range map[string]string{
		"of all": strings.Replace(rec, "\x22", "\x26", 1), "none": strings.Replace(rec, "\x01t", "\x00t", 1),
		"longer than the record": strings.Replace(rec, "\x01t", "\x7ft", 1), "no tags": strings.Replace(rec, "\x01t", "\x01\x00", 1),
	} {
		if bad == rec {
			t.Fatal(name)
		}
		if _, _, _, err := Decode(bad, owner, nil); err == nil {
			t.Errorf("tags %s are taken", name)
		}
	}
	a.Tags = strings.Repeat("x", cache.MaxTagsBytes+1)
	if _, _, _, err := Decode(string(Append(nil, c, 0, owner)), owner, nil); err == nil {
		t.Error("longer tags than allowed are taken")
	}
	gone := &cache.Change{Op: cache.RemoveTag, Element: cache.Element{Key: "news", Attr: &a, Stamp: cache.Stamp{Time: 1, Node: owner}}}
	if got, _, _, err := Decode(string(Append(nil, gone, 0, owner)), owner, nil); err != nil || got.Op != cache.RemoveTag || got.Element.Key != "news" || got.Element.State != cache.Tombstone {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAttributesAreShared(t *testing.T) {
	a := cache.Attributes{Lateral: true, MaxLife: time.Minute, MaxIdle: -1}
	c := &cache.Change{Op: cache.Put, Element: cache.Element{Key: "k", Attr: &a, Stamp: cache.Stamp{Time: 1, Node: owner}}}
	same := a
	got, _, _, _ := Decode(string(Append(nil, c, 0, owner)), owner, &same)
	if got.Element.Attr != &same {
		t.Errorf("an equal set of attributes was made anew: %+v", got.Element.Attr)
	}
	same.MaxLife++
	got, _, _, _ = Decode(string(Append(nil, c, 0, owner)), owner, &same)
	if got.Element.Attr == &same || *got.Element.Attr != a {
		t.Errorf("%+v", got.Element.Attr)
	}
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		"", "\x00", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80",
		"\x0e\x02\x0f\x01\x90\x00\x00\x00\x00\x00\x07\x03\x01kv",
		"\x0c\x02\xff\x00\x00\x00\x00\x00\x00\x00\x00\x00",                                                           // every flag, nothing behind
		"\x1b\x02\x1e\x00\x00\x00\x00\x00\x00\x00\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x00\x00\x00\x00kk", // a life of 2^63 ms
		"\x15\x02\x0f\x00\x00\x00\x00\x00\x00\x00\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",                   // a key of 2^64-1 bytes
		"\x0d\x02\x0f\x00\x00\x00\x00\x00\x00\x00\x01\x00\x02k",                                                      // a key longer than the record
		"\x0f\x22\x0f\x00\x00\x00\x00\x00\x00\x00\x01\x00\x01t\x01k",                                                 // a tag
		"\x16\x22\x0f\x00\x00\x00\x00\x00\x00\x00\x01\x00\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01t",                  // tags of 2^64-1 bytes
		"\x11\x22\x0f\x00\x00\x00\x00\x00\x00\x00\x01\x00\x03b\x00a\x00",                                             // tags out of order
		"\x0c\x63\x0f\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00",                                                       // operation 99
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for rest := s; rest != ""; {
			c, region, more, err := Decode(rest, owner, &cache.DefaultAttributes)
			if err != nil {
				return
			}
			if len(more) >= len(rest) {
				t.Fatal("nothing was taken")
			}
			again, n, left, err := Decode(string(Append(nil, &c, region, owner)), owner, nil)
			if c.Hash == 0 && c.Op == cache.Put { // a removal writes no attributes, a hash of 0 is none
				if err != nil || n != region || left != "" || again.Element.Key != c.Element.Key || again.Element.Value != c.Element.Value || again.Element.Stamp != c.Element.Stamp || again.Element.Attr.Tags != c.Element.Attr.Tags {
					t.Fatalf("%+v became %+v, %v", c, again, err)
				}
			}
			rest = more
		}
	})
}
