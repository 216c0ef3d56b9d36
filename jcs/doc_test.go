// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"bytes"
	"encoding/hex"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// TestDocDump holds the dump in the package comment against what a real node
// sent and was answered.
func TestDocDump(t *testing.T) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(src), "# An example")
	example, _, _ = strings.Cut(example, "# Limits")
	var said [2][]byte
	to := 0
	piece := regexp.MustCompile(`^(?:([<>])|([0-9a-f]{2})|("(?:[^"\\]|\\.)*"))(?: |$)`)
	for _, line := range strings.Split(example, "\n") {
		line, ok := strings.CutPrefix(line, "//\t")
		for ok && line != "" {
			m := piece.FindStringSubmatch(line)
			if m == nil {
				break // words
			}
			switch {
			case m[1] == "<":
				to = 1
			case m[2] != "":
				b, _ := hex.DecodeString(m[2])
				said[to] = append(said[to], b...)
			case m[3] != "":
				s, err := strconv.Unquote(m[3])
				if err != nil {
					t.Fatalf("%s: %v", m[3], err)
				}
				said[to] = append(said[to], s...)
			}
			line = line[len(m[0]):]
		}
	}
	const capture = "testdata/wire/jcs-1.3/get_expired_on_peer."
	if want := readHex(t, capture+"c2s.hex"); !bytes.Equal(said[0], want) {
		t.Errorf("the comment has\n%q, the node sent\n%q", said[0], want)
	}
	if want := readHex(t, capture+"s2c.hex"); !bytes.Equal(said[1], want) {
		t.Errorf("the comment has\n% x, the node answered\n% x", said[1], want)
	}
	if m := messages(t, said[0], Serializer{})[0]; line(m) != `1.3 GET alpha "exp"` {
		t.Error(line(m))
	}
}
