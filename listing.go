// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"lateral/cache"
	"lateral/disk"
)

// What is only on disk is listed with what is in memory: a get finds it. Elements go from
// one to the other meanwhile, so the order of a hash, which only memory has, will not do: a
// scan of a region with disks goes by stamps. Whatever is written again gets a later one, so who goes from
// the oldest on, and in each piece looks in memory first, misses nothing that is there all the while.

// scanUnit is the precision to which a place remembers when its scan began.
const scanUnit = time.Minute

// A place has 42 bits of a time in ms since 1970, until 2109, and of its scan's begin the minute, modulo 8.
const (
	placeZeros = 19
	beganBits  = 3
)

func placeOf(at, began int64) uint64 {
	return (uint64(max(at, 1))<<beganBits | uint64(began)&(1<<beganBits-1)) << placeZeros
}

// readPlace returns the time, and up to when at least its scan had not begun.
func readPlace(from uint64, now int64) (at, began int64) {
	minute := now / scanUnit.Milliseconds()
	if from == 0 {
		return 0, minute
	}
	began = int64(from >> placeZeros & (1<<beganBits - 1))
	began = minute - (minute-began)&(1<<beganBits-1) // the last minute of that number; of a scan that takes longer than 8 a later one, which only makes its last piece larger
	return int64(from >> (placeZeros + beganBits)), began
}

// scan is Region.Scan of memory and disks.
func (b *bound) scan(now int64, from uint64, n int) (keys []string, next uint64) {
	if len(b.disks) == 0 {
		return b.Scan(now, from, n)
	}
	at, began := readPlace(from, now)
	if at > (began+1)*scanUnit.Milliseconds() {
		n = math.MaxInt // what is left was written since the scan began: to go on in pieces might never end
	}
	var found []disk.Dated
	end := b.Since(now, at, n, func(at int64, key string) { found = append(found, disk.Dated{At: at, Key: key}) })
	inMemory := len(found)
	for _, d := range b.disks {
		onDisk, last := d.Since(at, max(n, inMemory))
		end = min(end, last)
		for _, k := range onDisk {
			if e, state := d.Look(k.Key); state == cache.KnownLive && e.Stamp.UnixMilli() == k.At && b.Beside(&e) {
				found = append(found, k)
			}
		}
	}
	slices.SortFunc(found, func(a, b disk.Dated) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.At, b.At)) })
	for i, k := range found {
		if k.At < end && (i == 0 || found[i-1].Key != k.Key) {
			keys = append(keys, k.Key)
		}
	}
	if end == math.MaxInt64 {
		return keys, 0
	}
	return keys, placeOf(end, began)
}

// perform is Apply, of what a node has on its disks as well.
func (b *bound) perform(now int64, c *cache.Command) (cache.Reply, error) {
	if c.Op == cache.Keys || c.Op == cache.GetMatching {
		return b.list(now, c)
	}
	return b.Apply(now, *c)
}

// maxMatched bounds the bytes of values on disk that one GetMatching returns.
const maxMatched = 64 << 20

var errMatched = fmt.Errorf("more than %d MB of values on disk match, which are not read into memory at once; name fewer keys, or list them and get one by one", maxMatched>>20)

// list answers Keys and GetMatching from memory and disks.
func (b *bound) list(now int64, c *cache.Command) (cache.Reply, error) {
	rep, err := b.Apply(now, *c)
	if err != nil || len(b.disks) == 0 {
		return rep, err
	}
	matches, err := cache.KeyPattern(c.Pattern)
	if err != nil {
		return cache.Reply{}, err
	}
	l := lister{values: c.Op == cache.GetMatching, rep: rep, have: map[string]bool{}}
	l.know(&rep)
	found := func(e *cache.Element) bool { return !matches(e.Key) || l.have[e.Key] || !b.Beside(e) || l.add(e) }
	keys := literal(c.Pattern)
	for _, d := range b.disks {
		for _, key := range keys {
			if e, state := d.Look(key); state == cache.KnownLive {
				found(&e)
			}
		}
		if keys == nil {
			d.Each(prefixes(c.Pattern), found)
		}
	}
	again, err := b.Apply(now, *c) // what was on disk alone and is written meanwhile is there no more, but in memory
	l.addAll(&again)
	return l.rep, errors.Join(err, l.err)
}

// literal returns the keys that a pattern means if it is one text only: a whole
// file need not be read for them.
func literal(pattern string) (keys []string) {
	if re, err := regexp.Compile(pattern); err == nil && pattern != "" {
		if text, whole := re.LiteralPrefix(); whole && !strings.ContainsRune(text, utf8.RuneError) {
			return cache.KeysOfText(text)
		}
	}
	return nil
}

// prefixes returns what keys start with that may match a pattern. Those that are no texts
// start with NUL, whatever people read of them.
func prefixes(pattern string) []string {
	if re, err := regexp.Compile(pattern); err == nil {
		text, _ := re.LiteralPrefix()
		text, _, _ = strings.Cut(text, string(utf8.RuneError)) // which any byte that is no UTF-8 matches
		if text != "" && text[0] != 0 {
			return []string{text, "\x00"}
		}
	}
	return []string{""}
}

// lister gathers a reply, each key once.
type lister struct {
	values bool
	rep    cache.Reply
	have   map[string]bool
	bytes  int
	err    error
}

func (l *lister) know(rep *cache.Reply) {
	for _, k := range rep.Keys {
		l.have[k] = true
	}
	for i := range rep.Elements {
		l.have[rep.Elements[i].Key] = true
	}
}

func (l *lister) add(e *cache.Element) bool {
	l.have[e.Key] = true
	if !l.values {
		l.rep.Keys = append(l.rep.Keys, e.Key)
		return true
	}
	if l.bytes += len(e.Value.Bytes); l.bytes > maxMatched {
		l.err = errMatched
		return false
	}
	l.rep.Elements = append(l.rep.Elements, *e)
	return true
}

// addAll adds what memory has by now, and sorts.
func (l *lister) addAll(rep *cache.Reply) {
	for _, k := range rep.Keys {
		if !l.have[k] {
			l.rep.Keys = append(l.rep.Keys, k)
		}
	}
	for i := range rep.Elements {
		if !l.have[rep.Elements[i].Key] {
			l.rep.Elements = append(l.rep.Elements, rep.Elements[i])
		}
	}
	slices.Sort(l.rep.Keys)
	slices.SortFunc(l.rep.Elements, func(a, b cache.Element) int { return cmp.Compare(a.Key, b.Key) })
	l.rep.Count = len(l.rep.Keys) + len(l.rep.Elements)
	if l.err != nil {
		l.rep = cache.Reply{}
	}
}

// A javaRegion is a region as Java nodes ask it: for what is in memory and on
// disk (JCS: localGet, and getMatching and getKeySet of LateralTCPListener).
type javaRegion struct{ *bound }

func (r javaRegion) Apply(now int64, c cache.Command) (cache.Reply, error) { return r.perform(now, &c) }
