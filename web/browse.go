// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"lateral/cache"
)

// Limits of what a page shows.
const (
	defaultKeys = 200
	maxKeys     = 2000
	maxText     = 64 << 10 // of a value as text
	maxHex      = 4 << 10  // of a value as bytes
)

// actionHeader is what the page sends with actions. A page of another site can
// send it only if this front agrees first, and it never does.
const actionHeader = "Lateral-Action"

// Listing answers a page that looks for keys.
type Listing struct {
	Region string   `json:"region"`
	Keys   []Listed `json:"keys"`
	Total  int      `json:"total"` // that match; Keys are the first of them
}

// A Listed key has a name for people, and an ID by which it is asked for.
type Listed struct {
	ID   string `json:"id"`
	Name Name   `json:"name"`
}

// A Name is a key as people read it. Different keys may have the same.
type Name struct {
	Text   string `json:"key"`
	Group  string `json:"group,omitempty"`
	Binary bool   `json:"binary,omitempty"` // it is no text: what cannot be shown is replaced
	Cut    bool   `json:"cut,omitempty"`    // it is longer
}

// nameOf returns the name of a key, and of it no more than some bytes.
func nameOf(key string, limit int) (n Name) {
	group, text, ok := cache.SplitGroup(key)
	if !ok {
		text = key
	}
	text = cache.KeyText(text)
	n.Binary = !utf8.ValidString(text) || !utf8.ValidString(group)
	for _, part := range []struct {
		from string
		to   *string
	}{{text, &n.Text}, {group, &n.Group}} {
		s := strings.ToValidUTF8(part.from, "\uFFFD")
		short, cut := start(s, limit)
		*part.to, n.Cut = short, n.Cut || cut
	}
	return n
}

// idOf returns how a page names a key: its bytes, whatever they are.
func idOf(key string) string { return base64.RawURLEncoding.EncodeToString([]byte(key)) }

// keyOfID is the inverse. Keys that only the region itself makes are refused.
func keyOfID(id string) (string, error) {
	raw, err := base64.RawURLEncoding.DecodeString(id)
	key := string(raw)
	_, _, grouped := cache.SplitGroup(key)
	_, _, java := cache.SplitJavaKey(key)
	switch {
	case err != nil:
		return "", fmt.Errorf("%w: id of a key: %v", ErrRequest, err)
	case key == "" || strings.HasPrefix(key, "\x00") && !grouped && !java && key != cache.PlainKey(cache.TextKey(key)):
		return "", fmt.Errorf("%w: %.40q is the key of no element", cache.ErrKey, key)
	case len(key) > cache.MaxKey:
		return "", fmt.Errorf("%w: a key of %d bytes, at most %d are allowed", cache.ErrTooLarge, len(key), cache.MaxKey)
	}
	return key, nil
}

func (b *board) keys(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	limit := defaultKeys
	if q.Has("limit") {
		n, err := strconv.Atoi(q.Get("limit"))
		if err != nil || n < 1 || n > maxKeys {
			fail(w, fmt.Errorf("%w: limit %.40q is not a number from 1 to %d", ErrRequest, q.Get("limit"), maxKeys))
			return
		}
		limit = n
	}
	region := q.Get("region")
	var rep cache.Reply
	err := b.front.known(region)
	if err == nil {
		rep, err = b.front.Do(r.Context(), cache.Command{Op: cache.Keys, Origin: cache.LocalOnly, Region: region, Pattern: q.Get("pattern")})
	}
	if err != nil {
		fail(w, err)
		return
	}
	slices.Sort(rep.Keys)
	out := Listing{Region: region, Keys: []Listed{}, Total: len(rep.Keys)}
	for _, k := range rep.Keys[:min(limit, len(rep.Keys))] {
		out.Keys = append(out.Keys, Listed{idOf(k), nameOf(k, maxText)})
	}
	answer(w, http.StatusOK, out)
}

// target reads which element a request is about.
func (b *board) target(q url.Values) (region, key string, err error) {
	region = q.Get("region")
	if key, err = keyOfID(q.Get("id")); err == nil {
		err = b.front.known(region)
	}
	return region, key, err
}

// Shown is an element with its value as people may read it.
type Shown struct {
	Element        // without key and value
	Name    Name   `json:"name"`
	Kind    string `json:"kind"` // text, tree (Java's, a hash) or hex
	Text    string `json:"text"`
	Cut     bool   `json:"cut,omitempty"` // there is more
}

func (b *board) element(w http.ResponseWriter, r *http.Request) {
	region, key, err := b.target(r.URL.Query())
	var e cache.Element
	if err == nil {
		e, err = b.look(r, region, key)
	}
	if err != nil {
		fail(w, err)
		return
	}
	s := Shown{Element: metaOf(e), Name: nameOf(e.Key, maxText)}
	s.Element.Key, s.KeyEncoding, s.Group = "", "", ""
	s.Kind, s.Text, s.Cut = b.show(e.Value)
	answer(w, http.StatusOK, s)
}

// look finds an element in memory here. That is no access: it neither keeps the
// element alive nor counts as a hit, unless its key can be named by no pattern.
func (b *board) look(r *http.Request, region, key string) (cache.Element, error) {
	c := cache.Command{Op: cache.GetMatching, Origin: cache.LocalOnly, Region: region, Pattern: regexp.QuoteMeta(cache.KeyText(key))}
	if !utf8.ValidString(c.Pattern) {
		c.Op, c.Key, c.Pattern = cache.Get, key, ""
	}
	rep, err := b.front.Do(r.Context(), c)
	switch {
	case err != nil:
		return cache.Element{}, err
	case rep.Found:
		return rep.Element, nil
	}
	for _, e := range rep.Elements {
		if e.Key == key {
			return e, nil
		}
	}
	return cache.Element{}, missed(cache.Command{Region: region, Key: key})
}

// show makes text of a value.
func (b *board) show(v cache.Value) (kind, text string, cut bool) {
	if b.Tree != nil {
		if text, ok := b.Tree(v); ok {
			text, cut = start(strings.ToValidUTF8(text, "\uFFFD"), maxText)
			return "tree", text, cut
		}
	}
	if utf8.ValidString(v.Bytes) {
		text, cut = start(v.Bytes, maxText)
		return "text", text, cut
	}
	n := min(len(v.Bytes), maxHex)
	return "hex", hex.Dump([]byte(v.Bytes[:n])), n < len(v.Bytes)
}

// start returns at most n bytes of valid UTF-8.
func start(s string, n int) (string, bool) {
	if len(s) <= n {
		return s, false
	}
	for !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n], true
}

func (b *board) why(w http.ResponseWriter, r *http.Request) {
	region, key, err := b.target(r.URL.Query())
	var e cache.Explanation
	if err == nil {
		e, err = b.front.Explain(r.Context(), region, key)
	}
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, e)
}

// An Action is what the page asks to be done, after its user confirmed it.
type Action struct {
	Do     string `json:"do"` // remove, clear, verify, repair
	Region string `json:"region"`
	ID     string `json:"id,omitempty"` // of the key to remove
}

func (b *board) act(w http.ResponseWriter, r *http.Request) {
	if !b.writes(r) || r.Header.Get(actionHeader) == "" {
		refuse(w, &Failure{Status: http.StatusForbidden, Code: "read_only", Saw: "an action where nothing may be changed",
			Why: "this way to the service only shows", Do: "use the command line on its host"})
		return
	}
	var a Action
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAct))
	d.DisallowUnknownFields()
	if err := d.Decode(&a); err != nil {
		fail(w, fmt.Errorf("%w: action: %v", ErrRequest, err))
		return
	}
	v, err := b.perform(r, &a)
	if err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, v)
}

func (b *board) perform(r *http.Request, a *Action) (any, error) {
	if a.Region != "" || a.Do == "remove" || a.Do == "clear" {
		if err := b.front.known(a.Region); err != nil {
			return nil, err
		}
	}
	c := cache.Command{Op: cache.RemoveAll, Region: a.Region}
	switch a.Do {
	case "verify", "repair":
		ctx, cancel := context.WithTimeout(r.Context(), verifyTimeout)
		defer cancel()
		return b.front.Verify(ctx, a.Region, a.Do == "repair")
	case "remove":
		key, err := keyOfID(a.ID)
		if err == nil && cache.IsPrefix(key) {
			err = fmt.Errorf("%w: an action removes one key, and no prefix", cache.ErrKey)
		}
		if err != nil {
			return nil, err
		}
		c.Op, c.Key = cache.Remove, key
	case "clear":
	default:
		return nil, fmt.Errorf("%w: action %.40q, where there are remove, clear, verify and repair", ErrRequest, a.Do)
	}
	rep, err := b.front.Do(r.Context(), c)
	return DoneOf(c.Op, &rep), err
}
