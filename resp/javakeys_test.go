// SPDX-License-Identifier: Apache-2.0

package resp_test

import (
	"slices"
	"strings"
	"testing"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

// TestJavaKeys: what has a Java object that is no String as its key is listed,
// read, written, watched and removed by a text; a String that is such a text
// remains another element.
func TestJavaKeys(t *testing.T) {
	s := newSite(t, 1)
	n := s.nodes[0]
	class := &javaser.Class{Name: "com.example.Id", UID: 1, Flags: javaser.Serializable, Fields: []javaser.Field{{Type: 'L', Name: "name", Sig: javaser.StringSig}}}
	object, _, err := jcs.KeyOf(&javaser.Object{Class: class, Parts: []javaser.Part{{Class: class, Refs: []javaser.Value{&javaser.String{S: "Ann"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	const id = "java:com.example.Id:rO0ABXNyAA5jb20uZXhhbXBsZS5JZAAAAAAAAAABAgABTAAEbmFtZXQAEkxqYXZhL2xhbmcvU3RyaW5nO3hwdAADQW5u"
	number := cache.JavaKey('I', "42")
	for key, v := range map[string]string{number: "integer", object: "object", "java:Integer:42": "text", "java:Integer:x": "plain", cache.GroupKey("g", number): "grouped"} {
		if _, err := n.Do(t.Context(), cache.Command{Op: cache.Put, Region: "Rep", Key: key, Value: cache.Value{Bytes: v}}); err != nil {
			t.Fatal(err)
		}
	}
	c, ear := s.client(0, "2"), s.client(0, "2")
	names := []string{"java:Integer:42", "java:Integer:x", "java:String:java:Integer:42", id}
	for _, list := range []string{c.do("KEYS", "*"), strings.TrimSuffix(strings.TrimPrefix(c.do("SCAN", "0", "COUNT", "1000"), "[0 "), "]")} {
		got := strings.Fields(strings.Trim(list, "[]"))
		if slices.Sort(got); !slices.Equal(got, names) {
			t.Errorf("listed are %q, want %q", got, names)
		}
	}
	c.expect("["+id+"]", "KEYS", "java:com.example.*")
	for i, want := range []string{"integer", "plain", "text", "object"} {
		c.expect(want, "GET", names[i])
	}

	// Written and counted as any other, by others and by itself.
	held := func(key string) string {
		rep, err := n.Do(t.Context(), cache.Command{Op: cache.Get, Region: "Rep", Key: key})
		if err != nil {
			t.Fatal(err)
		}
		return rep.Element.Value.Bytes
	}
	c.expect("OK", "CONFIG", "SET", "notify-keyspace-events", "KEA")
	ear.expect("[subscribe __keyevent@2__:set #1]", "SUBSCRIBE", "__keyevent@2__:set")
	c.expect("OK", "SET", "java:Integer:42", "1")
	if got := ear.answer(); got != "[message __keyevent@2__:set java:Integer:42]" {
		t.Errorf("heard %s", got)
	}
	c.expect("#2", "INCR", "java:Integer:42")
	if got := held(number); got != "2" {
		t.Errorf("Integer 42 has %q", got)
	}
	if got := held("java:Integer:42"); got != "text" {
		t.Errorf("the String has %q", got)
	}
	c.expect("OK", "SET", "java:String:java:Integer:42", "other")
	if got := held("java:Integer:42"); got != "other" {
		t.Errorf("the String has %q", got)
	}
	c.expect("#2", "DEL", "java:Integer:42", id)
	c.expect("[nil nil other]", "MGET", "java:Integer:42", id, "java:String:java:Integer:42")
	if got := held(cache.GroupKey("g", number)); got != "grouped" {
		t.Errorf("the group's has %q", got)
	}
}
