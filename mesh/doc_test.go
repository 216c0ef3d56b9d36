// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"bytes"
	"encoding/hex"

	"os"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"lateral/internal/memnet"
)

// readDump returns what each side says in the package comment.
func readDump(t *testing.T) (dialler, listener []byte) {
	src, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	to := &dialler
	for _, m := range regexp.MustCompile(`(?m)^//\t([<>]?) *(?:((?:[0-9a-f]{2} )*[0-9a-f]{2})(?:  .*)?|([{"].*))$`).FindAllStringSubmatch(string(src), -1) {
		switch m[1] {
		case ">":
			to = &dialler
		case "<":
			to = &listener
		}
		b, err := hex.DecodeString(strings.ReplaceAll(m[2], " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		*to = append(append(*to, b...), m[3]...)
	}
	return dialler, listener
}

func skipRows(t *testing.T, in *input) (frameType, []byte) {
	for {
		ft, p, err := readFrame(in, nil)
		if err != nil {
			t.Fatalf("%v", err)
		}
		if ft != frameRow && ft != frameBeat && ft != frameReckon && ft != frameFront {
			return ft, p
		}
	}
}

// The exchange in the package comment is a real one, byte for byte.
func TestDumpInDoc(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		said, heard := readDump(t)
		if len(said) < 200 || len(heard) < 300 {
			t.Fatalf("%d and %d bytes are in the dump", len(said), len(heard))
		}
		n := memnet.New()
		s := newStation(t, n, 2, 2, func(c *Config) { c.Service = "groupware" })
		s.remove(s.user, "old")
		s.run()
		c := stranger(t, n, 1, s)
		if _, err := c.Write(said); err != nil {
			t.Fatal(err)
		}
		in := newInput(c)
		for left := heard; len(left) > 0; {
			ft, p := skipRows(t, in)
			f := appendFrame(nil, ft, p)
			if !bytes.HasPrefix(left, f) {
				t.Fatalf("the %s that a node sends is\n% x %q\nthe comment goes on with\n% x", ft, f, p, left[:min(len(left), len(f))])
			}
			left = left[len(f):]
		}
		synctest.Wait()
		if got := s.peer(1).acked.Load(); got != 1 {
			t.Errorf("acknowledged are %d changes", got)
		}
		s.close()
		c.Close()
	})
}
