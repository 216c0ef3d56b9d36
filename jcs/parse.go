// SPDX-License-Identifier: Apache-2.0

package jcs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"lateral/cache"
	"lateral/javaser"
)

// Types are the types that Parse knows: String, Integer, Long, Short, Byte,
// Double, Float, Boolean, Character, java.util.Date, java.time.Instant and
// Duration, byte[], ArrayList, HashSet and HashMap.
var Types = []string{"string", "int", "long", "short", "byte", "double", "float", "boolean", "char", "date", "instant", "duration", "bytes", "list", "set", "map"}

// Limits of JSON, which takes far more room as Java's objects than as text.
const (
	MaxJSON      = 16 << 20 // bytes: a quarter of the largest value
	maxJSONItems = 1 << 17  // values in it: some 50 MB as objects, while they are made
	maxJSONDepth = 64       // a quarter of what a stream may have (javaser.DefaultDepth)
)

// ErrText is wrapped by the errors of Parse.
var ErrText = errors.New("not the text of such a value")

// Parse makes a value of the type that a word of Types names from its text, as
// Text writes it. A date may be milliseconds since 1970 as well; a duration Go's;
// in JSON a number without a point or exponent is an Integer, or a Long if it
// does not fit, any other a Double, and a String a String. Keys and members must
// not come twice.
func Parse(kind, text string) (cache.Value, error) {
	if !slices.Contains(Types, kind) {
		return cache.Value{}, fmt.Errorf("%w: there is no type %.40q; there are %s", ErrText, kind, strings.Join(Types, ", "))
	}
	switch kind {
	case "string":
		if !utf8.ValidString(text) {
			return cache.Value{}, fmt.Errorf("%w: a string is UTF-8; other bytes are of type bytes", ErrText)
		}
		return cache.Value{Bytes: text}, nil
	case "bytes":
		return cache.Value{Bytes: text, Form: cache.FormByteArray}, nil
	case "instant":
		t, err := parseTime(text)
		if err != nil {
			return cache.Value{}, fmt.Errorf("%w: %.40q is no instant (%w)", ErrText, text, err)
		}
		return ValueOf(javaser.Instant(t))
	}
	p, err := parsePlain(kind, text)
	if err != nil {
		return cache.Value{}, fmt.Errorf("%w: %.40q is no %s (%w)", ErrText, text, kind, err)
	}
	return Make(p)
}

func parsePlain(kind, text string) (any, error) {
	switch kind {
	case "boolean":
		if text != "true" && text != "false" {
			return nil, errors.New("it is neither true nor false")
		}
		return text == "true", nil
	case "char":
		r, n := utf8.DecodeRuneInString(text)
		if n != len(text) || r > math.MaxUint16 || r == utf8.RuneError && n < 3 {
			return nil, errors.New("it is not one UTF-16 unit")
		}
		return javaser.Char(r), nil
	case "date":
		return parseTime(text)
	case "duration":
		d, err := time.ParseDuration(strings.ToLower(strings.TrimPrefix(text, "PT")))
		return d, short(err)
	case "list", "set", "map":
		return parseJSON(kind, text)
	}
	return parseNumber(kind, text)
}

func parseNumber(kind, text string) (any, error) {
	switch kind {
	case "double":
		f, err := strconv.ParseFloat(text, 64)
		return f, short(err)
	case "float":
		f, err := strconv.ParseFloat(text, 32)
		return float32(f), short(err)
	}
	n, err := strconv.ParseInt(text, 10, map[string]int{"byte": 8, "short": 16, "int": 32, "long": 64}[kind])
	if err != nil {
		return nil, short(err)
	}
	switch kind {
	case "byte":
		return int8(n), nil
	case "short":
		return int16(n), nil
	case "int":
		return int32(n), nil
	}
	return n, nil
}

// short is why a number is none, without the number: it may be long.
func short(err error) error {
	var n *strconv.NumError
	if errors.As(err, &n) {
		return n.Err
	}
	return err
}

func parseTime(text string) (time.Time, error) {
	if ms, err := strconv.ParseInt(text, 10, 64); err == nil {
		return time.UnixMilli(ms).UTC(), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, errors.New("it is neither RFC 3339, such as 2026-11-28T23:00:00Z, nor milliseconds since 1970")
	}
	return t, nil
}

// parseJSON makes a list, set or map of a text.
func parseJSON(kind, text string) (any, error) {
	if len(text) > MaxJSON {
		return nil, fmt.Errorf("JSON of more than %d bytes", MaxJSON)
	}
	r := jsonReader{d: json.NewDecoder(strings.NewReader(text)), left: maxJSONItems}
	r.d.UseNumber()
	p, err := r.value(0)
	if err != nil {
		return nil, err
	}
	if _, err := r.d.Token(); err != io.EOF {
		return nil, errors.New("something follows the value")
	}
	list, isList := p.([]any)
	_, isMap := p.(javaser.Map)
	switch {
	case kind == "map" && isMap, kind == "list" && isList:
		return p, nil
	case kind == "set" && isList:
		return javaser.Set(list), distinct(list)
	case kind == "map":
		return nil, errors.New("it wants a JSON object")
	}
	return nil, errors.New("it wants a JSON array")
}

// distinct reports what a set would have twice.
func distinct(list []any) error {
	seen := make(map[string]bool, len(list))
	for _, p := range list {
		w := jsonWriter{limit: MaxJSON}
		w.value(p)
		if seen[string(w.b)] {
			return fmt.Errorf("%.40s is in it twice", w.b)
		}
		seen[string(w.b)] = true
	}
	return nil
}

// A jsonReader reads token by token, so that its limits are looked at before
// anything is built.
type jsonReader struct {
	d    *json.Decoder
	left int
}

func (r *jsonReader) value(depth int) (any, error) {
	t, err := r.d.Token()
	if err != nil {
		return nil, jsonError(err)
	}
	if r.left--; r.left < 0 {
		return nil, fmt.Errorf("more than %d values", maxJSONItems)
	}
	switch t := t.(type) {
	case json.Number:
		return number(t.String())
	case json.Delim:
		if depth >= maxJSONDepth {
			return nil, fmt.Errorf("it nests deeper than %d", maxJSONDepth)
		}
		if t == '[' {
			return r.list(depth)
		}
		return r.mapping(depth)
	}
	return t, nil // nil, bool or string
}

func jsonError(err error) error {
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return fmt.Errorf("not JSON: %w", err)
}

func number(s string) (any, error) {
	if strings.ContainsAny(s, ".eE") {
		f, err := strconv.ParseFloat(s, 64)
		return f, short(err)
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if n == int64(int32(n)) {
		return int32(n), short(err)
	}
	return n, short(err)
}

func (r *jsonReader) list(depth int) (any, error) {
	list := []any{}
	for r.d.More() {
		p, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	_, err := r.d.Token()
	if err != nil {
		return nil, jsonError(err)
	}
	return list, nil
}

func (r *jsonReader) mapping(depth int) (any, error) {
	m, seen := javaser.Map{}, map[string]bool{}
	for r.d.More() {
		k, err := r.d.Token()
		if err != nil {
			return nil, jsonError(err)
		}
		key, _ := k.(string) // the decoder takes no other
		if seen[key] {
			return nil, fmt.Errorf("key %.40q is in it twice", key)
		}
		seen[key] = true
		p, err := r.value(depth + 1)
		if err != nil {
			return nil, err
		}
		m = append(m, javaser.Entry{Key: key, Value: p})
	}
	if _, err := r.d.Token(); err != nil {
		return nil, jsonError(err)
	}
	return m, nil
}
