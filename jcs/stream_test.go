// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"lateral/cache"
	"lateral/javaser"
)

func put(g *Generation, key, value string) *Message {
	now := time.UnixMilli(1795335015191)
	return &Message{Gen: g, Op: Update, Requester: 7, Hash: NoHash, Element: Element{Region: "alpha", Key: &javaser.String{S: key},
		Value: &javaser.String{S: value}, Attr: &Attributes{Eternal: true, MaxLife: -1, MaxIdle: -1, Created: now, Accessed: now}}}
}

var serializers = map[string]Serializer{"standard": {}, "compressing": {Compress: true}, "ECB": {Key: "secret"}, "GCM": {Key: "secret", GCM: true}}

// TestConnection writes every operation of every generation to a connection
// and reads it there, however it arrives.
func TestConnection(t *testing.T) {
	for _, g := range Generations {
		for name, s := range serializers {
			if !g.Framed && name != "standard" {
				continue
			}
			w := NewWriter(g, s)
			var wire []byte
			var want []string
			count := 200
			if s.Key != "" {
				count = 20 // a key is derived for each that is read
			}
			for i := range count {
				m := put(g, fmt.Sprint("k", i), "v")
				switch {
				case i%7 == 1:
					m = &Message{Gen: g, Op: Remove, Requester: 7, Hash: int32(i), Element: Element{Region: fmt.Sprint("r", i%3), Key: &javaser.String{S: "k"}}}
				case i%7 == 2:
					m = &Message{Gen: g, Op: RemoveAll, Requester: 7, Hash: NoHash, Element: Element{Region: "alpha", Key: &javaser.String{S: "ALL"}}}
				case i%7 == 3:
					m.Key = &javaser.String{S: "bad \xff"} // is not sent, and harms nothing
				case i%7 == 4 && g.enums:
					m = &Message{Gen: g, Op: GetKeySet, Hash: NoHash, Element: Element{Region: "alpha"}}
				}
				b, err := w.Encode(m)
				if bad := i%7 == 3; bad != (err != nil) {
					t.Fatalf("%s %s: message %d: %v", g.Name, name, i, err)
				}
				if err == nil {
					wire = append(wire, b...)
					want = append(want, line(m))
				}
			}
			for how, r := range map[string]io.Reader{"whole": bytes.NewReader(wire[4:]), "dripping": iotest.OneByteReader(bytes.NewReader(wire[4:]))} {
				in := NewReader(r, wire[:4], s)
				for i, w := range want {
					m, err := in.Next()
					if err != nil {
						t.Fatalf("%s %s %s: message %d: %v", g.Name, name, how, i, err)
					}
					if got := line(m); strings.ReplaceAll(got, "1.3.3", "1.3") != strings.ReplaceAll(w, "1.3.3", "1.3") {
						t.Errorf("%s %s %s: message %d: %s, want %s", g.Name, name, how, i, got, w)
					}
				}
				if _, err := in.Next(); err != io.EOF {
					t.Errorf("%s %s %s: at the end: %v", g.Name, name, how, err)
				}
			}
		}
	}
}

// TestStreamsAreReset: a stream does not grow for ever, at either end.
func TestStreamsAreReset(t *testing.T) {
	for _, g := range []*Generation{JCS13, JCS133, JCS2} {
		w := NewWriter(g, Serializer{})
		resets := 0
		for i := range 211 {
			b, err := w.Encode(put(g, fmt.Sprint("k", i), "v"))
			if err != nil {
				t.Fatal(err)
			}
			if b[0] == 0x79 {
				resets++
			}
		}
		if resets != 3 {
			t.Errorf("%s: %d resets in 211 messages, want 3", g.Name, resets)
		}
	}
}

// TestFrameIsOnePiece: header and body come in one slice, for one write.
func TestFrameIsOnePiece(t *testing.T) {
	b, err := NewWriter(JCS3, Serializer{}).Encode(put(JCS3, "k", "v"))
	if err != nil || int(binary.BigEndian.Uint32(b)) != len(b)-4 {
		t.Fatalf("%d bytes, %v", len(b), err)
	}
}

// TestBadMessages: what is read to its end, but can't be used, does not cost
// the connection; what can't be read to its end does.
func TestBadMessages(t *testing.T) {
	frame := func(b []byte) []byte { return append(binary.BigEndian.AppendUint32(nil, uint32(len(b))), b...) }
	good, _ := NewWriter(JCS3, Serializer{}).Encode(put(JCS3, "k", "v"))
	text, _ := javaser.Encode(&javaser.String{S: "x"})
	noValue := put(JCS3, "k", "v")
	noValue.Value = nil
	nothing, _ := NewWriter(JCS3, Serializer{}).Encode(noValue)
	for name, b := range map[string][]byte{"no stream": frame([]byte("hello")), "a string": frame(text), "two objects": frame(append(text, text[4:]...)), "no value": nothing} {
		r := NewReader(bytes.NewReader(append(bytes.Clone(b), good...)), nil, Serializer{})
		var skipped *SkippedError
		if _, err := r.Next(); !errors.As(err, &skipped) {
			t.Errorf("%s: %v", name, err)
		}
		if m, err := r.Next(); err != nil || m.Op != Update {
			t.Errorf("behind %s: %v, %v", name, m, err)
		}
	}
	for name, b := range map[string][]byte{"negative": {0xff, 0xff, 0xff, 0xff}, "huge": {0x7f, 0, 0, 0}, "empty": {0, 0, 0, 0}, "cut": {0, 0, 1, 0, 5}, "half a length": {0, 0}} {
		_, err := NewReader(bytes.NewReader(b), nil, Serializer{}).Next()
		var skipped *SkippedError
		if err == nil || errors.As(err, &skipped) || err == io.EOF {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewReader(bytes.NewReader([]byte("\x7f")), []byte(streamHead), Serializer{}).Next(); !errors.Is(err, javaser.ErrFormat) {
		t.Errorf("a damaged stream: %v", err)
	}
}

// TestMessagesRefused: each field that a message needs is missed.
func TestMessagesRefused(t *testing.T) {
	for name, m := range map[string]*Message{
		"no region":   {Gen: JCS3, Op: Remove, Element: Element{Key: &javaser.String{S: "k"}}},
		"long region": {Gen: JCS3, Op: Remove, Element: Element{Region: strings.Repeat("r", maxRegionName+1)}},
	} {
		o, err := m.Object()
		if err != nil {
			t.Fatal(err)
		}
		if m, err := ParseMessage(o); !errors.Is(err, ErrProtocol) {
			t.Errorf("%s: %+v, %v", name, m, err)
		}
	}
	for name, m := range map[string]*Message{
		"key set in 1.3":  {Gen: JCS133, Op: GetKeySet},
		"matching in 1.3": {Gen: JCS13, Op: GetMatching},
		"no operation":    {Gen: JCS3},
	} {
		if _, err := m.Object(); err == nil {
			t.Errorf("%s was written", name)
		}
	}
	o, _ := put(JCS13, "k", "v").Object()
	o.Parts[0].Prim[3] = 9
	if _, err := ParseMessage(o); !errors.Is(err, ErrProtocol) {
		t.Errorf("command 9: %v", err)
	}
	if m, err := ParseMessage(&javaser.Object{Class: JCS4.element.class, Parts: []javaser.Part{{Class: &javaser.Class{}}}}); !errors.Is(err, ErrProtocol) {
		t.Errorf("an element as a message: %v, %v", m, err)
	}
}

// TestSerializers opens what others sealed, and nothing else.
func TestSerializers(t *testing.T) {
	plain := []byte(strings.Repeat("java object stream ", 100))
	for name, s := range serializers {
		one, err := s.Seal([]byte("head"), plain)
		if err != nil || !bytes.HasPrefix(one, []byte("head")) {
			t.Fatalf("%s: %v", name, err)
		}
		one = one[4:]
		two, _ := s.Seal(nil, plain)
		if s.Key != "" && bytes.Equal(one[:ivSize], two[:ivSize]) {
			t.Errorf("%s: two messages have one vector", name)
		}
		fresh := Serializer{Compress: s.Compress, Key: s.Key, GCM: s.GCM}
		if got, err := fresh.Open(one); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s: %v", name, err)
		}
		for other, o := range serializers {
			if got, err := o.Open(one); other != name && other != "standard" && err == nil && bytes.Equal(got, plain) {
				t.Errorf("%s opens what %s sealed", other, name)
			}
		}
		if s.Standard() {
			continue
		}
		wrong := Serializer{Compress: s.Compress, Key: s.Key + "x", GCM: s.GCM}
		if got, err := wrong.Open(one); !s.Compress && err == nil && bytes.Equal(got, plain) {
			t.Errorf("%s: another key opens it", name)
		}
		for n := range 40 {
			s.Open(one[:n])
		}
	}
	gcm := Serializer{Key: "secret", GCM: true}
	b, _ := gcm.Seal(nil, plain)
	b[len(b)/2] ^= 1
	if _, err := gcm.Open(b); !errors.Is(err, ErrProtocol) {
		t.Errorf("an altered message: %v", err)
	}
}

// TestBomb: what would decompress to gigabytes is refused in time.
func TestBomb(t *testing.T) {
	s := Serializer{Compress: true}
	const most = 1 << 20
	b, err := s.Seal(nil, make([]byte, 8*most))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.open(b, most); !errors.Is(err, ErrProtocol) {
		t.Errorf("%d bytes became more than %d: %v", len(b), most, err)
	}
	p, _ := (&Packet{Gen: JCS3, Regions: []string{strings.Repeat("r", maxPacket*2)}}).Encode(&s)
	if _, _, err := DecodePacket(p, &s); err == nil {
		t.Errorf("a datagram of %d bytes became more than %d", len(p), maxPacket)
	}
}

// TestNewSerializer: what a ccf names is spoken, or refused with a reason.
func TestNewSerializer(t *testing.T) {
	root := JCS3.Root + ".utils.serialization."
	for _, c := range []struct{ class, key, trans, want string }{
		{"", "", "", "StandardSerializer"},
		{root + "StandardSerializer", "", "", "StandardSerializer"},
		{root + "CompressingSerializer", "", "", "CompressingSerializer"},
		{root + "EncryptingSerializer", "k", "", "EncryptingSerializer " + transECB},
		{root + "EncryptingSerializer", "k", transGCM, "EncryptingSerializer " + transGCM},
	} {
		s, err := NewSerializer(c.class, c.key, c.trans)
		if err != nil || s.String() != c.want {
			t.Errorf("%+v: %s, %v", c, &s, err)
		}
	}
	for _, c := range []struct{ class, key, trans, why string }{
		{JCS4.Root + ".utils.serialization.JSONSerializer", "", "", "write StandardSerializer"},
		{root + "EncryptingSerializer", "", "", "PreSharedKey"},
		{root + "EncryptingSerializer", "k", "AES/CBC/PKCS5Padding", "are spoken"},
		{"com.example.Mine", "", "", "none of JCS's"},
	} {
		if _, err := NewSerializer(c.class, c.key, c.trans); err == nil || !strings.Contains(err.Error(), c.why) {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

// TestSealedPackets: datagrams have the serializer of JCS 3, too.
func TestSealedPackets(t *testing.T) {
	for name, s := range serializers {
		p := &Packet{Gen: JCS3, Kind: Passive, Host: "h", Port: 1, Requester: 2, Regions: []string{"alpha"}}
		b, err := p.Encode(&s)
		if err != nil {
			t.Fatal(err)
		}
		section := ""
		if s.Key == "" {
			section = "our section"
		}
		got, rest, err := DecodePacket(append(b, section...), &s)
		if err != nil || got.Port != 1 || string(rest) != section {
			t.Errorf("%s: %+v, %q, %v", name, got, rest, err)
		}
		old, _ := (&Packet{Gen: JCS2, Port: 3}).Encode(&s)
		if got, _, err := DecodePacket(old, &s); err != nil || got.Gen != JCS2 || got.Port != 3 {
			t.Errorf("%s: an older node on the same group: %+v, %v", name, got, err)
		}
	}
	if _, err := (&Packet{Gen: JCS13, Kind: Withdrawal}).Encode(&Serializer{}); err == nil {
		t.Error("JCS 1.3 has no REMOVE")
	}
}

func TestOpens(t *testing.T) {
	for head, want := range map[string]bool{streamHead: true, "\x00\x00\x03\x45": true, "GET ": false, "LTR1": false, "\x16\x03\x01\x02": false,
		"\x00\x00\x00\x00": false, "\xff\xff\xff\xff": false} {
		if got := Opens([4]byte([]byte(head))); got != want {
			t.Errorf("%q: %v", head, got)
		}
	}
	if cache.MaxValue >= MaxFrame {
		t.Error("the largest value does not fit a frame")
	}
}
