// SPDX-License-Identifier: Apache-2.0

package wire

import (
	"math"
	"strconv"
)

// A Writer appends replies to a buffer in the form of the protocol that the
// client has chosen. The zero Writer writes RESP2; it serves one goroutine.
type Writer struct {
	B []byte
	// Three says that the client has asked for RESP3.
	Three bool
	// Failed is told each error that is written, if it is not nil.
	Failed func(text string)
}

func (w *Writer) head(c byte, n int64) {
	if 0 <= n && n < 10 { // most lengths and answers
		w.B = append(w.B, c, byte('0'+n), '\r', '\n')
		return
	}
	w.B = append(strconv.AppendInt(append(w.B, c), n, 10), '\r', '\n')
}

// Simple writes a line such as OK.
func (w *Writer) Simple(s string) { w.B = append(append(append(w.B, '+'), s...), '\r', '\n') }

// OK writes the reply of a command that has done what it was asked.
func (w *Writer) OK() { w.B = append(w.B, "+OK\r\n"...) }

// Error writes an error. It must begin with its code; what would end the line
// is written as a space.
func (w *Writer) Error(s string) {
	if w.Failed != nil {
		w.Failed(s)
	}
	w.B = append(w.B, '-')
	for i := range len(s) {
		c := s[i]
		if c == '\r' || c == '\n' {
			c = ' '
		}
		w.B = append(w.B, c)
	}
	w.B = append(w.B, '\r', '\n')
}

// Int writes an integer.
func (w *Writer) Int(n int64) { w.head(':', n) }

// IntOf writes a yes or no as Redis does where RESP has had no truth values.
func (w *Writer) IntOf(yes bool) {
	if yes {
		w.Int(1)
		return
	}
	w.Int(0)
}

// Bulk writes a string of bytes.
func (w *Writer) Bulk(s string) {
	w.head('$', int64(len(s)))
	w.B = append(append(w.B, s...), '\r', '\n')
}

// Bytes is Bulk of bytes.
func (w *Writer) Bytes(b []byte) {
	w.head('$', int64(len(b)))
	w.B = append(append(w.B, b...), '\r', '\n')
}

// Verbatim writes text for people.
func (w *Writer) Verbatim(s string) {
	if !w.Three {
		w.Bulk(s)
		return
	}
	w.head('=', int64(len(s)+4))
	w.B = append(append(append(w.B, "txt:"...), s...), '\r', '\n')
}

// Null writes the absence of a string.
func (w *Writer) Null() {
	if w.Three {
		w.B = append(w.B, "_\r\n"...)
		return
	}
	w.B = append(w.B, "$-1\r\n"...)
}

// NullArray writes the absence of an array.
func (w *Writer) NullArray() {
	if w.Three {
		w.B = append(w.B, "_\r\n"...)
		return
	}
	w.B = append(w.B, "*-1\r\n"...)
}

// Array announces n replies.
func (w *Writer) Array(n int) { w.head('*', int64(n)) }

// Map announces n pairs of replies.
func (w *Writer) Map(n int) {
	if w.Three {
		w.head('%', int64(n))
		return
	}
	w.head('*', 2*int64(n))
}

// Set announces n replies without an order.
func (w *Writer) Set(n int) {
	if w.Three {
		w.head('~', int64(n))
		return
	}
	w.head('*', int64(n))
}

// Push announces n replies that nobody asked for.
func (w *Writer) Push(n int) {
	if w.Three {
		w.head('>', int64(n))
		return
	}
	w.head('*', int64(n))
}

// Double writes a number with a point.
func (w *Writer) Double(f float64) {
	s := strconv.FormatFloat(f, 'g', 17, 64)
	switch {
	case math.IsInf(f, 1):
		s = "inf"
	case math.IsInf(f, -1):
		s = "-inf"
	}
	if !w.Three {
		w.Bulk(s)
		return
	}
	w.B = append(append(append(w.B, ','), s...), '\r', '\n')
}

// Bool writes a yes or no.
func (w *Writer) Bool(yes bool) {
	switch {
	case !w.Three:
		w.IntOf(yes)
	case yes:
		w.B = append(w.B, "#t\r\n"...)
	default:
		w.B = append(w.B, "#f\r\n"...)
	}
}
