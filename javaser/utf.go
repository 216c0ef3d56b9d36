// SPDX-License-Identifier: Apache-2.0

package javaser

import (
	"fmt"
	"unicode/utf8"
)

// Modified UTF-8 (java.io.DataInput): NUL is C0 80, and what is beyond the
// basic plane is two surrogates of three bytes each.

const (
	surrogateMin, lowMin, surrogateMax = 0xd800, 0xdc00, 0xdfff
	beyond                             = 0x10000
)

// fromModified appends modified UTF-8 to dst as UTF-8. A pair of surrogates
// becomes its character; a single one stays.
func fromModified(dst, b []byte) ([]byte, error) {
	high := rune(0) // a high surrogate, already in dst, that waits for its partner
	for i := 0; i < len(b); {
		r, n, err := modifiedUnit(b[i:])
		if err != nil {
			return dst, err
		}
		i += n
		switch {
		case high != 0 && r >= lowMin && r <= surrogateMax:
			dst = utf8.AppendRune(dst[:len(dst)-3], beyond+(high-surrogateMin)<<10+(r-lowMin))
			high = 0
			continue
		case r >= surrogateMin && r < lowMin:
			high = r
		default:
			high = 0
		}
		dst = appendUnit(dst, r)
	}
	return dst, nil
}

// modifiedUnit reads one UTF-16 unit.
func modifiedUnit(b []byte) (unit rune, n int, err error) {
	c := b[0]
	switch {
	case c < 0x80:
		return rune(c), 1, nil
	case c>>5 == 0b110 && len(b) > 1 && b[1]>>6 == 0b10:
		return rune(c&0x1f)<<6 | rune(b[1]&0x3f), 2, nil
	case c>>4 == 0b1110 && len(b) > 2 && b[1]>>6 == 0b10 && b[2]>>6 == 0b10:
		return rune(c&0x0f)<<12 | rune(b[1]&0x3f)<<6 | rune(b[2]&0x3f), 3, nil
	}
	return 0, 0, fmt.Errorf("%w: a string with byte %02x that modified UTF-8 does not have there", ErrFormat, c)
}

// appendUnit appends a UTF-16 unit as UTF-8, a surrogate as its three bytes.
func appendUnit(dst []byte, r rune) []byte {
	if r >= surrogateMin && r <= surrogateMax {
		return append(dst, 0xe0|byte(r>>12), 0x80|byte(r>>6&0x3f), 0x80|byte(r&0x3f))
	}
	return utf8.AppendRune(dst, r)
}

// nextRune reads one character of a String: UTF-8, or a single surrogate.
func nextRune(s string) (r rune, n int, ok bool) {
	if s[0] < utf8.RuneSelf {
		return rune(s[0]), 1, true
	}
	if r, n := utf8.DecodeRuneInString(s); r != utf8.RuneError || n > 1 {
		return r, n, true
	}
	if len(s) > 2 && s[0] == 0xed && s[1]>>5 == 0b101 && s[2]>>6 == 0b10 {
		return 0xd000 | rune(s[1]&0x3f)<<6 | rune(s[2]&0x3f), 3, true
	}
	return 0, 1, false
}

// Representable reports whether Java can hold s as a String without loss.
func Representable(s string) bool {
	for len(s) > 0 {
		_, n, ok := nextRune(s)
		if !ok {
			return false
		}
		s = s[n:]
	}
	return true
}

// appendModified appends s as modified UTF-8.
func appendModified(dst []byte, s string) ([]byte, error) {
	for i := 0; i < len(s); {
		if c := s[i]; c != 0 && c < utf8.RuneSelf {
			dst = append(dst, c)
			i++
			continue
		}
		r, n, ok := nextRune(s[i:])
		if !ok {
			return dst, fmt.Errorf("%w: byte %02x in a text that is not UTF-8; Java has no String for it", ErrValue, s[i])
		}
		i += n
		switch {
		case r == 0:
			dst = append(dst, 0xc0, 0x80)
		case r < beyond:
			dst = appendUnit(dst, r)
		default:
			r -= beyond
			dst = appendUnit(appendUnit(dst, surrogateMin+r>>10), lowMin+r&0x3ff)
		}
	}
	return dst, nil
}

// utf16Units calls f with each UTF-16 unit of s; what is not UTF-8 counts as U+FFFD.
func utf16Units(s string, f func(unit uint16)) {
	for len(s) > 0 {
		r, n, ok := nextRune(s)
		s = s[n:]
		switch {
		case !ok:
			f(utf8.RuneError)
		case r < beyond:
			f(uint16(r))
		default:
			r -= beyond
			f(uint16(surrogateMin + r>>10))
			f(uint16(lowMin + r&0x3ff))
		}
	}
}
