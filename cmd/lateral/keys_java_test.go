// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"strings"
	"testing"

	"lateral/cache"
	"lateral/jcs"
	"lateral/web"
)

// Who holds a key stands beside it, with what; who could not be asked is named;
// and no key or value moves the cursor.
func TestHeldBy(t *testing.T) {
	list, err := jcs.Make([]any{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	attr := &cache.DefaultAttributes
	java := func(values bool) []web.JavaHeld {
		one := cache.JavaHeld{Addr: "10.0.0.1:1", Generation: "jcs-3", Keys: []string{"k", cache.GroupKey("g", "x\x1b[2J")}}
		if values {
			one = cache.JavaHeld{Addr: "10.0.0.1:1", Elements: []cache.Element{{Key: "k", Value: list, Attr: attr}, {Key: cache.GroupKey("g", "x\x1b[2J"), Value: cache.Value{Bytes: "\x1b" + strings.Repeat("é", 90)}, Attr: attr}}}
		}
		two := cache.JavaHeld{Addr: "10.0.0.2:1", Generation: "jcs-1.3", Err: "JCS 1.3 has no question"}
		return []web.JavaHeld{web.JavaHeldOf(&one), web.JavaHeldOf(&two)}
	}
	for values, want := range map[bool]string{false: `key      held by
g/x�[2J  10.0.0.1:1
k        groupware, 10.0.0.1:1
own      groupware
10.0.0.2:1 (jcs-1.3) could not be asked: JCS 1.3 has no question
`, true: `key      held by     value
g/x�[2J  10.0.0.1:1  �` + strings.Repeat("é", 59) + ` …
k        groupware   -
k        10.0.0.1:1  ArrayList [2] …
own      groupware   -
10.0.0.2:1 (jcs-1.3) could not be asked: JCS 1.3 has no question
`} {
		var b bytes.Buffer
		(&screen{Writer: &b}).heldBy("groupware", &heldEverywhere{Keys: []web.Key{{Key: "own"}, {Key: "k"}}, Java: java(values)}, values)
		if b.String() != want {
			t.Errorf("values %v:\n%s\nwant\n%s", values, b.String(), want)
		}
	}
	var b bytes.Buffer
	(&screen{Writer: &b}).heldBy("groupware", &heldEverywhere{}, false)
	if !strings.Contains(b.String(), "no Java node shares the region") {
		t.Error(b.String())
	}
}
