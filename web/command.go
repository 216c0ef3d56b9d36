// SPDX-License-Identifier: Apache-2.0

package web

import (
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
	cache.Put:         {"group", "local", "update", "if-absent", "eternal", "max-life", "max-idle"},
	cache.Remove:      {"group", "local"},
	cache.RemoveAll:   {"local"},
	cache.RemoveGroup: {"local"},
	cache.Keys:        {"pattern", "local"},
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
	case cache.Get, cache.Put, cache.Remove:
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
	}
	return c, choose(&c, q)
}

// choose applies the options that are switches and durations.
func choose(c *cache.Command, q url.Values) error {
	var bad error
	is := func(name string) bool {
		if !q.Has(name) || bad != nil {
			return false
		}
		on, err := strconv.ParseBool(q.Get(name))
		if q.Get(name) == "" {
			return true
		}
		if err != nil {
			bad = fmt.Errorf("%w: option %s=%.40q is neither true nor false", ErrRequest, name, q.Get(name))
		}
		return on
	}
	if is("local") {
		c.Origin = cache.LocalOnly
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
	if !q.Has("eternal") && !q.Has("max-life") && !q.Has("max-idle") {
		return nil // the region's own attributes
	}
	a := cache.DefaultAttributes
	a.Eternal = is("eternal")
	for name, d := range map[string]*time.Duration{"max-life": &a.MaxLife, "max-idle": &a.MaxIdle} {
		if !q.Has(name) {
			continue
		}
		var err error
		if *d, err = time.ParseDuration(q.Get(name)); err != nil || *d <= 0 {
			return fmt.Errorf("%w: option %s=%.40q is no positive duration such as 90s or 1h", ErrRequest, name, q.Get(name))
		}
	}
	c.Attr = &a
	return bad
}
