// SPDX-License-Identifier: Apache-2.0

package fields

import (
	"encoding/binary"
	"fmt"

	"lateral/cache"
)

const (
	version = 1

	kindValue = 1
	kindStamp = 2

	stampSize = 16
)

// Value encodes a hash. Fields that were written since it was decoded get the
// stamp of the element that will hold it.
func (h *Hash) Value() cache.Value {
	newest := h.floor
	for i := range h.fields {
		if s := h.fields[i].stamp; newest.Before(s) {
			newest = s
		}
	}
	h.forget(newest)
	return h.value()
}

func (h *Hash) value() cache.Value {
	size := 64
	for i := range h.fields {
		size += len(h.fields[i].name) + len(h.fields[i].value) + stampSize + 8
	}
	b := make([]byte, 0, size)
	b = append(b, version)
	b = binary.AppendUvarint(b, uint64(h.live))
	b = appendStamp(b, h.floor)
	b = binary.AppendUvarint(b, uint64(len(h.fields)))
	for i := range h.fields {
		f := &h.fields[i]
		b = appendText(b, f.name)
		kind := byte(0)
		if !f.gone {
			kind |= kindValue
		}
		if !f.stamp.IsZero() {
			kind |= kindStamp
		}
		b = append(b, kind)
		if kind&kindStamp != 0 {
			b = appendStamp(b, f.stamp)
		}
		if kind&kindValue != 0 {
			b = appendText(b, f.value)
		}
	}
	return cache.Value{Bytes: string(b), Form: cache.FormHash}
}

func appendStamp(b []byte, s cache.Stamp) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, s.Time), uint64(s.Node))
}

func appendText(b []byte, s string) []byte {
	return append(binary.AppendUvarint(b, uint64(len(s))), s...)
}

// Decode takes the value of an element with the given stamp apart. Names and
// values are parts of it. Errors wrap ErrHash.
func Decode(value string, stamp cache.Stamp) (Hash, error) {
	s := scan{rest: value}
	h, n := s.head()
	if s.bad != "" {
		return Hash{}, s.err()
	}
	h.fields = make([]field, 0, min(n, len(s.rest)/2))
	live := 0
	for range n {
		f := s.field(stamp)
		if s.bad != "" {
			return Hash{}, s.err()
		}
		if k := len(h.fields); k > 0 && h.fields[k-1].name >= f.name {
			return Hash{}, fmt.Errorf("%w: field %.40q out of order", ErrHash, f.name)
		}
		if !f.gone {
			live++
		}
		h.fields = append(h.fields, f)
	}
	if s.rest != "" || live != h.live {
		return Hash{}, fmt.Errorf("%w: %d fields with a value, %d declared, %d bytes behind them", ErrHash, live, h.live, len(s.rest))
	}
	return h, nil
}

// Lookup finds one field in the bytes of a hash, without decoding the rest.
func Lookup(value, name string) (v string, ok bool) {
	s := scan{rest: value}
	_, n := s.head()
	for range n {
		f := s.field(cache.Stamp{})
		switch {
		case s.bad != "" || f.name > name:
			return "", false
		case f.name == name:
			return f.value, !f.gone
		}
	}
	return "", false
}

// Count is Len of the bytes of a hash.
func Count(value string) int {
	s := scan{rest: value}
	h, _ := s.head()
	return h.live
}

// scan takes parts off the front; bad is the first thing that was wrong.
type scan struct {
	rest string
	bad  string
}

func (s *scan) err() error { return fmt.Errorf("%w: %s", ErrHash, s.bad) }

func (s *scan) fail(what string) {
	if s.bad == "" {
		s.bad = what
	}
	s.rest = ""
}

// head reads everything before the fields.
func (s *scan) head() (h Hash, n int) {
	if s.byte() != version {
		s.fail("an unknown version of the form")
	}
	live := s.uvarint()
	h.floor = s.stamp()
	count := s.uvarint()
	if count > MaxFields || live > count {
		s.fail("more fields than a hash may have")
		return h, 0
	}
	h.live = int(live)
	return h, int(count)
}

func (s *scan) field(own cache.Stamp) (f field) {
	f.name = s.text()
	kind := s.byte()
	if kind&^(kindValue|kindStamp) != 0 {
		s.fail("an unknown kind of field")
	}
	f.stamp = own
	if kind&kindStamp != 0 {
		f.stamp = s.stamp()
	}
	if f.gone = kind&kindValue == 0; !f.gone {
		f.value = s.text()
	}
	return f
}

func (s *scan) byte() byte {
	if s.rest == "" {
		s.fail("cut off")
		return 0
	}
	b := s.rest[0]
	s.rest = s.rest[1:]
	return b
}

func (s *scan) uvarint() (n uint64) {
	for shift := 0; shift < 63; shift += 7 {
		b := s.byte()
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			return n
		}
	}
	s.fail("a number without an end")
	return 0
}

func (s *scan) stamp() cache.Stamp {
	b := s.take(stampSize)
	if b == "" {
		return cache.Stamp{}
	}
	return cache.Stamp{Time: be64(b), Node: cache.NodeID(be64(b[8:]))}
}

func be64(s string) (n uint64) {
	for i := range 8 {
		n = n<<8 | uint64(s[i])
	}
	return n
}

func (s *scan) text() string { return s.take(s.uvarint()) }

func (s *scan) take(n uint64) string {
	if n > uint64(len(s.rest)) {
		s.fail("cut off")
		return ""
	}
	t := s.rest[:n]
	s.rest = s.rest[n:]
	return t
}
