// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"lateral/cache"
	"lateral/resp/wire"
)

// A cursor of SCAN says where in which region of the database to go on. It has
// 53 bits, for clients that keep it in a signed integer (PHP) or a double: 45
// of the place in the order of a region's hashes, whose lower ones are zero, and
// the number of the region.
const (
	regionBits = 8
	placeZeros = 19
)

// searchLimit bounds what KEYS gathers, as the answer is one piece.
const searchLimit = 10_000_000

func (c *client) runKeys(args [][]byte) {
	pattern := text(args[1])
	var found []string
	for _, r := range c.db.regions {
		for from, more := uint64(0), true; more; {
			var names []string
			names, from = r.Scan(from, math.MaxInt)
			more = from != 0
			for _, n := range names {
				if key, ok := keyOf(n); ok && c.f.belongs(c.db, r, key) && matches(pattern, key) && len(found) < searchLimit {
					found = append(found, key)
				}
			}
		}
	}
	c.out.Array(len(found))
	for _, k := range found {
		c.out.Bulk(k)
	}
}

func (c *client) runDBSize(args [][]byte) {
	n := 0
	for _, r := range c.db.regions {
		n += r.Len()
	}
	c.out.Int(int64(n))
}

// scanOptions are those of SCAN and HSCAN.
type scanOptions struct {
	pattern string
	kind    string // TYPE
	count   int
}

func parseScan(args [][]byte, typed bool) (o scanOptions, bad string) {
	o.count = 10
	for i := 0; i < len(args); i += 2 {
		if i+1 == len(args) {
			return o, errSyntax
		}
		switch {
		case isWord(args[i], "count"):
			n, ok := wire.ParseInt(args[i+1])
			if !ok {
				return o, errInteger
			}
			if n < 1 {
				return o, errSyntax
			}
			o.count = int(min(n, 1<<20))
		case isWord(args[i], "match"):
			o.pattern = string(args[i+1])
		case typed && isWord(args[i], "type"):
			o.kind = strings.ToLower(string(args[i+1]))
		default:
			return o, errSyntax
		}
	}
	return o, ""
}

func (c *client) runScan(args [][]byte) {
	cursor, err := strconv.ParseUint(text(args[1]), 10, 64)
	if err != nil {
		c.out.Error("ERR invalid cursor")
		return
	}
	o, bad := parseScan(args[2:], true)
	if bad != "" {
		c.out.Error(bad)
		return
	}
	at, from := int(cursor&(1<<regionBits-1)), cursor>>regionBits<<placeZeros
	var found []string
	for at < len(c.db.regions) {
		r := c.db.regions[at]
		names, next := r.Scan(from, o.count-len(found))
		for _, n := range names {
			if key, ok := keyOf(n); ok && c.f.belongs(c.db, r, key) && c.fits(&o, r, n, key) {
				found = append(found, key)
			}
		}
		if from = next; from == 0 {
			at++
		}
		if from != 0 || len(found) >= o.count {
			break
		}
	}
	cursor = from>>placeZeros<<regionBits | uint64(at)
	if at == len(c.db.regions) {
		cursor = 0
	}
	c.out.Array(2)
	c.out.Bulk(strconv.FormatUint(cursor, 10))
	c.out.Array(len(found))
	for _, k := range found {
		c.out.Bulk(k)
	}
}

func (c *client) fits(o *scanOptions, r *region, name, key string) bool {
	if o.pattern != "" && !matches(o.pattern, key) {
		return false
	}
	if o.kind == "" {
		return true
	}
	e, ok := r.Get(c.now, name)
	if !ok && r.asks { // on disk alone
		rep, _ := r.Do(c.ctx, cache.Command{Op: cache.GetMatching, Origin: cache.LocalOnly, Pattern: regexp.QuoteMeta(cache.KeyText(name))})
		i := slices.IndexFunc(rep.Elements, func(e cache.Element) bool { return e.Key == name })
		if ok = i >= 0; ok {
			e = rep.Elements[i]
		}
	}
	return ok && isText(&e) == (o.kind == "string") && (o.kind == "string" || o.kind == "hash")
}

// runRandomKey takes the first key from a random place on.
func (c *client) runRandomKey(args [][]byte) {
	for _, i := range rand.Perm(len(c.db.regions)) {
		r := c.db.regions[i]
		for _, from := range []uint64{rand.Uint64(), 0} {
			names := r.Sample(from, 16)
			j := slices.IndexFunc(names, func(n string) bool { key, ok := keyOf(n); return ok && c.f.belongs(c.db, r, key) })
			if j >= 0 {
				key, _ := keyOf(names[j])
				c.out.Bulk(key)
				return
			}
		}
	}
	c.out.Null()
}
