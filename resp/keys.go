// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"strings"

	"lateral/cache"
	"lateral/fields"
	"lateral/resp/wire"
)

func (c *client) runDel(args [][]byte) {
	n := int64(0)
	for _, a := range args[1:] {
		p := c.at(a).keep()
		_, elsewhere := c.fetched[p]
		rep, err := c.do(p, cache.Command{Op: cache.Remove})
		if err != nil {
			c.fail(err)
			return
		}
		if rep.Found || elsewhere {
			n++
		}
	}
	c.out.Int(n)
}

func (c *client) runExists(args [][]byte) {
	n := int64(0)
	for _, a := range args[1:] {
		if _, ok := c.get(c.at(a)); ok {
			n++
		}
	}
	c.out.Int(n)
}

func (c *client) runType(args [][]byte) {
	switch e, ok := c.get(c.at(args[1])); {
	case !ok:
		c.out.Simple("none")
	case !isText(&e):
		c.out.Simple("hash")
	default:
		c.out.Simple("string")
	}
}

// expire is EXPIRE and its kin.
func (c *client) expire(args [][]byte, unit int64, absolute bool) {
	when, bad := parseWhen(args[3:])
	if bad != "" {
		c.out.Error(bad)
		return
	}
	n, ok := wire.ParseInt(args[2])
	if !ok {
		c.out.Error(errInteger)
		return
	}
	p := c.at(args[1])
	at, bad := moment(n, unit, absolute, p.r.Now(), "ERR invalid expire time in '"+strings.ToLower(string(args[0]))+"' command")
	if bad != "" {
		c.out.Error(bad)
		return
	}
	done := false
	err := c.update(p, func(e cache.Element, found bool) change {
		if done = found && p.r.applies(when, &e, at); !done {
			return change{}
		}
		return p.r.retime(&e, at, false)
	})
	if err != nil {
		c.fail(err)
		return
	}
	c.out.IntOf(done)
}

// A condition is one of the options of EXPIRE.
type condition struct{ nx, xx, gt, lt bool }

func parseWhen(args [][]byte) (w condition, bad string) {
	for _, a := range args {
		switch strings.ToLower(string(a[:min(len(a), 16)])) {
		case "nx":
			w.nx = true
		case "xx":
			w.xx = true
		case "gt":
			w.gt = true
		case "lt":
			w.lt = true
		default:
			return w, "ERR Unsupported option " + string(a[:min(len(a), 64)])
		}
	}
	switch {
	case w.nx && (w.xx || w.gt || w.lt):
		return w, "ERR NX and XX, GT or LT options at the same time are not compatible"
	case w.gt && w.lt:
		return w, "ERR GT and LT options at the same time are not compatible"
	}
	return w, ""
}

// applies says whether a lifetime may be set. A lifetime of the region's own
// is none that somebody gave.
func (r *region) applies(w condition, e *cache.Element, at int64) bool {
	has, own := until(e)
	own = own && r.hasOwnLife(e)
	switch {
	case w.nx && own, w.xx && !own, w.gt && (!own || at <= has), w.lt && own && at >= has:
		return false
	}
	return true
}

func (c *client) runExpire(args [][]byte)    { c.expire(args, seconds, false) }
func (c *client) runPExpire(args [][]byte)   { c.expire(args, millis, false) }
func (c *client) runExpireAt(args [][]byte)  { c.expire(args, seconds, true) }
func (c *client) runPExpireAt(args [][]byte) { c.expire(args, millis, true) }

// life answers with something about when a key expires.
func (c *client) life(key []byte, show func(now, at int64) int64) {
	p := c.at(key)
	e, ok := c.get(p)
	if !ok {
		c.out.Int(-2)
		return
	}
	at, ok := until(&e)
	if !ok {
		c.out.Int(-1)
		return
	}
	c.out.Int(show(p.r.Now(), at))
}

func (c *client) runTTL(args [][]byte) {
	c.life(args[1], func(now, at int64) int64 { return (max(at-now, 0) + 500) / 1000 })
}
func (c *client) runPTTL(args [][]byte) {
	c.life(args[1], func(now, at int64) int64 { return max(at-now, 0) })
}
func (c *client) runExpireTime(args [][]byte) {
	c.life(args[1], func(_, at int64) int64 { return (at + 500) / 1000 })
}
func (c *client) runPExpireTime(args [][]byte) {
	c.life(args[1], func(_, at int64) int64 { return at })
}

func (c *client) runPersist(args [][]byte) {
	p := c.at(args[1])
	done := false
	err := c.update(p, func(e cache.Element, found bool) change {
		if !found {
			done = false
			return change{}
		}
		ch := p.r.retime(&e, 0, true)
		done = ch.do
		return ch
	})
	if err != nil {
		c.fail(err)
		return
	}
	c.out.IntOf(done)
}

func (c *client) runFlushDB(args [][]byte) { c.flushRegions(args, c.db.regions) }

func (c *client) runFlushAll(args [][]byte) { c.flushRegions(args, c.f.regions) }

func (c *client) flushRegions(args [][]byte, regions []*region) {
	if len(args) > 2 || len(args) == 2 && !isWord(args[1], "async") && !isWord(args[1], "sync") {
		c.out.Error(errSyntax)
		return
	}
	for _, r := range regions {
		if _, err := c.do(place{r: r}, cache.Command{Op: cache.RemoveAll}); err != nil {
			c.fail(err)
			return
		}
	}
	c.out.OK()
}

// isWord compares an argument with a word in lower case.
func isWord(arg []byte, word string) bool {
	return len(arg) == len(word) && strings.EqualFold(text(arg), word)
}

func (c *client) runRename(args [][]byte)   { c.rename(args, false) }
func (c *client) runRenameNX(args [][]byte) { c.rename(args, true) }

// rename moves a value with its lifetime.
func (c *client) rename(args [][]byte, onlyNew bool) {
	from, to := c.at(args[1]).keep(), c.at(args[2]).keep()
	e, ok := c.get(from)
	if !ok {
		c.out.Error("ERR no such key")
		return
	}
	done := true
	if _, there := c.get(to); onlyNew && there {
		done = false
	} else if from != to {
		val := e.Value
		if h, err := fields.Decode(val.Bytes, e.Stamp); val.Form == cache.FormHash && err == nil {
			h.Renew()
			val = h.Value()
		}
		_, err := c.do(to, cache.Command{Op: cache.Put, Value: val, Attr: from.r.keepLife(&e, true)})
		if err == nil {
			_, err = c.do(from, cache.Command{Op: cache.Remove})
		}
		if err != nil {
			c.fail(err)
			return
		}
	}
	if onlyNew {
		c.out.IntOf(done)
		return
	}
	c.out.OK()
}
