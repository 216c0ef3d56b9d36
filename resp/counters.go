// SPDX-License-Identifier: Apache-2.0

package resp

import (
	"math"
	"math/big"
	"strconv"
	"strings"

	"lateral/cache"
	"lateral/resp/wire"
)

func (c *client) runIncr(args [][]byte) { c.add(args[1], 1) }
func (c *client) runDecr(args [][]byte) { c.add(args[1], -1) }

func (c *client) runIncrBy(args [][]byte) {
	n, ok := wire.ParseInt(args[2])
	if !ok {
		c.out.Error(errInteger)
		return
	}
	c.add(args[1], n)
}

func (c *client) runDecrBy(args [][]byte) {
	n, ok := wire.ParseInt(args[2])
	switch {
	case !ok:
		c.out.Error(errInteger)
	case n == math.MinInt64:
		c.out.Error("ERR decrement would overflow")
	default:
		c.add(args[1], -n)
	}
}

const errOverflow = "ERR increment or decrement would overflow"

func (c *client) add(key []byte, n int64) {
	p := c.at(key)
	var sum int64
	var bad string
	err := c.update(p, func(e cache.Element, found bool) change {
		if bad = ""; found && !isText(&e) {
			bad = errType
			return change{}
		}
		if sum, bad = plus(textOf(&e), found, n, errInteger); bad != "" {
			return change{}
		}
		ch := change{do: true, attr: p.r.keepLife(&e, found)}
		ch.value, bad = alike(&e, found, strconv.FormatInt(sum, 10))
		ch.do = bad == ""
		return ch
	})
	switch {
	case err != nil:
		c.fail(err)
	case bad != "":
		c.out.Error(bad)
	default:
		c.out.Int(sum)
	}
}

// plus adds to a number in a text; nothing counts as 0.
func plus(old string, found bool, n int64, notNumber string) (sum int64, bad string) {
	if found {
		var ok bool
		if sum, ok = wire.ParseInt([]byte(old)); !ok {
			return 0, notNumber
		}
	}
	if n > 0 && sum > math.MaxInt64-n || n < 0 && sum < math.MinInt64-n {
		return 0, errOverflow
	}
	return sum + n, ""
}

func (c *client) runIncrByFloat(args [][]byte) {
	p := c.at(args[1])
	n, ok := parseFloat(string(args[2]))
	if !ok {
		// As Redis, which looks at the type first.
		if e, found := c.get(p); found && !isText(&e) {
			c.out.Error(errType)
			return
		}
		c.out.Error(errFloat)
		return
	}
	var sum, bad string
	err := c.update(p, func(e cache.Element, found bool) change {
		if bad = ""; found && !isText(&e) {
			bad = errType
			return change{}
		}
		if sum, bad = plusFloat(textOf(&e), found, n, errFloat); bad != "" {
			return change{}
		}
		ch := change{do: true, attr: p.r.keepLife(&e, found)}
		ch.value, bad = alike(&e, found, sum)
		sum = textOf(&cache.Element{Value: ch.value}) // 3 is 3.0 in a Double
		ch.do = bad == ""
		return ch
	})
	switch {
	case err != nil:
		c.fail(err)
	case bad != "":
		c.out.Error(bad)
	default:
		c.out.Bulk(sum)
	}
}

// precision is that of C's long double on x86, which Redis counts with.
const precision = 64

// maxFloat is as many characters as Redis reads of a number with a point:
// clients write 1e308 with all its digits.
const maxFloat = 5<<10 - 1

func parseFloat(s string) (*big.Float, bool) {
	if s == "" || len(s) > maxFloat || strings.ContainsAny(s, "_ xXpPiInN") {
		return nil, false
	}
	if e := strings.IndexAny(s, "eE"); e >= 0 {
		// Redis's long double reaches to 1e4932; ours would reach further, and
		// cost memory for every digit of it.
		if n, err := strconv.Atoi(s[e+1:]); err != nil || n > 4000 || n < -4000 {
			return nil, false
		}
	}
	f, _, err := big.ParseFloat(s, 10, precision, big.ToNearestEven)
	return f, err == nil
}

// plusFloat adds to a number in a text, and writes it as Redis does: up to 17
// digits behind the point, no zeros at the end.
func plusFloat(old string, found bool, n *big.Float, notNumber string) (sum, bad string) {
	have := new(big.Float).SetPrec(precision)
	if found {
		var ok bool
		if have, ok = parseFloat(old); !ok {
			return "", notNumber
		}
	}
	have.Add(have, n)
	s := have.Text('f', 17)
	s = strings.TrimRight(s, "0")
	s = strings.TrimSuffix(s, ".")
	if s == "-0" || s == "" {
		s = "0"
	}
	return s, ""
}
