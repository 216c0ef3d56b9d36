// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/base64"
	"errors"
	"math"
	"time"
	"unicode/utf8"

	"lateral/cache"
)

// Element is an element as JSON. Keys and values that are no UTF-8 are base64,
// and then say so.
type Element struct {
	Key           string    `json:"key,omitempty"`
	KeyEncoding   string    `json:"key_encoding,omitempty"` // base64, of key and group, or absent
	Group         string    `json:"group,omitempty"`
	Value         *string   `json:"value,omitempty"`
	ValueEncoding string    `json:"value_encoding,omitempty"` // base64, or absent
	Type          string    `json:"type,omitempty"`           // of a value of Java's, see Reading
	Text          string    `json:"text,omitempty"`           // what it reads as
	Form          string    `json:"form"`                     // bytes, java, hash, byte-array
	Bytes         int       `json:"bytes"`                    // of the value
	Stamp         string    `json:"stamp"`
	Written       time.Time `json:"written"`
	Accessed      time.Time `json:"accessed"`
	Eternal       bool      `json:"eternal"`
	MaxLife       float64   `json:"max_life_s"` // seconds; -1 is unlimited
	MaxIdle       float64   `json:"max_idle_s"`
	Lateral       bool      `json:"lateral"` // may be sent to peers
	Tags          []string  `json:"tags,omitempty"`
}

// Key is a key as JSON.
type Key struct {
	Key         string `json:"key"`
	KeyEncoding string `json:"key_encoding,omitempty"`
	Group       string `json:"group,omitempty"`
}

// Keys are the live keys of a region.
type Keys struct {
	Region string `json:"region"`
	Keys   []Key  `json:"keys"`
}

// JavaHeld is what one Java node says that it holds, as JSON.
type JavaHeld struct {
	Addr       string    `json:"addr"`
	Generation string    `json:"generation"`
	ID         string    `json:"id,omitempty"`       // requester id
	Keys       []Key     `json:"keys"`               // also of Elements
	Elements   []Element `json:"elements,omitempty"` // where values were asked for
	Error      string    `json:"error,omitempty"`    // why it could not be asked
}

// JavaHeldOf returns the shape of what a Java node says.
func JavaHeldOf(h *cache.JavaHeld) JavaHeld {
	s := JavaHeld{Addr: h.Addr, Generation: h.Generation, ID: h.ID, Keys: []Key{}, Error: h.Err}
	for _, k := range h.Keys {
		s.Keys = append(s.Keys, KeyOf(k))
	}
	for _, e := range h.Elements {
		s.Keys, s.Elements = append(s.Keys, KeyOf(e.Key)), append(s.Elements, ElementOf(e))
	}
	return s
}

// Done answers what changes something.
type Done struct {
	Found bool   `json:"found"` // put if-absent: one was there already; delete: something was removed; touch: it is there
	Count int    `json:"count"` // how many a prefix, a group, a tag or a clearing removed
	Stamp string `json:"stamp"` // of the change; "-" is none
	// Token is for gets elsewhere that are to see the change (X-Mesh-Stamp).
	Token string `json:"token,omitempty"`
}

// DoneOf returns the shape of a reply to an operation.
func DoneOf(op cache.Op, rep *cache.Reply) Done {
	t := cache.Token{Stamp: rep.Stamp}
	switch op {
	case cache.Remove, cache.RemoveAll, cache.RemoveGroup, cache.RemoveTag:
		t.Removed = true
	}
	return Done{Found: rep.Found, Count: rep.Count, Stamp: rep.Stamp.String(), Token: t.String()}
}

const base64Encoding = "base64"

// encode returns a text as JSON can carry it.
func encode(s string) (text, encoding string) {
	if utf8.ValidString(s) {
		return s, ""
	}
	return base64.StdEncoding.EncodeToString([]byte(s)), base64Encoding
}

func decode(text, encoding string) (string, error) {
	if encoding != base64Encoding {
		return text, nil
	}
	b, err := base64.StdEncoding.DecodeString(text)
	return string(b), err
}

// keyOf is the key that a text and a group name. The text can never be a key
// of another kind.
func keyOf(text, group string) string {
	if group != "" {
		return cache.GroupKey(group, text)
	}
	return cache.PlainKey(text)
}

// KeyOf returns the shape of a key.
func KeyOf(key string) Key {
	g, name, ok := cache.SplitGroup(key)
	if !ok {
		name = cache.KeyText(key)
	}
	k := Key{Key: name, Group: g}
	if !utf8.ValidString(g) || !utf8.ValidString(name) {
		k = Key{Key: base64.StdEncoding.EncodeToString([]byte(name)), KeyEncoding: base64Encoding, Group: base64.StdEncoding.EncodeToString([]byte(g))}
	}
	return k
}

func (k Key) key() (string, error) {
	text, err := decode(k.Key, k.KeyEncoding)
	group, err2 := decode(k.Group, k.KeyEncoding)
	return keyOf(text, group), errors.Join(err, err2)
}

var formNames = map[cache.Form]string{cache.FormBytes: "bytes", cache.FormJava: "java", cache.FormHash: "hash", cache.FormByteArray: "byte-array"}

func formOf(name string) cache.Form {
	for f, n := range formNames {
		if n == name {
			return f
		}
	}
	return cache.FormBytes
}

// ElementOf returns the shape of an element, with its value.
func ElementOf(e cache.Element) Element {
	s := metaOf(e)
	v, enc := encode(e.Value.Bytes)
	s.Value, s.ValueEncoding = &v, enc
	return s
}

// Content returns the value of an element that ElementOf has made.
func (s *Element) Content() (cache.Value, error) {
	if s.Value == nil {
		return cache.Value{}, nil
	}
	b, err := decode(*s.Value, s.ValueEncoding)
	return cache.Value{Bytes: b, Form: formOf(s.Form)}, err
}

// metaOf is ElementOf without the value.
func metaOf(e cache.Element) Element {
	k := KeyOf(e.Key)
	s := Element{Key: k.Key, KeyEncoding: k.KeyEncoding, Group: k.Group, Form: formNames[e.Value.Form],
		Bytes: len(e.Value.Bytes), Stamp: e.Stamp.String(), Written: time.UnixMilli(e.Stamp.UnixMilli()).UTC(),
		Accessed: time.UnixMilli(e.Accessed).UTC()}
	if a := e.Attr; a != nil {
		s.Eternal, s.MaxLife, s.MaxIdle, s.Lateral = a.Eternal, seconds(a.MaxLife), seconds(a.MaxIdle), a.Lateral
		s.Tags = cache.SplitTags(a.Tags)
	}
	return s
}

// seconds is a lifetime as JSON; without a limit it is -1.
func seconds(d time.Duration) float64 {
	if d <= 0 {
		return -1
	}
	return d.Seconds()
}

func duration(s float64) time.Duration {
	if s <= 0 || s > math.MaxInt64/float64(time.Second) {
		return -1
	}
	return time.Duration(s * float64(time.Second))
}

// element is what a shape and the bytes of a value describe.
func (s *Element) element(key, value string) (cache.Element, error) {
	e := cache.Element{Key: key, Value: cache.Value{Bytes: value}, Accessed: s.Accessed.UnixMilli()}
	e.Value.Form = formOf(s.Form)
	e.Attr = &cache.Attributes{Eternal: s.Eternal, MaxLife: duration(s.MaxLife), MaxIdle: duration(s.MaxIdle), Lateral: s.Lateral}
	var err, err2 error
	e.Stamp, err = cache.ParseStamp(s.Stamp)
	e.Attr.Tags, err2 = cache.JoinTags(s.Tags...)
	return e, errors.Join(err, err2)
}
