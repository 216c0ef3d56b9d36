// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

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

// files lists goldens; none is an error, so that a moved directory is noticed.
func files(t testing.TB, pattern string) []string {
	list, err := filepath.Glob(pattern)
	if err != nil || len(list) == 0 {
		t.Fatalf("no golden files %s", pattern)
	}
	return list
}

// decodeAll reads values until the end of the stream.
func decodeAll(r io.Reader, l Limits) (list []Value, err error) {
	d := NewDecoder(r, l)
	for {
		v, err := d.Next()
		if errors.Is(err, io.EOF) {
			return list, nil
		}
		if err != nil {
			return list, err
		}
		list = append(list, v)
	}
}

func encodeAll(t testing.TB, list []Value) []byte {
	e := NewEncoder()
	for _, v := range list {
		if err := e.Encode(v); err != nil {
			t.Fatal(err)
		}
	}
	return e.Take()
}

// streams takes a capture apart into object streams.
func streams(name string, b []byte) (out [][]byte) {
	framed := strings.Contains(name, "jcs-3") || strings.Contains(name, "jcs-4")
	switch {
	case strings.Contains(name, "serializer_"):
		return nil
	case strings.Contains(name, "udp_") && strings.Contains(name, "jcs-1.3/"): // padded with zeroes
		return [][]byte{bytes.TrimRight(b[:len(b)-1], "\x00")}
	case strings.Contains(name, "udp_") || !framed && strings.Contains(name, "c2s"):
		return [][]byte{b}
	case framed:
		for len(b) >= 4 {
			n := binary.BigEndian.Uint32(b)
			out, b = append(out, b[4:4+n]), b[4+n:]
		}
		return out
	}
	for i, s := range bytes.Split(b, []byte(header)) { // each answer is a stream of its own
		if i > 0 {
			out = append(out, append([]byte(header), s...))
		}
	}
	return out
}

// TestCaptures reads everything that real JCS nodes wrote, however it arrives,
// and writes it again, byte for byte.
func TestCaptures(t *testing.T) {
	read := 0
	for _, path := range append(files(t, "../jcs/testdata/wire/*/*.hex"), files(t, "../jcs/testdata/golden/*/*.hex")...) {
		for i, s := range streams(path, readHex(t, path)) {
			list, err := decodeAll(bytes.NewReader(s), Limits{})
			if err != nil {
				t.Fatalf("%s, stream %d: %v", path, i, err)
			}
			if again := encodeAll(t, list); !bytes.Equal(again, s) {
				t.Errorf("%s, stream %d: written again it differs", path, i)
			}
			dripped, err := decodeAll(iotest.OneByteReader(bytes.NewReader(s)), Limits{})
			if err != nil || !bytes.Equal(encodeAll(t, dripped), s) {
				t.Errorf("%s, stream %d, byte by byte: %v", path, i, err)
			}
			read += len(list)
		}
	}
	if read < 2400 {
		t.Errorf("%d values in all captures: some were not read", read)
	}
}

// TestJava does the same with the corner cases of testdata/Golden.java.
func TestJava(t *testing.T) {
	for _, path := range files(t, "testdata/java/*.hex") {
		s := readHex(t, path)
		list, err := decodeAll(bytes.NewReader(s), Limits{})
		if err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		again := encodeAll(t, list)
		if filepath.Base(path) == "exception.hex" { // what was cut is dropped
			again2 := encodeAll(t, must(decodeAll(bytes.NewReader(again), Limits{})))
			if _, ok := list[0].(*Exception); !ok || len(list) != 2 || !bytes.Equal(again, again2) {
				t.Errorf("%s: %v", path, list)
			}
			continue
		}
		if !bytes.Equal(again, s) {
			t.Errorf("%s: written again it differs:\n% x\n% x", path, s, again)
		}
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestTruncated cuts streams at every byte.
func TestTruncated(t *testing.T) {
	for _, path := range files(t, "testdata/java/*.hex") {
		s := readHex(t, path)
		if len(s) > 4<<10 || strings.HasSuffix(path, "stream.hex") || strings.HasSuffix(path, "exception.hex") {
			continue // several values end in several places
		}
		for n := range s {
			if list, err := decodeAll(bytes.NewReader(s[:n]), Limits{}); err == nil && len(list) > 0 {
				t.Errorf("%s cut at %d of %d bytes is taken for whole", path, n, len(s))
			}
			if _, err := Decode(s[:n], Limits{}); err == nil {
				t.Errorf("%s cut at %d of %d bytes: no error", path, n, len(s))
			}
		}
	}
}
