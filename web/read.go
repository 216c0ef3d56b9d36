// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"

	"lateral/cache"
)

// A Reading is what a value of Java's reads as, for who knows texts only.
type Reading struct {
	Type string // int, date, list … or the name of a class
	Text string // as RESP and the command line have it; lists, sets and maps are JSON
	OK   bool   // false: objects of classes that only Java knows have no text
}

// errNoText is wrapped by what has none.
var errNoText = errors.New("no text")

// accepted is the first media type that a request would accept. Others that it
// names are not looked at, as each would be an answer of another meaning.
func accepted(r *http.Request) string {
	first, _, _ := strings.Cut(r.Header.Get("Accept"), ",")
	kind, _, _ := strings.Cut(first, ";")
	return strings.ToLower(strings.TrimSpace(kind))
}

// send answers with an element: its bytes, unless JSON or text is asked for.
func (f *Front) send(w http.ResponseWriter, r *http.Request, rep *cache.Reply) {
	w.Header().Set(tokenHeader, cache.Token{Stamp: rep.Element.Stamp}.String())
	w.Header().Set("Vary", "Accept")
	kind, body := accepted(r), rep.Element.Value.Bytes
	s := metaOf(rep.Element)
	switch kind {
	case "application/json":
		answer(w, http.StatusOK, f.element(rep.Element))
		return
	case "text/plain":
		read, err := f.text(rep.Element.Value)
		if err != nil {
			fail(w, err)
			return
		}
		s.Type, body, kind = read.Type, read.Text, "text/plain; charset=utf-8"
	default:
		kind = "application/octet-stream"
	}
	s.Key, s.KeyEncoding, s.Group = "", "", "" // any bytes; a header has none of those
	meta, err := json.Marshal(s)
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set(metaHeader, ascii(string(meta)))
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Length", fmt.Sprint(len(body)))
	io.WriteString(w, body) // the reader has gone if this fails
}

// element is ElementOf, with what a value of Java's reads as.
func (f *Front) element(e cache.Element) Element {
	s := ElementOf(e)
	if e.Value.Form == cache.FormJava && f.Read != nil {
		read := f.Read(e.Value)
		if s.Type = read.Type; read.OK && utf8.ValidString(read.Text) {
			s.Text = read.Text
		}
	}
	return s
}

// text is a value as UTF-8, or why it's none.
func (f *Front) text(v cache.Value) (Reading, error) {
	read := Reading{Text: v.Bytes, OK: v.Form == cache.FormBytes || v.Form == cache.FormByteArray}
	if v.Form == cache.FormJava && f.Read != nil {
		read = f.Read(v)
	}
	what := "the value"
	if read.Type != "" {
		what += fmt.Sprintf(" is a Java %.100s, and", read.Type)
	}
	switch {
	case !read.OK && v.Form == cache.FormHash:
		return read, fmt.Errorf("%w: the value is a hash of fields", errNoText)
	case !read.OK:
		return read, fmt.Errorf("%w: %s is written as a stream of Java's only", errNoText, what)
	case !utf8.ValidString(read.Text):
		return read, fmt.Errorf("%w: %s is no UTF-8", errNoText, what)
	}
	return read, nil
}
