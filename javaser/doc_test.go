// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"bytes"
	"encoding/hex"
	"os"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// TestDocDump decodes the very dump in the package comment, which is what a
// JVM wrote.
func TestDocDump(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(src), "# An example")
	var dump []byte
	for _, m := range regexp.MustCompile(`(?m)^//\t((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  |$)`).FindAllStringSubmatch(example, -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(m[1], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		dump = append(dump, b...)
	}
	if want := readHex(t, "testdata/java/example.hex"); !bytes.Equal(dump, want) {
		t.Fatalf("the comment has\n% x\nJava wrote\n% x", dump, want)
	}
	v, err := Decode(dump, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got, _ := Plain(v, 1<<20); !reflect.DeepEqual(got, []any{"cat", int32(7), "cat"}) {
		t.Errorf("%v", got)
	}
}
