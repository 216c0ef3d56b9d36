// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"lateral/javaser"
)

// goldens are the directories of testdata/golden, which interop/java/Capture.java
// writes, with what wrote them.
var goldens = map[string]*Generation{"jcs-1.3": JCS13, "jcs-2.2.1": JCS2, "jcs-3.2.1": JCS3}

// TestGoldens reads each capture as its index says what it was told, and writes
// it again byte for byte.
func TestGoldens(t *testing.T) {
	for dir, g := range goldens {
		path := filepath.Join("testdata/golden", dir)
		want := readIndex(t, path)
		files, err := filepath.Glob(path + "/*.hex")
		if err != nil || len(files) != len(want) || len(files) < 8 {
			t.Fatalf("%s: %d captures, %d in the index: %v", path, len(files), len(want), err)
		}
		for _, file := range files {
			name := strings.TrimSuffix(filepath.Base(file), ".hex")
			b := readHex(t, file)
			var got []string
			switch {
			case strings.HasPrefix(name, "udp_"):
				got = []string{goldenPacket(t, file, g, b)}
			case strings.HasSuffix(name, ".s2c"):
				got = goldenReplies(t, file, g, b)
			default:
				list := messages(t, b, serializerOf(file))
				for _, m := range list {
					got = append(got, goldenLine(m))
				}
				if s := serializerOf(file); s.Standard() {
					sendAgain(t, file, g, list, b)
				}
			}
			if i := differs(got, want[name]); i >= 0 {
				t.Errorf("%s, message %d: %s, want %s", file, i+1, at(got, i), at(want[name], i))
			}
		}
	}
}

func differs(a, b []string) int {
	for i := range max(len(a), len(b)) {
		if at(a, i) != at(b, i) {
			return i
		}
	}
	return -1
}

func at(list []string, i int) string {
	if i < len(list) {
		return cut(list[i], 400)
	}
	return "nothing"
}

// readIndex is what each message of each file of a directory was to say.
func readIndex(t *testing.T, dir string) map[string][]string {
	b, err := os.ReadFile(filepath.Join(dir, "index.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	out := map[string][]string{}
	for l := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSuffix(l, "\n"), "\t")
		if len(f) != 3 || f[1] != fmt.Sprint(len(out[f[0]])+1) {
			t.Fatalf("%s: the index says %q", dir, l)
		}
		out[f[0]] = append(out[f[0]], f[2])
	}
	return out
}

// goldenLine is a message as the index spells it (interop/java/Literal.java).
func goldenLine(m *Message) string {
	s := m.Op.String() + " " + m.Region
	if m.Key != nil {
		s += " " + goldenKey(m.Key)
	}
	if m.Hash != NoHash {
		s += fmt.Sprint(" hash ", m.Hash)
	}
	if m.Op == Update {
		s += " = " + literal(m.Value) + " [" + goldenAttributes(m.Attr) + "]"
	}
	return s
}

func goldenAttributes(a *Attributes) string {
	if a.Eternal && a.Lateral && a.Spool && a.Remote && a.MaxLife < 0 && a.MaxIdle < 0 {
		return "default"
	}
	if a.Eternal || !a.Lateral || a.Spool || a.Remote {
		return fmt.Sprintf("%+v", a)
	}
	return fmt.Sprintf("life %.0f idle %.0f", a.MaxLife.Seconds(), a.MaxIdle.Seconds())
}

func goldenKey(v javaser.Value) string {
	o, ok := v.(*javaser.Object)
	if !ok || GenerationOf(o.Class.Name) == nil {
		return literal(v)
	}
	f := fields{o}
	if id, ok := f.value("groupId").(*javaser.Object); ok {
		group := fields{id}.value("groupName").(*javaser.String).S
		if f.value("attrName") == nil {
			return group + "/*"
		}
		return group + "/" + literal(f.value("attrName"))
	}
	return f.value("groupName").(*javaser.String).S + "/*"
}

func goldenReplies(t *testing.T, file string, g *Generation, b []byte) (out []string) {
	in := NewReplies(bytes.NewReader(b), g.Framed, Serializer{})
	for again := []byte(nil); len(again) < len(b); {
		v, err := in.Next()
		if err == nil {
			again, err = AppendReply(again, g.Framed, &Serializer{}, v)
		}
		if err != nil || !bytes.HasPrefix(b, again) {
			t.Fatalf("%s: %v, or answered again it differs", file, err)
		}
		out = append(out, goldenReply(v))
	}
	return out
}

func goldenReply(v javaser.Value) string {
	o, ok := v.(*javaser.Object)
	if !ok {
		return literal(v)
	}
	if e, err := ParseElement(v); err == nil {
		return e.Region + " " + goldenKey(e.Key) + " = " + literal(e.Value)
	}
	var keys []string
	kind, step := "set", 1
	if o.Class.Name == "java.util.HashMap" {
		kind, step = "map", 2
	}
	for i := 1; i < len(o.Parts[0].Custom); i += step {
		keys = append(keys, literal(o.Parts[0].Custom[i]))
	}
	slices.Sort(keys)
	return kind + " of " + strings.Join(keys, " ")
}

func goldenPacket(t *testing.T, file string, g *Generation, b []byte) string {
	p, rest, err := DecodePacket(b, &Serializer{})
	if err != nil || p.Gen != g || p.Port == 0 || p.Requester == 0 {
		t.Fatalf("%s: %+v %v", file, p, err)
	}
	if host := map[bool]string{true: "228.5.6.7", false: "10.77.0.1"}[p.Kind == Request]; p.Host != host || g != JCS13 && len(rest) > 0 {
		t.Errorf("%s: host %s, %d bytes more", file, p.Host, len(rest))
	}
	if again, err := p.Encode(&Serializer{}); err != nil || !bytes.HasPrefix(b, again) {
		t.Errorf("%s: written again it differs: %v", file, err)
	}
	slices.Sort(p.Regions)
	return strings.Join(append([]string{p.Kind.String()}, p.Regions...), " ")
}

// literal spells a value as Literal.java does.
func literal(v javaser.Value) string {
	switch v := v.(type) {
	case *javaser.Enum:
		return "enum " + v.Const.S
	case *javaser.Object:
		if v.Class.Name == "java.util.UUID" {
			break
		}
		if p, ok := javaser.Plain(v, 1<<20); ok {
			return plainLiteral(p)
		}
		return "class " + v.Class.Name
	case *javaser.Array:
		if p, ok := javaser.Plain(v, 1<<20); ok {
			return plainLiteral(p)
		}
		return "class " + v.Class.Name
	}
	if p, ok := javaser.Plain(v, 1<<20); ok {
		return plainLiteral(p)
	}
	return "class " + v.(*javaser.Object).Class.Name
}

func plainLiteral(p any) string {
	switch p := p.(type) {
	case nil:
		return "null"
	case string:
		return "s:" + textLiteral(p)
	case int32:
		return fmt.Sprint("i:", p)
	case int64:
		return fmt.Sprint("l:", p)
	case int16:
		return fmt.Sprint("h:", p)
	case int8:
		return fmt.Sprint("y:", p)
	case javaser.Char:
		return fmt.Sprintf("c:%d", p)
	case bool:
		return fmt.Sprint("b:", p)
	case float64:
		return fmt.Sprintf("d:%x", math.Float64bits(p))
	case float32:
		return fmt.Sprintf("f:%x", math.Float32bits(p))
	case time.Time:
		return fmt.Sprint("t:", p.UnixMilli())
	case []byte:
		return "x:" + hex.EncodeToString(p)
	case []any:
		return "list(" + allLiteral(p) + ")"
	case javaser.Set:
		return "set(" + allLiteral(p) + ")"
	case javaser.Map:
		var list []string
		for _, e := range p {
			list = append(list, plainLiteral(e.Key)+"="+plainLiteral(e.Value))
		}
		return "map(" + strings.Join(list, ",") + ")"
	}
	return fmt.Sprintf("%T", p)
}

func allLiteral(list []any) string {
	var out []string
	for _, p := range list {
		out = append(out, plainLiteral(p))
	}
	return strings.Join(out, ",")
}

// textLiteral spells a string by its UTF-16 units. Halves of characters are
// three bytes each in our text.
func textLiteral(s string) string {
	var units []uint16
	for i := 0; i < len(s); {
		if r, n := utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || n == 3 {
			units = utf16.AppendRune(units, r)
			i += n
			continue
		}
		units = append(units, uint16(s[i]&0xf)<<12|uint16(s[i+1]&0x3f)<<6|uint16(s[i+2]&0x3f))
		i += 3
	}
	if len(units) > 1000 {
		return fmt.Sprintf("%%%d#%d", len(units), javaser.HashString(s))
	}
	var b strings.Builder
	for _, u := range units {
		if u > ' ' && u < 0x7f && u != '%' && u != ',' {
			b.WriteByte(byte(u))
		} else {
			fmt.Fprintf(&b, "%%%04x", u)
		}
	}
	return b.String()
}

// TestGoldensAreWhole: what issue and protocol have is in the goldens.
func TestGoldensAreWhole(t *testing.T) {
	for dir, g := range goldens {
		text, err := os.ReadFile(filepath.Join("testdata/golden", dir, "index.tsv"))
		if err != nil {
			t.Fatal(err)
		}
		for _, op := range []Op{Update, Remove, RemoveAll, Get, GetMatching, GetKeySet} {
			if g == JCS13 && op > Get {
				continue
			}
			if n := strings.Count(string(text), "\t"+op.String()+" "); n == 0 || op == Update && n < 200 {
				t.Errorf("%s: %d messages are %s", dir, n, op)
			}
		}
	}
}
