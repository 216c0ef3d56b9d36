// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"bytes"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lateral/cache"
	"lateral/javaser"
)

var rewrite = flag.Bool("rewrite", false, "write testdata/messages.txt anew")

// versions are the directories of captures with what wrote them.
var versions = map[string]*Generation{"jcs-1.3": JCS13, "jcs-1.3.3.5": JCS133, "jcs-2.2.1": JCS2, "jcs-3.2.1": JCS3, "jcs-4-head": JCS4}

func readHex(t testing.TB, path string) []byte {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b, err := hex.DecodeString(strings.ReplaceAll(string(text), "\n", ""))
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	return b
}

// captures offers every capture of a kind: "c2s", "s2c", "udp".
func captures(t testing.TB, kind string, visit func(path string, g *Generation, b []byte)) {
	n := 0
	for _, dir := range []string{"jcs-1.3", "jcs-1.3.3.5", "jcs-2.2.1", "jcs-3.2.1", "jcs-4-head"} {
		paths, _ := filepath.Glob("testdata/wire/" + dir + "/*.hex")
		for _, path := range paths {
			if strings.Contains(path, kind) {
				visit(path, versions[dir], readHex(t, path))
				n++
			}
		}
	}
	if n < 20 {
		t.Fatalf("%d captures %s: some are not there", n, kind)
	}
}

// serializerOf is the one that the Java nodes of a capture had.
func serializerOf(path string) Serializer {
	switch {
	case strings.Contains(path, "compressing"):
		return Serializer{Compress: true}
	case strings.Contains(path, "encrypting"):
		return Serializer{Key: "my_super_secret", GCM: strings.Contains(path, "gcm")}
	}
	return Serializer{}
}

func messages(t testing.TB, b []byte, s Serializer) (list []*Message) {
	r := NewReader(bytes.NewReader(b), nil, s)
	if len(b) >= 4 {
		r = NewReader(bytes.NewReader(b[4:]), b[:4], s)
	}
	for {
		m, err := r.Next()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
}

// line prints a message as messages.txt has it: what JCS says, in our words.
func line(m *Message) string {
	s := fmt.Sprintf("%s %s", m.Gen.Name, m.Op)
	if m.Requester != 0 {
		s += " from requester"
	}
	s += " " + m.Region
	if m.Key != nil {
		key, whole, err := KeyOf(m.Key)
		s += fmt.Sprintf(" %q", cache.KeyText(key))
		if whole {
			s += " (group)"
		}
		if err != nil {
			s += err.Error()
		}
	}
	if m.Hash != NoHash {
		s += fmt.Sprintf(" hash %d", m.Hash)
	}
	if m.Value != nil {
		s += " = " + strings.TrimSpace(cut(javaser.Tree(m.Value), 300))
	}
	if a := m.Attr; a != nil && m.Op == Update {
		s += fmt.Sprintf(" [%s]", attributesText(a))
	}
	return s
}

func cut(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

func attributesText(a *Attributes) string {
	c := a.Cache()
	if c == cache.DefaultAttributes {
		return "default"
	}
	return fmt.Sprintf("%+v", c)
}

// TestCaptures holds what real nodes sent against messages.txt, which was
// compared with the table of what they were told to do, and sends it again.
func TestCaptures(t *testing.T) {
	var out strings.Builder
	captures(t, "c2s", func(path string, g *Generation, b []byte) {
		fmt.Fprintf(&out, "== %s\n", strings.TrimPrefix(path, "testdata/wire/"))
		list := messages(t, b, serializerOf(path))
		for i, m := range list {
			if i < 4 || i >= len(list)-2 {
				fmt.Fprintf(&out, "%d %s\n", i, line(m))
			}
			if m.Gen != g && !(g == JCS13 && m.Gen == JCS133 || g == JCS133 && m.Gen == JCS13) {
				t.Errorf("%s: message %d is of generation %s", path, i, m.Gen.Name)
			}
			if m.Op == Update && m.Gen != g {
				t.Errorf("%s: message %d is taken for JCS %s", path, i, m.Gen.Name)
			}
			if m.Attr != nil && (m.Attr.Created.Year() != 2026 || m.Attr.Accessed.Sub(m.Attr.Created) > time.Minute) {
				t.Errorf("%s: message %d of %v, accessed %v", path, i, m.Attr.Created, m.Attr.Accessed)
			}
		}
		if s := serializerOf(path); s.Standard() {
			sendAgain(t, path, g, list, b)
		}
	})
	compareGolden(t, "testdata/messages.txt", out.String())
}

func compareGolden(t *testing.T, path, got string) {
	if *rewrite {
		os.WriteFile(path, []byte(got), 0o644)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g := strings.Split(got, "\n")
	for i, w := range strings.Split(string(b), "\n") {
		if i >= len(g) || g[i] != w {
			t.Fatalf("%s, line %d:\n%s\nwant\n%s", path, i+1, g[min(i, len(g)-1)], w)
		}
	}
}

// sendAgain writes messages that were read, through our own classes, and wants
// the bytes of Java.
func sendAgain(t *testing.T, path string, g *Generation, list []*Message, want []byte) {
	w := NewWriter(g, Serializer{})
	if g == JCS2 {
		w.reset = 1 << 30 // Java does not
	}
	var got []byte
	for _, m := range list {
		b, err := w.Encode(m)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		got = append(got, b...)
	}
	if !bytes.Equal(got, want) {
		at := 0
		for at < min(len(got), len(want)) && got[at] == want[at] {
			at++
		}
		t.Errorf("%s: sent again it differs at byte %d of %d:\n% x, Java wrote\n% x", path, at, len(want),
			got[at:min(at+40, len(got))], want[at:min(at+40, len(want))])
	}
}

// TestReplies reads what real nodes answered, and answers the same.
func TestReplies(t *testing.T) {
	captures(t, "s2c", func(path string, g *Generation, b []byte) {
		var list []string
		in := NewReplies(bytes.NewReader(b), g.Framed, Serializer{})
		var again []byte
		for len(again) < len(b) {
			v, err := in.Next()
			if err == nil {
				again, err = AppendReply(again, g.Framed, &Serializer{}, v)
			}
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			if !bytes.HasPrefix(b, again) {
				t.Fatalf("%s: answered again it differs", path)
			}
			list = append(list, replyText(t, v))
		}
		want := map[string][]string{
			"get_hit":             {"onB=fromB", "Integer 9"},
			"get_miss":            {"null", "onB=fromB"},
			"get_mixed_with_put":  {"onB=fromB"},
			"get_expired_on_peer": {"null"},
			"get_matching":        {"map of 2", "map of 0"},
			"get_keyset":          {"set of 2"},
		}[strings.TrimSuffix(filepath.Base(path), ".s2c.hex")]
		if g == JCS2 && len(want) == 2 {
			want = want[:1] // its dialler closes the connection after one answer
		}
		if strings.Contains(path, "get_miss") && g.enums {
			want = []string{"onB=fromB"} // a miss has no answer there
		}
		if !slices.Equal(list, want) {
			t.Errorf("%s: %v, want %v", path, list, want)
		}
	})
}

func replyText(t *testing.T, v javaser.Value) string {
	if e, err := ParseElement(v); err == nil {
		if e.Attr == nil || e.Region != "alpha" {
			t.Errorf("%+v", e)
		}
		if key, _, _ := KeyOf(e.Key); key == cache.JavaKey('I', "9") {
			if p, ok := javaser.Plain(e.Value, 1<<20); !ok || len(p.(javaser.Map)) != 3 {
				t.Errorf("%v", p)
			}
			return "Integer 9"
		}
		return e.Key.(*javaser.String).S + "=" + e.Value.(*javaser.String).S
	}
	switch p := v.(type) {
	case nil:
		return "null"
	case *javaser.Object:
		return map[string]string{"java.util.HashMap": "map", "java.util.HashSet": "set"}[p.Class.Name] + " of " + fmt.Sprint((len(p.Parts[0].Custom)-1)/sizeOf(p))
	}
	return "?"
}

// sizeOf is how many values an entry has.
func sizeOf(o *javaser.Object) int {
	if o.Class.Name == "java.util.HashMap" {
		return 2
	}
	return 1
}

// TestPackets reads discovery's datagrams and writes them again.
func TestPackets(t *testing.T) {
	captures(t, "udp_", func(path string, g *Generation, b []byte) {
		p, rest, err := DecodePacket(append(slices.Clone(b), "behind"...), &Serializer{})
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		parts := strings.Split(strings.TrimSuffix(filepath.Base(path), ".hex"), "_") // udp, type, node, names
		kind := map[string]Kind{"passive": Passive, "request": Request, "remove": Withdrawal}[parts[1]]
		port := map[string]int{"A": 22001, "B": 22002, "x": 6780}[parts[2]]
		host := "10.77.0.1"
		switch {
		case parts[2] == "x":
			host = "228.5.6.7"
			if !g.Framed {
				port = 6789 // whatever the group is
			}
		case g == JCS13:
			host = "127.0.0.1" // what the name of that host resolved to
		}
		var regions []string
		if parts[3] != "none" {
			regions = strings.Split(parts[3], "+")
		}
		if p.Gen != g || p.Kind != kind || p.Port != port || p.Host != host || p.Requester == 0 || !slices.Equal(p.Regions, regions) {
			t.Errorf("%s: %+v", path, p)
		}
		if !bytes.HasSuffix(rest, []byte("behind")) || g != JCS13 && string(rest) != "behind" {
			t.Errorf("%s: behind it are %q", path, cut(string(rest), 20))
		}
		again, err := p.Encode(&Serializer{})
		if err != nil || !bytes.HasPrefix(b, again) || g != JCS13 && len(again) != len(b) {
			t.Errorf("%s: written again it differs (%v):\n% x\n% x", path, err, again, b)
		}
	})
}
