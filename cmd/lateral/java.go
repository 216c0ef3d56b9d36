// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"

	"lateral/cache"
	"lateral/jcs"
	"lateral/web"
)

// readJava is what a value of Java's reads as.
func readJava(v cache.Value) web.Reading {
	text, ok := jcs.Text(v)
	return web.Reading{Type: jcs.TypeOf(v), Text: text, OK: ok}
}

// javaValue makes a value of what is written, by the name of its Java type.
func javaValue(kind, text string) (cache.Value, error) {
	v, err := jcs.Parse(kind, text)
	if errors.Is(err, jcs.ErrText) {
		err = &problem{saw: err.Error(), why: "Java would read something else", do: "write the value as its type has it: lateral put --help", err: err}
	}
	return v, err
}
