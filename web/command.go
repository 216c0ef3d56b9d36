// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"lateral/cache"
)

// options are the query parameters that each operation takes.
var options = map[cache.Op][]string{
	cache.Get:         {"group", "local"},
	cache.Touch:       {"group", "local"},
	cache.Take:        {"group", "acks"},
	cache.Put:         {"group", "local", "update", "if-absent", "form", "eternal", "max-life", "max-idle", "tag", "acks"},
	cache.Remove:      {"group", "local", "acks"},
	cache.RemoveAll:   {"local", "acks"},
	cache.RemoveGroup: {"local", "acks"},
	cache.RemoveTag:   {"local", "acks"},
	cache.Keys:        {"pattern", "local"},
	cache.GetMatching: {"pattern", "values"}, // of Java nodes
}

// command decodes a request, but for the body, to what it asks of the node.
func command(r *http.Request, op cache.Op) (cache.Command, error) {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return cache.Command{}, fmt.Errorf("%w: query: %v", ErrRequest, err)
	}
	for name := range q {
		if !slices.Contains(options[op], name) {
			return cache.Command{}, fmt.Errorf("%w: option %.40q, where %s has %s", ErrRequest, name, op, strings.Join(options[op], ", "))
		}
	}
	c := cache.Command{Op: op, Region: r.PathValue("region"), Pattern: q.Get("pattern")}
	if len(c.Region) > cache.MaxRegion || c.Region == "" {
		return c, fmt.Errorf("%w: the name of a region has 1 to %d bytes, this one %d", ErrRequest, cache.MaxRegion, len(c.Region))
	}
	switch op {
	case cache.Get, cache.Touch, cache.Take, cache.Put, cache.Remove:
		text := r.PathValue("key")
		if text == "" {
			return c, fmt.Errorf("%w: it is empty", cache.ErrKey)
		}
		if len(q.Get("group")) > cache.MaxGroup {
			return c, fmt.Errorf("%w: a group name of %d bytes, at most %d are allowed", cache.ErrTooLarge, len(q.Get("group")), cache.MaxGroup)
		}
		if c.Key = keyOf(text, q.Get("group")); len(c.Key) > cache.MaxKey {
			return c, fmt.Errorf("%w: a key of %d bytes, at most %d are allowed", cache.ErrTooLarge, len(c.Key), cache.MaxKey)
		}
	case cache.RemoveGroup:
		c.Key = r.PathValue("group")
	case cache.RemoveTag:
		c.Key = r.PathValue("tag")
	}
	return c, choose(&c, q)
}

// flag reads an option that is true or false; one without a value is true.
func flag(q url.Values, name string) (bool, error) {
	if !q.Has(name) || q.Get(name) == "" {
		return q.Has(name), nil
	}
	on, err := strconv.ParseBool(q.Get(name))
	if err != nil {
		err = fmt.Errorf("%w: option %s=%.40q is neither true nor false", ErrRequest, name, q.Get(name))
	}
	return on, err
}

// choose applies the options.
func choose(c *cache.Command, q url.Values) error {
	var bad error
	is := func(name string) bool {
		on, err := flag(q, name)
		bad = cmp.Or(bad, err)
		return on
	}
	if is("local") {
		c.Origin = cache.LocalOnly
	}
	if q.Has("acks") {
		var err error
		if c.Acks, err = cache.ParseAcks(q.Get("acks")); err != nil {
			return fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	if q.Has("form") {
		switch name := q.Get("form"); name {
		case formNames[cache.FormJava], formNames[cache.FormByteArray]:
			c.Value.Form = formOf(name)
		default:
			return fmt.Errorf("%w: form %.40q is neither java nor byte-array", ErrRequest, name)
		}
	}
	update, ifAbsent := is("update"), is("if-absent")
	switch {
	case bad != nil:
		return bad
	case update && ifAbsent:
		return fmt.Errorf("%w: update and if-absent exclude each other", ErrRequest)
	case update:
		c.Op = cache.Update
	case ifAbsent:
		c.Op = cache.PutIfAbsent
	}
	return errors.Join(bad, lifetimes(c, q, is))
}

// unlimited is a lifetime without an end, where the region's has one.
const unlimited = "unlimited"

// lifetimes notes what the options say of them in c.Attr, which is nil if they
// say nothing.
func lifetimes(c *cache.Command, q url.Values, is func(string) bool) error {
	if !q.Has("eternal") && !q.Has("max-life") && !q.Has("max-idle") {
		return nil
	}
	a := cache.Attributes{Eternal: is("eternal")}
	for name, d := range map[string]*time.Duration{"max-life": &a.MaxLife, "max-idle": &a.MaxIdle} {
		text := q.Get(name)
		if !q.Has(name) {
			continue
		}
		if text == unlimited {
			*d = -1
			continue
		}
		var err error
		if *d, err = time.ParseDuration(text); err != nil || *d <= 0 {
			return fmt.Errorf("%w: option %s=%.40q is neither a positive duration such as 90s or 1h nor %s", ErrRequest, name, text, unlimited)
		}
	}
	c.Attr = &a
	return nil
}

// over puts the lifetimes that a caller chose over a region's own attributes.
func over(region cache.Attributes, chosen *cache.Attributes) cache.Attributes {
	region.Eternal = chosen.Eternal
	if chosen.MaxLife != 0 {
		region.MaxLife = chosen.MaxLife
	}
	if chosen.MaxIdle != 0 {
		region.MaxIdle = chosen.MaxIdle
	}
	return region
}
