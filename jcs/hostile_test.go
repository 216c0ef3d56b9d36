// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"

	"lateral/internal/hostile"
	"lateral/javaser"
)

// allocated is how many bytes f allocates, all told.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// TestHostilePackets: a datagram costs a few times its length, whatever stands
// in its fields.
func TestHostilePackets(t *testing.T) {
	for _, c := range hostile.Cases() {
		if !c.Whole || len(c.Stream) > maxPacket/2 {
			continue
		}
		b := bombed(t, c.Stream)
		var p *Packet
		var err error
		n := allocated(func() { p, _, err = DecodePacket(b, &Serializer{}) })
		if n > uint64(64<<10+64*len(b)) {
			t.Errorf("%s: %d bytes were allocated for a datagram of %d", c.Name, n, len(b))
		}
		if err == nil && len(p.Regions) > 0 || c.Denied && !errors.Is(err, javaser.ErrDenied) {
			t.Errorf("%s: %v %v", c.Name, p, err)
		}
		n = allocated(func() { _, _, err = DecodePacket(c.Stream, &Serializer{}) })
		if !errors.Is(err, ErrProtocol) && !c.Denied || n > uint64(64<<10+64*len(b)) {
			t.Errorf("%s instead of a message: %d bytes, %v", c.Name, n, err)
		}
	}
}

// TestHostileFields: a message whose attributes are attacks costs a few times
// its length.
func TestHostileFields(t *testing.T) {
	bomb, err := javaser.Decode(hostile.SetBomb(60).Bytes(), javaser.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	o, err := put(JCS4, "k", "v").Object()
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range JCS4.attributes.class.Fields {
		if f.Type == 'L' {
			refs := fields{fields{o}.value("payload").(*javaser.Object)}.value("elementAttributes").(*javaser.Object).Parts[0].Refs
			refs[i-4] = bomb // behind the four flags
		}
	}
	stream, err := javaser.Encode(o)
	if err != nil {
		t.Fatal(err)
	}
	var m *Message
	n := allocated(func() {
		var v javaser.Value
		if v, err = javaser.Decode(stream, limits); err == nil {
			m, err = ParseMessage(v)
		}
	})
	if err != nil || m.Attr == nil || n > uint64(64<<10+64*len(stream)) {
		t.Errorf("%v, %d bytes were allocated for a message of %d", err, n, len(stream))
	}
}

// TestCut cuts messages at every byte: nothing is applied of what is not whole.
func TestCut(t *testing.T) {
	for _, g := range Generations {
		b, err := NewWriter(g, Serializer{}).Encode(put(g, "k", strings.Repeat("v", 300)))
		if err != nil {
			t.Fatal(err)
		}
		for n := 4; n < len(b); n++ {
			m, err := NewReader(bytes.NewReader(b[4:n]), b[:4], Serializer{}).Next()
			clean := err == io.EOF && n == 4 && !g.Framed // nothing but the header of a stream
			if m != nil || err == nil || err == io.EOF && !clean {
				t.Fatalf("JCS %s, cut at %d of %d bytes: %v, %v", g.Name, n, len(b), m, err)
			}
			if !g.Framed {
				continue
			}
			cut := bytes.Clone(b[:n]) // and frames that say so
			cut[2], cut[3] = byte((n-4)>>8), byte(n-4)
			var skip *SkippedError
			if m, err := NewReader(bytes.NewReader(cut[4:]), cut[:4], Serializer{}).Next(); m != nil || n > 4 && !errors.As(err, &skip) {
				t.Fatalf("JCS %s, a frame of %d of %d bytes: %v, %v", g.Name, n-4, len(b)-4, m, err)
			}
		}
	}
}
