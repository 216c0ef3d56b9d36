// SPDX-License-Identifier: Apache-2.0

package discover

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

var sample = Packet{
	Kind: Solicit, Receive: true, Port: 57462, ID: 0x0011223344556677, Node: 0x8899aabbccddeeff, PID: 3706, Seq: 1,
	Cluster: "ox", Host: "oxgw01", Service: "groupware", Endpoint: "LTCP",
}

func encode(t testing.TB, p Packet, jcs string) []byte {
	t.Helper()
	b, err := p.Append(nil, []byte(jcs))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestDump reads the very dump in the package comment.
func TestDump(t *testing.T) {
	doc, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, doc, _ = bytes.Cut(doc, []byte("// An example:"))
	var dump []byte
	for _, line := range regexp.MustCompile(`(?m)^//\t((?:[0-9a-f]{2} )*[0-9a-f]{2})  +\D`).FindAllSubmatch(doc, -1) {
		b, err := hex.DecodeString(strings.ReplaceAll(string(line[1]), " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		dump = append(dump, b...)
	}
	if want := encode(t, sample, ""); !bytes.Equal(dump, want) {
		t.Errorf("the dump has\n% x, encoding gives\n% x", dump, want)
	}
	if p, _, err := Decode(dump); err != nil || p != sample {
		t.Errorf("decoded %+v, %v", p, err)
	}
}

func TestBehindAMessageOfJCS(t *testing.T) {
	const jcs = "\xac\xed\x00\x05sr and so on"
	p, before, err := Decode(encode(t, sample, jcs))
	if err != nil || p != sample || string(before) != jcs {
		t.Errorf("%+v, %q, %v", p, before, err)
	}
}

func TestUnknownTrailingFieldsAreSkipped(t *testing.T) {
	b := encode(t, sample, "")
	section := append(bytes.Clone(b[:len(b)-footerSize]), "of the future"...)
	b = binary.BigEndian.AppendUint32(section, uint32(len(section)))
	if p, _, err := Decode(append(b, magic...)); err != nil || p != sample {
		t.Errorf("%+v, %v", p, err)
	}
}

func TestLongestStaysWithinAPacket(t *testing.T) {
	p := sample
	for _, x := range p.texts() {
		*x.text = strings.Repeat("x", x.max)
	}
	b := encode(t, p, "")
	if len(b) > maxSection+footerSize || len(b) > 1200 {
		t.Errorf("%d bytes", len(b))
	}
	if got, _, err := Decode(b); err != nil || got != p {
		t.Errorf("%+v, %v", got, err)
	}
	for i := range p.texts() {
		q := p
		*q.texts()[i].text += "x"
		if _, err := q.Append(nil, nil); err == nil || !strings.Contains(err.Error(), q.texts()[i].name) {
			t.Errorf("one byte more: %v, want an error that names the %s", err, q.texts()[i].name)
		}
	}
}

func TestNotUnderstood(t *testing.T) {
	good := encode(t, sample, "")
	change := func(i int, b byte) []byte {
		c := bytes.Clone(good)
		c[(i+len(c))%len(c)] = b
		return c
	}
	for _, c := range []struct {
		name string
		b    []byte
		want error
	}{
		{"nothing", nil, ErrAlien},
		{"JCS alone", []byte("\xac\xed\x00\x05sr"), ErrAlien},
		{"padding behind", append(bytes.Clone(good), 0), ErrAlien},
		{"footer alone", []byte("\x00\x00\x00\x00LatD"), ErrMalformed},
		{"longer than the datagram", change(-5, 0xff), ErrMalformed},
		{"longer than memory", append([]byte("\xff\xff\xff\xff"), magic...), ErrMalformed},
		{"version 2", change(0, 2), ErrVersion},
		{"sealed", change(1, flagSealed), ErrSealed},
		{"kind 0", change(2, 0), ErrMalformed},
		{"kind 4", change(2, 4), ErrMalformed},
		{"no id", append(append(bytes.Clone(good[:5]), make([]byte, 8)...), good[13:]...), ErrMalformed},
		{"a text beyond the end", change(-footerSize-5, 200), ErrMalformed},
		{"control character", change(-footerSize-1, 0x1b), ErrMalformed},
		{"not UTF-8", change(-footerSize-1, 0xff), ErrMalformed},
	} {
		if _, _, err := Decode(c.b); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
	for n := range good {
		if _, _, err := Decode(good[:n]); err == nil {
			t.Errorf("cut to %d bytes: understood", n)
		}
	}
}

func TestRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		name := rapid.StringMatching(`[a-zA-Z0-9 ä_.-]{0,60}`)
		p := Packet{
			Kind: Kind(rapid.IntRange(1, 3).Draw(r, "kind")), Receive: rapid.Bool().Draw(r, "receive"),
			Port: rapid.Uint16().Draw(r, "port"), ID: 1, Node: 2, PID: rapid.Uint32().Draw(r, "pid"), Seq: rapid.Uint32().Draw(r, "seq"),
			Cluster: name.Draw(r, "cluster"), Host: name.Draw(r, "host"), Service: name.Draw(r, "service"), Endpoint: name.Draw(r, "endpoint"),
		}
		jcs := rapid.SliceOf(rapid.Byte()).Draw(r, "jcs")
		b, err := p.Append(nil, jcs)
		if err != nil {
			r.Fatal(err)
		}
		if got, before, err := Decode(b); err != nil || got != p || !bytes.Equal(before, jcs) {
			r.Fatalf("%+v, % x, %v", got, before, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	good := encode(f, sample, "jcs")
	f.Add(good)
	f.Add([]byte{})
	f.Add([]byte(magic))
	f.Add(append([]byte("\xff\xff\xff\xff"), magic...))
	f.Add(append([]byte("\x7f\xff\xff\xff"), magic...))
	f.Add(append([]byte("\x00\x00\x00\x00"), magic...))
	for _, i := range []int{0, 1, 2, 32, len(good) - 5, len(good) - 6} {
		b := bytes.Clone(good)
		b[i] = 0xff
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		p, jcs, err := Decode(b)
		if err != nil {
			return
		}
		again, err := p.Append(nil, jcs)
		if err != nil {
			t.Fatalf("%+v can't be encoded: %v", p, err)
		}
		if q, _, err := Decode(again); err != nil || q != p {
			t.Fatalf("%+v became %+v, %v", p, q, err)
		}
	})
}
