// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"lateral/cache"
	"lateral/resp/wire"
)

func (c *client) runGet(args [][]byte) { c.bulkOf(c.at(args[1])) }

// bulkOf answers with the text of a key.
func (c *client) bulkOf(p place) {
	switch e, ok := c.get(p); {
	case !ok:
		c.out.Null()
	case !isText(&e):
		c.out.Error(errType)
	default:
		c.out.Bulk(textOf(&e))
	}
}

func (c *client) runMGet(args [][]byte) {
	from := len(c.out.B)
	c.out.Array(len(args) - 1)
	for _, a := range args[1:] {
		if e, ok := c.get(c.at(a)); ok && isText(&e) {
			c.out.Bulk(textOf(&e))
		} else {
			c.out.Null()
		}
		if c.tooLong(from) {
			return
		}
	}
}

func (c *client) runStrlen(args [][]byte) {
	switch e, ok := c.get(c.at(args[1])); {
	case ok && !isText(&e):
		c.out.Error(errType)
	default:
		c.out.Int(int64(len(textOf(&e))))
	}
}

// put stores a text. Key and value are copied together.
func (c *client) put(p place, value []byte, attr *cache.Attributes) error {
	b := make([]byte, len(p.name)+len(value))
	n := copy(b, p.name)
	copy(b[n:], value)
	c.writes(p.r)
	return p.r.Put(c.ctx, text(b), n, attr, c.caller, c.more(p.r))
}

func (c *client) runSet(args [][]byte) {
	p := c.at(args[1])
	if len(args) == 3 {
		if err := c.put(p, args[2], nil); err != nil {
			c.fail(err)
			return
		}
		c.out.OK()
		return
	}
	o, bad := parseSet(args[3:], setOptions)
	if bad != "" {
		c.out.Error(bad)
		return
	}
	c.set(p, cache.Value{Bytes: string(args[2])}, o, "set")
}

// set is SET with options and what is short for it; name is for errors.
func (c *client) set(p place, val cache.Value, o setting, name string) {
	at, bad := o.deadline(p.r.Now(), name)
	if bad != "" {
		c.out.Error(bad)
		return
	}
	var old cache.Element
	var was, wrongType, done bool
	err := c.update(p, func(e cache.Element, found bool) (ch change) {
		old, was, done = e, found, false
		if wrongType = o.get && found && !isText(&e); wrongType || o.nx && found || o.xx && !found {
			return ch
		}
		ch, done = change{do: true, value: val}, true
		now := p.r.Now()
		switch {
		case o.keep:
			ch.attr = p.r.keepLife(&e, found)
		case o.timed && at <= now:
			ch = change{do: found, remove: true}
		case o.timed:
			ch.attr = p.r.lasting(now, at)
		}
		return ch
	})
	switch {
	case err != nil:
		c.fail(err)
	case wrongType:
		c.out.Error(errType)
	case o.get && was:
		c.out.Bulk(textOf(&old))
	case o.get || !done:
		c.out.Null()
	default:
		c.out.OK()
	}
}

func (c *client) runSetNX(args [][]byte) {
	p := c.at(args[1]).keep()
	if _, ok := c.get(p); ok {
		c.out.Int(0)
		return
	}
	stored := false
	err := c.update(p, func(_ cache.Element, found bool) change {
		stored = !found
		return change{do: !found, value: cache.Value{Bytes: string(args[2])}}
	})
	if err != nil {
		c.fail(err)
		return
	}
	c.out.IntOf(stored)
}

func (c *client) runSetEX(args [][]byte) {
	c.set(c.at(args[1]), cache.Value{Bytes: string(args[3])}, setting{timed: true, unit: seconds, time: args[2]}, "setex")
}

func (c *client) runPSetEX(args [][]byte) {
	c.set(c.at(args[1]), cache.Value{Bytes: string(args[3])}, setting{timed: true, unit: millis, time: args[2]}, "psetex")
}

func (c *client) runGetSet(args [][]byte) {
	c.set(c.at(args[1]), cache.Value{Bytes: string(args[2])}, setting{get: true}, "getset")
}

func (c *client) runGetDel(args [][]byte) {
	var old cache.Element
	var was, wrongType bool
	err := c.update(c.at(args[1]), func(e cache.Element, found bool) change {
		old, was = e, found
		wrongType = found && !isText(&e)
		return change{do: found && !wrongType, remove: true}
	})
	c.oldText(err, &old, was, wrongType)
}

// oldText answers with what was there.
func (c *client) oldText(err error, old *cache.Element, was, wrongType bool) {
	switch {
	case err != nil:
		c.fail(err)
	case wrongType:
		c.out.Error(errType)
	case !was:
		c.out.Null()
	default:
		c.out.Bulk(textOf(old))
	}
}

func (c *client) runGetEX(args [][]byte) {
	o, bad := parseSet(args[2:], getexOptions)
	if bad != "" {
		c.out.Error(bad)
		return
	}
	p := c.at(args[1])
	if !o.timed && !o.persist {
		c.bulkOf(p)
		return
	}
	at, bad := o.deadline(p.r.Now(), "getex")
	if bad != "" {
		if e, ok := c.get(p); !ok || !isText(&e) {
			c.bulkOf(p) // as Redis, which looks at the time last
			return
		}
		c.out.Error(bad)
		return
	}
	var old cache.Element
	var was, wrongType bool
	err := c.update(p, func(e cache.Element, found bool) change {
		old, was = e, found
		if wrongType = found && !isText(&e); wrongType || !found {
			return change{}
		}
		return p.r.retime(&e, at, o.persist)
	})
	c.oldText(err, &old, was, wrongType)
}

func (c *client) runMSet(args [][]byte) {
	if len(args)%2 == 0 {
		c.out.Error(wrongNumber("mset"))
		return
	}
	for i := 1; i < len(args); i += 2 {
		if err := c.put(c.at(args[i]), args[i+1], nil); err != nil {
			c.fail(err)
			return
		}
	}
	c.out.OK()
}

func (c *client) runMSetNX(args [][]byte) {
	if len(args)%2 == 0 {
		c.out.Error(wrongNumber("msetnx"))
		return
	}
	for i := 1; i < len(args); i += 2 {
		if _, ok := c.get(c.at(args[i])); ok {
			c.out.Int(0)
			return
		}
	}
	for i := 1; i < len(args); i += 2 {
		if err := c.put(c.at(args[i]), args[i+1], nil); err != nil {
			c.fail(err)
			return
		}
	}
	c.out.Int(1)
}

func (c *client) runAppend(args [][]byte) {
	c.rewrite(c.at(args[1]), true, func(old string) (string, string) {
		if len(old)+len(args[2]) > wire.MaxBulk {
			return "", errTooLong
		}
		return old + string(args[2]), ""
	})
}

const errTooLong = "ERR string exceeds maximum allowed size (64 MiB)"

// rewrite makes a new text of the old one, if it is to be written at all, and
// answers with its length.
func (c *client) rewrite(p place, write bool, next func(old string) (text, bad string)) {
	var bad string
	n := 0
	err := c.update(p, func(e cache.Element, found bool) change {
		if bad = ""; found && !isText(&e) {
			bad = errType
			return change{}
		}
		var s string
		if s, bad = next(textOf(&e)); bad != "" || !write {
			n = len(s)
			return change{}
		}
		ch := change{do: true, attr: p.r.keepLife(&e, found)}
		ch.value, bad = alike(&e, found, s)
		ch.do = bad == ""
		n = len(s)
		return ch
	})
	switch {
	case err != nil:
		c.fail(err)
	case bad != "":
		c.out.Error(bad)
	default:
		c.out.Int(int64(n))
	}
}

func (c *client) runSetRange(args [][]byte) {
	at, ok := wire.ParseInt(args[2])
	switch {
	case !ok:
		c.out.Error(errInteger)
		return
	case at < 0:
		c.out.Error("ERR offset is out of range")
		return
	}
	c.rewrite(c.at(args[1]), len(args[3]) > 0, func(old string) (string, string) {
		v := args[3]
		if len(v) == 0 {
			return old, ""
		}
		if at > wire.MaxBulk || int(at)+len(v) > wire.MaxBulk {
			return "", errTooLong
		}
		b := make([]byte, max(len(old), int(at)+len(v)))
		copy(b, old)
		copy(b[at:], v)
		return string(b), ""
	})
}

func (c *client) runGetRange(args [][]byte) {
	from, ok1 := wire.ParseInt(args[2])
	to, ok2 := wire.ParseInt(args[3])
	if !ok1 || !ok2 {
		c.out.Error(errInteger)
		return
	}
	e, ok := c.get(c.at(args[1]))
	if ok && !isText(&e) {
		c.out.Error(errType)
		return
	}
	s := textOf(&e)
	n := int64(len(s))
	if from < 0 && to < 0 && from > to {
		n = 0
	}
	if from < 0 {
		from = max(n+from, 0)
	}
	if to < 0 {
		to = max(n+to, 0)
	}
	to = min(to, n-1)
	if n == 0 || from > to {
		c.out.Bulk("")
		return
	}
	c.out.Bulk(s[from : to+1])
}
