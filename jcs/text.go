// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"encoding/base64"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lateral/cache"
	"lateral/javaser"
)

// minText is how long a value's text may be however short its stream. Beyond it
// a text may have eight times the bytes of its stream, and
// cache.MaxValue: by references a short
// one can spell out the same megabyte a thousand times.
const minText = 1 << 20

// Text is what a value reads as, for who knows texts only: a String and bytes
// are themselves, numbers and booleans as Java writes them in source, a Date or
// Instant as in RFC 3339 (in milliseconds since 1970 beyond the year 9999), a
// Duration as in ISO 8601, lists, sets and maps as JSON. Parse is the inverse.
//
// In JSON a date is its text, a byte[] its base64, NaN and the infinities their
// names; a map is an object if its keys are Strings, numbers, booleans or dates
// of different texts, else an array of pairs. ok is false for objects of classes
// that only Java knows, and for what is far longer spelled out than its stream.
func Text(v cache.Value) (text string, ok bool) {
	if v.Form == cache.FormBytes || v.Form == cache.FormByteArray {
		return v.Bytes, true
	}
	p, ok := Read(v)
	if !ok || v.Form != cache.FormJava {
		return "", false
	}
	if s, ok := scalarText(p); ok {
		return s, true
	}
	w := jsonWriter{limit: min(max(minText, 8*len(v.Bytes)), cache.MaxValue)}
	w.value(p)
	return string(w.b), len(w.b) <= w.limit
}

// scalarText is the text of what stands for itself.
func scalarText(p any) (string, bool) {
	switch p := p.(type) {
	case nil:
		return "null", true
	case string:
		return p, true
	case bool:
		return strconv.FormatBool(p), true
	case int8, int16, int32, int64:
		return fmt.Sprint(p), true
	case javaser.Char:
		return string(rune(p)), true
	case float32:
		return floatText(float64(p), 32), true
	case float64:
		return floatText(p, 64), true
	case time.Time:
		if ms := p.UnixMilli(); p.Year() < 0 || p.Year() > 9999 {
			return strconv.FormatInt(ms, 10), true
		}
		return p.UTC().Format(time.RFC3339Nano), true
	case time.Duration:
		return "PT" + strconv.FormatFloat(p.Seconds(), 'f', -1, 64) + "S", true
	}
	return "", false
}

// floatText has a point or an exponent, so that it is no integer's.
func floatText(f float64, bits int) string {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	s := strconv.FormatFloat(f, 'f', -1, bits)
	if a := math.Abs(f); a != 0 && (a < 1e-6 || a >= 1e21) {
		return strconv.FormatFloat(f, 'e', -1, bits)
	}
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// A jsonWriter writes until it is over its limit; what it has by then is of no
// use.
type jsonWriter struct {
	b     []byte
	limit int
}

func (w *jsonWriter) full() bool { return len(w.b) > w.limit }

func (w *jsonWriter) value(p any) {
	if w.full() {
		return
	}
	switch p := p.(type) {
	case []any:
		w.list(p)
	case javaser.Set:
		w.list(p)
	case javaser.Map:
		w.mapping(p)
	case []byte:
		w.b = append(w.b, '"')
		w.b = base64.StdEncoding.AppendEncode(w.b, p)
		w.b = append(w.b, '"')
	default:
		s, _ := scalarText(p)
		if quoted(p, s) {
			w.text(s)
			return
		}
		w.b = append(w.b, s...)
	}
}

// quoted reports whether a scalar is a string in JSON.
func quoted(p any, text string) bool {
	switch p.(type) {
	case nil, bool, int8, int16, int32, int64:
		return false
	case float32, float64:
		return text == "NaN" || strings.HasSuffix(text, "Infinity")
	}
	return true
}

func (w *jsonWriter) list(list []any) {
	w.b = append(w.b, '[')
	for i, p := range list {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.value(p)
	}
	w.b = append(w.b, ']')
}

func (w *jsonWriter) mapping(m javaser.Map) {
	keys, ok := keyTexts(m)
	if !ok {
		pairs := make([]any, len(m))
		for i, e := range m {
			pairs[i] = []any{e.Key, e.Value}
		}
		w.list(pairs)
		return
	}
	w.b = append(w.b, '{')
	for i, e := range m {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		w.text(keys[i])
		w.b = append(w.b, ':')
		w.value(e.Value)
	}
	w.b = append(w.b, '}')
}

// keyTexts are the keys of a map as those of an object; ok is false if they
// can't be.
func keyTexts(m javaser.Map) (keys []string, ok bool) {
	seen := make(map[string]bool, len(m))
	for _, e := range m {
		k, ok := scalarText(e.Key)
		if !ok || seen[k] {
			return nil, false
		}
		seen[k] = true
		keys = append(keys, k)
	}
	return keys, true
}

// text writes a string. Halves of characters, which a String of Java's can
// have, stay what they are.
func (w *jsonWriter) text(s string) {
	w.b = append(w.b, '"')
	for i := 0; i < len(s) && !w.full(); {
		c := s[i]
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case c == '"' || c == '\\':
			w.b = append(w.b, '\\', c)
		case c < ' ' || c == 0x7f:
			w.b = fmt.Appendf(w.b, `\u%04x`, c)
		case r == utf8.RuneError && n == 1 && i+2 < len(s) && c == 0xed: // a half: ed a0..bf 80..bf
			w.b = fmt.Appendf(w.b, `\u%04x`, 0xd000|uint16(s[i+1]&0x3f)<<6|uint16(s[i+2]&0x3f))
			n = 3
		case r == utf8.RuneError && n == 1:
			w.b = append(w.b, `\ufffd`...)
		default:
			w.b = append(w.b, s[i:i+n]...)
		}
		i += n
	}
	w.b = append(w.b, '"')
}

// TypeOf names the type of a value, in the words of Types; "hash" is one of
// Redis's, and of other classes it is the name of the class.
func TypeOf(v cache.Value) string {
	switch v.Form {
	case cache.FormBytes:
		return "string"
	case cache.FormByteArray:
		return "bytes"
	case cache.FormHash:
		return "hash"
	}
	j, err := look(v)
	if err != nil {
		return "unreadable"
	}
	p, ok := javaser.Plain(j, len(v.Bytes))
	if !ok {
		return className(j)
	}
	switch p.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case int8:
		return "byte"
	case int16:
		return "short"
	case int32:
		return "int"
	case int64:
		return "long"
	case float32:
		return "float"
	case float64:
		return "double"
	case javaser.Char:
		return "char"
	case time.Time:
		if className(j) == "java.time.Ser" {
			return "instant"
		}
		return "date"
	case time.Duration:
		return "duration"
	}
	return collectionKind(p)
}

func collectionKind(p any) string {
	switch p.(type) {
	case []any:
		return "list"
	case javaser.Set:
		return "set"
	case javaser.Map:
		return "map"
	}
	return "null"
}

// className is the class of a value as Java's Class.getName has it.
func className(v javaser.Value) string {
	switch v := v.(type) {
	case *javaser.Object:
		return v.Class.Name
	case *javaser.Array:
		return v.Class.Name
	case *javaser.Enum:
		return v.Class.Name
	case *javaser.String:
		return "java.lang.String"
	}
	return "null"
}
