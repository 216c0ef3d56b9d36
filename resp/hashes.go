// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"lateral/cache"
	"lateral/fields"
	"lateral/resp/wire"
)

// spelled is the value of a hash whose fields all have their stamps, so that
// it can be written again without making them newer.
func spelled(e *cache.Element) cache.Value {
	h, err := fields.Decode(e.Value.Bytes, e.Stamp)
	if err != nil {
		return e.Value // of no use to anybody, and so it stays
	}
	return h.Value()
}

// hash returns a key's value as bytes of a hash, "" if there is none.
func (c *client) hash(key []byte) (value string, stamp cache.Stamp, ok bool) {
	e, found := c.get(c.at(key))
	switch {
	case !found:
		return "", cache.Stamp{}, true
	case isText(&e):
		c.out.Error(errType)
		return "", cache.Stamp{}, false
	}
	return e.Value.Bytes, e.Stamp, true
}

// decoded returns a key's fields.
func (c *client) decoded(key []byte) (h fields.Hash, ok bool) {
	value, stamp, ok := c.hash(key)
	if !ok || value == "" {
		return h, ok
	}
	h, err := fields.Decode(value, stamp)
	if err != nil {
		c.fail(err)
		return h, false
	}
	return h, true
}

// edit changes a hash. f returns whether it did, or an error of Redis.
func (c *client) edit(key []byte, f func(h *fields.Hash) (changed bool, bad string)) bool {
	p := c.at(key)
	var bad string
	err := c.update(p, func(e cache.Element, found bool) change {
		bad = ""
		var h fields.Hash
		if found {
			if isText(&e) {
				bad = errType
				return change{}
			}
			var err error
			if h, err = fields.Decode(e.Value.Bytes, e.Stamp); err != nil {
				bad = "ERR " + err.Error()
				return change{}
			}
		}
		var changed bool
		if changed, bad = f(&h); bad != "" || !changed {
			return change{}
		}
		if h.Len() == 0 {
			return change{do: found, remove: true}
		}
		v := h.Value()
		if len(v.Bytes) > cache.MaxValue {
			bad = "ERR the hash would be larger than a value may be (64 MiB)"
			return change{}
		}
		return change{do: true, value: v, attr: p.r.keepLife(&e, found)}
	})
	switch {
	case err != nil:
		c.fail(err)
	case bad != "":
		c.out.Error(bad)
	}
	return err == nil && bad == ""
}

// setFields writes pairs of names and values and returns how many are new.
func setFields(h *fields.Hash, pairs [][]byte) (fresh int, bad string) {
	for i := 0; i < len(pairs); i += 2 {
		isNew, err := h.Set(string(pairs[i]), string(pairs[i+1]))
		if err != nil {
			return 0, "ERR " + err.Error()
		}
		if isNew {
			fresh++
		}
	}
	return fresh, ""
}

func (c *client) hset(args [][]byte) (fresh int, ok bool) {
	if len(args)%2 != 0 {
		c.out.Error(wrongNumber(string(args[0])))
		return 0, false
	}
	ok = c.edit(args[1], func(h *fields.Hash) (_ bool, bad string) {
		fresh, bad = setFields(h, args[2:])
		return true, bad
	})
	return fresh, ok
}

func (c *client) runHSet(args [][]byte) {
	if fresh, ok := c.hset(args); ok {
		c.out.Int(int64(fresh))
	}
}

func (c *client) runHMSet(args [][]byte) {
	if _, ok := c.hset(args); ok {
		c.out.OK()
	}
}

func (c *client) runHSetNX(args [][]byte) {
	stored := false
	ok := c.edit(args[1], func(h *fields.Hash) (bool, string) {
		_, has := h.Get(text(args[2]))
		if stored = !has; has {
			return false, ""
		}
		_, bad := setFields(h, args[2:4])
		return true, bad
	})
	if ok {
		c.out.IntOf(stored)
	}
}

func (c *client) runHGet(args [][]byte) {
	if value, _, ok := c.hash(args[1]); ok {
		c.field(value, args[2])
	}
}

func (c *client) field(value string, name []byte) {
	if value != "" {
		if v, ok := fields.Lookup(value, text(name)); ok {
			c.out.Bulk(v)
			return
		}
	}
	c.out.Null()
}

func (c *client) runHMGet(args [][]byte) {
	value, _, ok := c.hash(args[1])
	if !ok {
		return
	}
	from := len(c.out.B)
	c.out.Array(len(args) - 2)
	for _, name := range args[2:] {
		if c.field(value, name); c.tooLong(from) {
			return
		}
	}
}

func (c *client) runHGetAll(args [][]byte) {
	if h, ok := c.decoded(args[1]); ok {
		c.out.Map(h.Len())
		for name, v := range h.All() {
			c.out.Bulk(name)
			c.out.Bulk(v)
		}
	}
}

func (c *client) runHKeys(args [][]byte) {
	if h, ok := c.decoded(args[1]); ok {
		c.out.Array(h.Len())
		for name := range h.All() {
			c.out.Bulk(name)
		}
	}
}

func (c *client) runHVals(args [][]byte) {
	if h, ok := c.decoded(args[1]); ok {
		c.out.Array(h.Len())
		for _, v := range h.All() {
			c.out.Bulk(v)
		}
	}
}

func (c *client) runHLen(args [][]byte) {
	if value, _, ok := c.hash(args[1]); ok {
		c.out.Int(int64(fields.Count(value)))
	}
}

func (c *client) runHExists(args [][]byte) {
	if value, _, ok := c.hash(args[1]); ok {
		_, has := fields.Lookup(value, text(args[2]))
		c.out.IntOf(has)
	}
}

func (c *client) runHStrlen(args [][]byte) {
	if value, _, ok := c.hash(args[1]); ok {
		v, _ := fields.Lookup(value, text(args[2]))
		c.out.Int(int64(len(v)))
	}
}

func (c *client) runHDel(args [][]byte) {
	n := 0
	traced := c.at(args[1]).r.traced
	ok := c.edit(args[1], func(h *fields.Hash) (bool, string) {
		n = 0
		for _, name := range args[2:] {
			if h.Remove(text(name), traced) {
				n++
			}
		}
		return n > 0, ""
	})
	if ok {
		c.out.Int(int64(n))
	}
}

func (c *client) runHIncrBy(args [][]byte) {
	n, ok := wire.ParseInt(args[3])
	if !ok {
		c.out.Error(errInteger)
		return
	}
	var sum int64
	ok = c.edit(args[1], func(h *fields.Hash) (bool, string) {
		old, has := h.Get(text(args[2]))
		var bad string
		if sum, bad = plus(old, has, n, "ERR hash value is not an integer"); bad != "" {
			return false, bad
		}
		_, bad = setFields(h, [][]byte{args[2], strconv.AppendInt(nil, sum, 10)})
		return true, bad
	})
	if ok {
		c.out.Int(sum)
	}
}

func (c *client) runHIncrByFloat(args [][]byte) {
	n, ok := parseFloat(string(args[3]))
	if !ok {
		c.out.Error(errFloat)
		return
	}
	var sum string
	ok = c.edit(args[1], func(h *fields.Hash) (bool, string) {
		old, has := h.Get(text(args[2]))
		var bad string
		if sum, bad = plusFloat(old, has, n, "ERR hash value is not a float"); bad != "" {
			return false, bad
		}
		_, bad = setFields(h, [][]byte{args[2], []byte(sum)})
		return true, bad
	})
	if ok {
		c.out.Bulk(sum)
	}
}

// runHScan answers with all fields at once, as Redis does with small hashes.
func (c *client) runHScan(args [][]byte) {
	if _, err := strconv.ParseUint(text(args[2]), 10, 64); err != nil {
		c.out.Error("ERR invalid cursor")
		return
	}
	h, ok := c.decoded(args[1])
	if !ok {
		return
	}
	o, bad := parseScan(args[3:], false)
	if bad != "" && h.Len() > 0 { // as Redis, which looks at the options last
		c.out.Error(bad)
		return
	}
	var pairs []string
	for name, v := range h.All() {
		if o.pattern == "" || matches(o.pattern, name) {
			pairs = append(pairs, name, v)
		}
	}
	c.out.Array(2)
	c.out.Bulk("0")
	c.out.Array(len(pairs))
	for _, s := range pairs {
		c.out.Bulk(s)
	}
}

// runHRandField: without a count one field; with a positive one so many
// different ones; with a negative one so many, perhaps the same again.
func (c *client) runHRandField(args [][]byte) {
	values := len(args) == 4 && isWord(args[3], "withvalues")
	n, isInt := int64(1), true
	if len(args) > 2 {
		n, isInt = wire.ParseInt(args[2])
	}
	switch {
	case !isInt:
		c.out.Error(errInteger)
		return
	case len(args) > 4 || len(args) == 4 && !values:
		c.out.Error(errSyntax)
		return
	case n < -maxRandom || n > maxRandom:
		c.out.Error("ERR value is out of range")
		return
	}
	h, ok := c.decoded(args[1])
	if !ok {
		return
	}
	var names []string
	for name := range h.All() {
		names = append(names, name)
	}
	if len(args) == 2 {
		if len(names) == 0 {
			c.out.Null()
			return
		}
		c.out.Bulk(names[rand.IntN(len(names))])
		return
	}
	c.randomFields(&h, pick(names, n), values)
}

// maxRandom bounds how many random fields may be asked for.
const maxRandom = 1 << 20

func pick(names []string, n int64) (picked []string) {
	if n < 0 && len(names) > 0 {
		for range -n {
			picked = append(picked, names[rand.IntN(len(names))])
		}
		return picked
	}
	rand.Shuffle(len(names), func(i, j int) { names[i], names[j] = names[j], names[i] })
	return slices.Clone(names[:min(len(names), int(max(n, 0)))])
}

func (c *client) randomFields(h *fields.Hash, names []string, values bool) {
	n := len(names)
	if values && !c.out.Three {
		n *= 2
	}
	from := len(c.out.B)
	c.out.Array(n)
	for _, name := range names {
		if c.tooLong(from) {
			return
		}
		if !values {
			c.out.Bulk(name)
			continue
		}
		if c.out.Three {
			c.out.Array(2)
		}
		v, _ := h.Get(name)
		c.out.Bulk(strings.Clone(name))
		c.out.Bulk(v)
	}
}
