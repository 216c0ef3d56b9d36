// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"lateral/cache"
)

// maxField bounds the name of a field: a stamp, and attributes with all tags escaped.
const maxField = 256 + 3*cache.MaxTagsBytes

const removedWord = "removed"

// fieldOf is the name of the field that a version of an element is.
func fieldOf(e *cache.Element) string {
	b := []byte(e.Stamp.String())
	if e.State == cache.Tombstone {
		return string(append(b, " "+removedWord...))
	}
	a := cache.DefaultAttributes
	if e.Attr != nil {
		a = *e.Attr
	}
	if !a.Eternal || !a.Spool || !a.Lateral || !a.Remote {
		b = append(b, ' ')
		n := len(b)
		for i, has := range [...]bool{a.Eternal, a.Spool, a.Lateral, a.Remote} {
			if has {
				b = append(b, "ESLR"[i])
			}
		}
		if len(b) == n {
			b = append(b, '-')
		}
	}
	for _, d := range [...]struct {
		name string
		d    time.Duration
	}{{" life=", a.MaxLife}, {" idle=", a.MaxIdle}} {
		if d.d != -1 {
			b = append(append(b, d.name...), d.d.String()...)
		}
	}
	for _, n := range [...]struct {
		name string
		n    int64
	}{{" size=", int64(a.Size)}, {" form=", int64(e.Value.Form)}} {
		if n.n != 0 {
			b = strconv.AppendInt(append(b, n.name...), n.n, 10)
		}
	}
	if a.Tags != "" {
		b = append(append(b, " tags="...), url.QueryEscape(a.Tags)...)
	}
	if e.Accessed > e.Stamp.UnixMilli() {
		b = strconv.AppendInt(append(b, " used="...), e.Accessed, 10)
	}
	return string(b)
}

// readField is the inverse of fieldOf: the version without key and value.
func readField(field string) (e cache.Element, err error) {
	if len(field) > maxField {
		return e, fmt.Errorf("a field's name of %d bytes, at most %d are a version", len(field), maxField)
	}
	words := strings.Split(field, " ")
	if e.Stamp, err = cache.ParseStamp(words[0]); err != nil || e.Stamp.IsZero() {
		return e, fmt.Errorf("field %.80q does not begin with a stamp", field)
	}
	if len(words) == 2 && words[1] == removedWord {
		e.State = cache.Tombstone
		return e, nil
	}
	a := cache.DefaultAttributes
	e.Accessed = e.Stamp.UnixMilli()
	for _, w := range words[1:] {
		if err := readWord(w, &a, &e); err != nil {
			return e, fmt.Errorf("field %.80q: %.40q: %w", field, w, err)
		}
	}
	e.Attr = &a
	return e, cache.CheckTags(a.Tags)
}

func readWord(word string, a *cache.Attributes, e *cache.Element) (err error) {
	name, value, ok := strings.Cut(word, "=")
	if !ok {
		a.Eternal, a.Spool, a.Lateral, a.Remote = strings.Contains(word, "E"), strings.Contains(word, "S"), strings.Contains(word, "L"), strings.Contains(word, "R")
		if strings.Trim(word, "ESLR") != "" && word != "-" {
			return fmt.Errorf("letters of ESLR are expected")
		}
		return nil
	}
	switch name {
	case "life":
		a.MaxLife, err = time.ParseDuration(value)
	case "idle":
		a.MaxIdle, err = time.ParseDuration(value)
	case "size":
		a.Size, err = strconv.Atoi(value)
	case "tags":
		a.Tags, err = url.QueryUnescape(value)
	case "used":
		e.Accessed, err = strconv.ParseInt(value, 10, 64)
	case "form":
		var n uint64
		n, err = strconv.ParseUint(value, 10, 8)
		e.Value.Form = cache.Form(n)
	default:
		err = fmt.Errorf("no attribute has that name")
	}
	return err
}

// newest returns the version with the largest stamp of the fields of a hash,
// and the names of all others that are versions.
func newest(fields []string) (field string, e cache.Element, older []string) {
	for _, f := range fields {
		v, err := readField(f)
		switch {
		case err != nil: // somebody else's, who may have a use for it
		case v.Stamp.Compare(e.Stamp) > 0 || v.Stamp == e.Stamp && v.Accessed > e.Accessed:
			if field != "" {
				older = append(older, field)
			}
			field, e = f, v
		default:
			older = append(older, f)
		}
	}
	return field, e, older
}

// late is for how long a write may wait for the server. One that is older is
// given up, so that what it would have been too old for need not be remembered for longer.
const late = 30 * time.Minute

// ends is when (ms) a version need not be kept any longer. retention is the
// longest life of anything; removals are remembered for forget.
func ends(e *cache.Element, now int64, retention, forget time.Duration) int64 {
	at := e.Stamp.UnixMilli()
	if e.State == cache.Tombstone {
		return max(at, now) + forget.Milliseconds()
	}
	end := at + retention.Milliseconds()
	if a := e.Attr; a != nil && !a.Eternal {
		if a.MaxLife > 0 {
			end = min(end, at+a.MaxLife.Milliseconds())
		}
		if a.MaxIdle > 0 {
			end = min(end, max(now, e.Accessed)+a.MaxIdle.Milliseconds())
		}
	}
	return end + 1 // over is what has lasted for more than its lifetime
}
