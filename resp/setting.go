// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"math"
	"strings"

	"lateral/cache"
	"lateral/resp/wire"
)

// A setting is what the options of SET and GETEX say.
type setting struct {
	nx, xx, get, keep, persist bool

	timed    bool
	absolute bool // time is since 1970, not from now
	unit     int64
	time     []byte
}

const (
	millis  = 1
	seconds = 1000
)

const (
	setOptions   = "nx xx get keepttl ex px exat pxat"
	getexOptions = "persist ex px exat pxat"
)

// parseSet reads the options of a command that has those named. bad is an
// error of Redis.
func parseSet(args [][]byte, allowed string) (o setting, bad string) {
	for i := 0; i < len(args); i++ {
		word := strings.ToLower(string(args[i][:min(len(args[i]), 16)]))
		if word == "" || !strings.Contains(" "+allowed+" ", " "+word+" ") {
			return o, errSyntax
		}
		ok := true
		switch word {
		case "nx":
			o.nx, ok = true, !o.xx
		case "xx":
			o.xx, ok = true, !o.nx
		case "get":
			o.get = true
		case "keepttl":
			o.keep, ok = true, !o.timed
		case "persist":
			o.persist, ok = true, !o.timed
		default:
			if i++; i == len(args) || o.timed || o.keep || o.persist {
				return o, errSyntax
			}
			o.timed, o.time, o.absolute = true, args[i], strings.HasSuffix(word, "at")
			if o.unit = seconds; word[0] == 'p' {
				o.unit = millis
			}
		}
		if !ok {
			return o, errSyntax
		}
	}
	return o, ""
}

// deadline is when what is set expires, in ms since 1970. bad is an error of
// Redis; name is the command's.
func (o *setting) deadline(now int64, name string) (at int64, bad string) {
	if !o.timed {
		return 0, ""
	}
	n, ok := wire.ParseInt(o.time)
	if !ok {
		return 0, errInteger
	}
	invalid := "ERR invalid expire time in '" + name + "' command"
	if n <= 0 {
		return 0, invalid
	}
	return moment(n, o.unit, o.absolute, now, invalid)
}

// moment makes ms since 1970 of a number in a unit.
func moment(n, unit int64, absolute bool, now int64, invalid string) (at int64, bad string) {
	if n > math.MaxInt64/unit || n < math.MinInt64/unit {
		return 0, invalid
	}
	n *= unit
	if absolute {
		return n, ""
	}
	if n > math.MaxInt64-now {
		return 0, invalid
	}
	return n + now, ""
}

// maxLife is the longest lifetime that fits a time.Duration, about 292 years.
const maxLife = math.MaxInt64 / 1_000_000

// retime writes an element anew with another time to live, or its region's.
// Where values do not travel neither do lifetimes: each node has its own.
func (r *region) retime(e *cache.Element, at int64, persist bool) change {
	now := r.Now()
	ch := change{do: true, value: e.Value, here: !r.traced}
	switch {
	case persist:
		ch.attr = nil
		ch.do = r.hasOwnLife(e)
	case at <= now:
		return change{do: true, remove: true}
	default:
		ch.attr = r.lasting(now, at)
	}
	if e.Value.Form == cache.FormHash {
		ch.value = spelled(e)
	}
	return ch
}
