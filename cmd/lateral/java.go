// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strconv"
	"time"

	"lateral/cache"
	"lateral/jcs"
)

// javaValue makes a value of what is written, by the name of its Java type.
func javaValue(kind, text string) (cache.Value, error) {
	var v any = []byte(text)
	var err error
	switch kind {
	case "int":
		var n int64
		n, err = strconv.ParseInt(text, 10, 32)
		v = int32(n)
	case "long":
		v, err = strconv.ParseInt(text, 10, 64)
	case "double":
		v, err = strconv.ParseFloat(text, 64)
	case "boolean":
		v, err = strconv.ParseBool(text)
	case "date":
		v, err = time.Parse(time.RFC3339, text)
	}
	if err != nil {
		return cache.Value{}, &problem{saw: fmt.Sprintf("%.40q is no %s", text, kind), why: "Java would read something else", do: "write the value as its type has it", err: err}
	}
	return jcs.Make(v)
}
