// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"encoding/binary"
	"fmt"
	"io"
)

// A source is the bytes of a stream, from a reader or at once. Its first error
// sticks: from then on it yields zeroes, and whoever loops looks at err.
type source struct {
	r      io.Reader // nil: buf is all there is
	buf    []byte
	at     int
	before int64 // bytes that left buf
	err    error
}

// minRead is the least that a source over a reader can have looked ahead.
const minRead = 16 << 10

// fill makes n bytes available, n being at most minRead with a reader.
func (s *source) fill(n int) bool {
	for len(s.buf)-s.at < n {
		if s.err != nil {
			return false
		}
		if s.r == nil {
			s.fail(io.ErrUnexpectedEOF)
			return false
		}
		if cap(s.buf)-s.at < n || s.at == len(s.buf) {
			s.before += int64(s.at)
			if cap(s.buf) < 2*minRead {
				s.buf = append(make([]byte, 0, 2*minRead), s.buf[s.at:]...)
			} else {
				s.buf = s.buf[:copy(s.buf, s.buf[s.at:])]
			}
			s.at = 0
		}
		m, err := s.r.Read(s.buf[len(s.buf):cap(s.buf)])
		s.buf = s.buf[:len(s.buf)+m]
		if m == 0 && err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			s.fail(err)
		}
	}
	return true
}

func (s *source) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

func (s *source) failf(format string, args ...any) {
	s.fail(fmt.Errorf("%w: "+format, append([]any{ErrFormat}, args...)...))
}

// offset is how many bytes have been taken.
func (s *source) offset() int64 { return s.before + int64(s.at) }

// take returns the next n bytes, n at most minRead; they stay valid until the next call.
func (s *source) take(n int) []byte {
	if !s.fill(n) {
		return nil
	}
	b := s.buf[s.at : s.at+n]
	s.at += n
	return b
}

// bytes returns a copy of the next n bytes. What is declared is allocated in
// pieces as it arrives.
func (s *source) bytes(n int) []byte {
	if s.r == nil && n > len(s.buf)-s.at {
		s.fail(io.ErrUnexpectedEOF)
		return nil
	}
	out := make([]byte, 0, min(n, firstTake))
	for len(out) < n && s.err == nil {
		if s.r == nil {
			return append(out, s.take(n)...)
		}
		if s.at == len(s.buf) {
			s.fill(1)
		}
		b := s.take(min(n-len(out), len(s.buf)-s.at))
		out = append(out, b...)
	}
	return out
}

func (s *source) byte() byte {
	if b := s.take(1); b != nil {
		return b[0]
	}
	return 0
}

func (s *source) uint16() int {
	if b := s.take(2); b != nil {
		return int(binary.BigEndian.Uint16(b))
	}
	return 0
}

func (s *source) int32() int {
	if b := s.take(4); b != nil {
		return int(int32(binary.BigEndian.Uint32(b)))
	}
	return 0
}

func (s *source) int64() int64 {
	if b := s.take(8); b != nil {
		return int64(binary.BigEndian.Uint64(b))
	}
	return 0
}
