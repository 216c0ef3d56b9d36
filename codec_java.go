// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"errors"
	"unicode/utf8"

	"lateral/cache"
	"lateral/jcs"
)

// Java is the codec of what Java nodes understand: Put takes a string, []byte,
// bool, int8 to int64, int (an Integer, or a Long if it does not fit), float32,
// float64, time.Time, time.Duration, []any, map[string]any, and the Set, Map
// and Char of package javaser, and writes a String, byte[], Boolean, Byte to
// Long, Float, Double, Date, Duration, ArrayList, HashMap, HashSet, HashMap and
// Character. Get returns the same types, a javaser.Map of each map of Java's
// and a []any of each list. The error of an object that only Java knows wraps
// ErrJava.
var Java Codec[any] = &javaTypes{}

// ErrJava says that a value is an object that only Java knows.
var ErrJava = errors.New("an object of a class that does not come with Java: lateral get --tree shows it")

type javaTypes struct{}

func (*javaTypes) Append(b []byte, v any) ([]byte, error) {
	val, err := jcs.Make(v)
	return append(b, val.Bytes...), err
}

func (j *javaTypes) Decode(s string) (any, error) { return j.read(cache.Value{Bytes: s}) }

func (*javaTypes) read(v cache.Value) (any, error) {
	switch {
	case v.Form == cache.FormHash:
		return nil, errors.New("a hash of a client of the Redis protocol has no counterpart in Java")
	case v.Form == cache.FormBytes && utf8.ValidString(v.Bytes):
		return v.Bytes, nil
	}
	p, ok := jcs.Read(v)
	if !ok {
		return nil, ErrJava
	}
	return p, nil
}

// javaText is what a value of Java's reads as where texts are wanted.
func javaText(v cache.Value) string {
	if s, ok := jcs.Text(v); ok {
		return s
	}
	return v.Bytes
}
