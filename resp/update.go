// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"errors"
	"time"

	"lateral/cache"
	"lateral/fields"
)

// What Redis answers, word for word, where clients look at it.
const (
	errType    = "WRONGTYPE Operation against a key holding the wrong kind of value"
	errSyntax  = "ERR syntax error"
	errInteger = "ERR value is not an integer or out of range"
	errFloat   = "ERR value is not a valid float"
)

// maxTries bounds how often a command that reads and writes begins anew
// because others wrote the key in between.
const maxTries = 1000

var errBusy = errors.New("the key is being written by others all the time; try again")

// A change is what update is to do: nothing, a put, or a removal.
type change struct {
	do     bool
	remove bool
	value  cache.Value
	attr   *cache.Attributes // nil: the region's own
	here   bool              // it concerns this node alone
}

// update reads a key, has decide look at it, and does as that says, unless
// somebody has written the key in between, on this node or elsewhere: then it
// begins anew. decide may be called several times; it keeps what it answers to
// itself until update has returned nil.
func (c *client) update(p place, decide func(e cache.Element, found bool) change) error {
	p = p.keep()
	e, found := c.get(p)
	here := found
	if len(c.fetched) > 0 { // what came from elsewhere is not what a write finds
		_, here = p.r.Get(c.now, p.name)
	}
	for range maxTries {
		ch := decide(e, found)
		if !ch.do {
			return nil
		}
		seen := cache.Stamp{}
		if here {
			seen = e.Stamp
		}
		cmd := cache.Command{Op: cache.Put, Value: ch.value, Attr: ch.attr, Seen: &seen}
		if ch.remove {
			cmd.Op = cache.Remove
		}
		if ch.here {
			cmd.Origin = cache.LocalOnly
		}
		rep, err := c.do(p, cmd)
		if err != nil || !rep.Conflict {
			return err
		}
		e, here = rep.Element, rep.Found
		found = here && (e.Value.Form != cache.FormHash || hasFields(e.Value.Bytes))
	}
	return errBusy
}

func hasFields(value string) bool { return fields.Count(value) > 0 }

// isText reports whether a value is what Redis calls a string.
func isText(e *cache.Element) bool { return e.Value.Form != cache.FormHash }

// until returns when an element expires if nobody uses it, in ms since 1970; ok
// is false if it does not.
func until(e *cache.Element) (at int64, ok bool) {
	a := e.Attr
	if a == nil || a.Eternal {
		return 0, false
	}
	if a.MaxLife > 0 {
		at, ok = e.Stamp.UnixMilli()+a.MaxLife.Milliseconds(), true
	}
	if a.MaxIdle > 0 {
		if idle := max(e.Accessed, e.Stamp.UnixMilli()) + a.MaxIdle.Milliseconds(); !ok || idle < at {
			at, ok = idle, true
		}
	}
	return at, ok
}

// lasting returns the attributes of an element of this region that is to
// expire at a time: that, and neither the life nor the idle time of the region.
func (r *region) lasting(now, at int64) *cache.Attributes {
	a := *r.own
	a.Eternal, a.MaxIdle = false, -1
	a.MaxLife = time.Duration(min(max(at-now, 1), maxLife)) * time.Millisecond
	return &a
}

// hasOwnLife reports whether somebody gave the element a lifetime.
func (r *region) hasOwnLife(e *cache.Element) bool {
	return e.Attr != nil && e.Attr != r.own && !e.Attr.Eternal && (e.Attr.MaxLife != r.own.MaxLife || e.Attr.MaxIdle != r.own.MaxIdle || r.own.Eternal)
}

// keepLife returns the attributes with which an element is written anew
// without a change to when it expires.
func (r *region) keepLife(e *cache.Element, found bool) *cache.Attributes {
	if !found || !r.hasOwnLife(e) {
		return nil
	}
	at, ok := until(e)
	if !ok {
		return nil
	}
	return r.lasting(r.Now(), at)
}
