// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"lateral/cache"
)

// The limits of a record.
const (
	// MaxRecord bounds it: the largest value and key, all tags, and their frame.
	MaxRecord = cache.MaxValue + cache.MaxKey + cache.MaxTagsBytes + 128

	maxMillis = 1000 * 365 * 24 * 3600 * 1000 // the longest time that it may carry: 1000 years
)

const (
	flagEternal = 1 << iota
	flagSpool
	flagLateral
	flagRemote
	flagTimes
	flagHash
	flagForeign
	flagForm
)

// Bits of the byte of the operation. Stamps of nobody (zero) are not written.
const (
	opReplaced    = 1 << 7 // the stamp of what a put replaced follows that of the put
	opReplacedOwn = 1 << 6 // … without its writer, which is the put's
	opTags        = 1 << 5 // it has tags, or had: what their removal left names them
	opMask        = opTags - 1
)

// ErrRecord is wrapped by every error of Decode.
var ErrRecord = errors.New("bad record")

// fixed is what a record takes at most beside key, value and tags.
const fixed = binary.MaxVarintLen32 + 2 + 8 + 8 + 8 + 8 + binary.MaxVarintLen64 + 1 + 8 + 4*binary.MaxVarintLen64 + binary.MaxVarintLen32 + binary.MaxVarintLen16

// Append encodes a change as a record behind b. The region is given by number;
// owner is the writer whose stamps need not be spelt out.
func Append(b []byte, c *cache.Change, region uint64, owner cache.NodeID) []byte {
	e := &c.Element
	flags, tags := flagsOf(c, owner), tagsOf(c)
	// The length comes first and is not known yet: encode behind the place of
	// the longest one that this record could need, then close the hole.
	start := len(b)
	hole := uvarintLen(uint64(len(e.Key) + len(e.Value.Bytes) + len(tags) + fixed))
	b = append(b, make([]byte, hole)...)
	op := byte(c.Op)
	if !c.Replaced.IsZero() {
		if op |= opReplaced; c.Replaced.Node == e.Stamp.Node {
			op |= opReplacedOwn
		}
	}
	if tags != "" {
		op |= opTags
	}
	b = append(b, op, flags)
	b = binary.BigEndian.AppendUint64(b, e.Stamp.Time)
	if flags&flagForeign != 0 {
		b = binary.BigEndian.AppendUint64(b, uint64(e.Stamp.Node))
	}
	if op&opReplaced != 0 {
		b = binary.BigEndian.AppendUint64(b, c.Replaced.Time)
		if op&opReplacedOwn == 0 {
			b = binary.BigEndian.AppendUint64(b, uint64(c.Replaced.Node))
		}
	}
	b = binary.AppendUvarint(b, region)
	if flags&flagForm != 0 {
		b = append(b, byte(e.Value.Form))
	}
	if flags&flagHash != 0 {
		b = binary.BigEndian.AppendUint64(b, c.Hash)
	}
	if flags&flagTimes != 0 {
		b = binary.AppendVarint(b, millis(e.Attr.MaxLife))
		b = binary.AppendVarint(b, millis(e.Attr.MaxIdle))
		b = binary.AppendVarint(b, e.Accessed-e.Stamp.UnixMilli())
		b = binary.AppendUvarint(b, uint64(max(e.Attr.Size, 0)))
	}
	if op&opTags != 0 {
		b = binary.AppendUvarint(b, uint64(len(tags)))
		b = append(b, tags...)
	}
	b = binary.AppendUvarint(b, uint64(len(e.Key)))
	b = append(b, e.Key...)
	b = append(b, e.Value.Bytes...)
	body := uint64(len(b) - start - hole)
	if n := uvarintLen(body); n < hole {
		copy(b[start+n:], b[start+hole:])
		b = b[:len(b)-hole+n]
	}
	binary.PutUvarint(b[start:], body)
	return b
}

func flagsOf(c *cache.Change, owner cache.NodeID) (flags byte) {
	set := func(on bool, f byte) {
		if on {
			flags |= f
		}
	}
	if a := c.Element.Attr; c.Op == cache.Put && a != nil {
		set(a.Eternal, flagEternal)
		set(a.Spool, flagSpool)
		set(a.Lateral, flagLateral)
		set(a.Remote, flagRemote)
		set(!a.Eternal || a.MaxLife > 0 || a.MaxIdle > 0 || a.Size > 0, flagTimes)
	}
	set(c.Hash != 0, flagHash)
	set(c.Element.Stamp.Node != owner, flagForeign)
	set(c.Element.Value.Form != cache.FormBytes, flagForm)
	return flags
}

// tagsOf returns the tags of an element that is put, or that one of them
// removed.
func tagsOf(c *cache.Change) string {
	if (c.Op == cache.Put || c.Op == cache.Remove) && c.Element.Attr != nil {
		return c.Element.Attr.Tags
	}
	return ""
}

func millis(d time.Duration) int64 {
	if d <= 0 {
		return -1
	}
	return max(d.Milliseconds(), 1)
}

func uvarintLen(n uint64) int {
	l := 1
	for ; n >= 0x80; n >>= 7 {
		l++
	}
	return l
}

// Decode takes the first record off s. Key and value are parts of s: they keep
// it in memory until they are copied. attr is reused for records whose
// attributes equal it.
func Decode(s string, owner cache.NodeID, attr *cache.Attributes) (c cache.Change, region uint64, rest string, err error) {
	d := decoder{s: s}
	n := d.uvarint()
	switch {
	case d.bad:
		return c, 0, "", fmt.Errorf("%w: its length is cut off", ErrRecord)
	case n > MaxRecord:
		return c, 0, "", fmt.Errorf("%w: declares %d bytes, at most %d are allowed", ErrRecord, n, MaxRecord)
	case n > uint64(len(d.s)):
		return c, 0, "", fmt.Errorf("%w: declares %d bytes, %d are there", ErrRecord, n, len(d.s))
	}
	rest = d.s[n:]
	d.s = d.s[:n]
	c, region = d.change(owner, attr)
	if d.bad {
		return cache.Change{}, 0, "", fmt.Errorf("%w: %d bytes that end in the middle of a field or hold a number out of range", ErrRecord, n)
	}
	switch c.Op {
	case cache.Put, cache.Remove, cache.RemoveAll, cache.RemoveGroup, cache.RemoveTag:
		return c, region, rest, nil
	}
	return cache.Change{}, 0, "", fmt.Errorf("%w: operation %d is none of put, remove, remove-all, remove-group, remove-tag", ErrRecord, c.Op)
}

// A decoder takes fields off a string; bad is set by the first that is not there.
type decoder struct {
	s   string
	bad bool
}

func (d *decoder) change(owner cache.NodeID, attr *cache.Attributes) (c cache.Change, region uint64) {
	op := d.byte()
	c.Op = cache.Op(op & opMask)
	flags := d.byte()
	e := &c.Element
	e.Stamp = cache.Stamp{Time: d.uint64(), Node: owner}
	if flags&flagForeign != 0 {
		e.Stamp.Node = cache.NodeID(d.uint64())
	}
	if op&opReplaced != 0 {
		c.Replaced = cache.Stamp{Time: d.uint64(), Node: e.Stamp.Node}
		if op&opReplacedOwn == 0 {
			c.Replaced.Node = cache.NodeID(d.uint64())
		}
		d.bad = d.bad || c.Replaced.IsZero() || c.Op != cache.Put
	}
	d.bad = d.bad || op&(opReplaced|opReplacedOwn) == opReplacedOwn
	region = d.uvarint()
	if flags&flagForm != 0 {
		e.Value.Form = cache.Form(d.byte())
	}
	if flags&flagHash != 0 {
		c.Hash = d.uint64()
	}
	e.Accessed = e.Stamp.UnixMilli()
	a := cache.Attributes{Eternal: flags&flagEternal != 0, Spool: flags&flagSpool != 0,
		Lateral: flags&flagLateral != 0, Remote: flags&flagRemote != 0, MaxLife: -1, MaxIdle: -1}
	if flags&flagTimes != 0 {
		a.MaxLife, a.MaxIdle = d.millis(), d.millis()
		e.Accessed += d.varint()
		a.Size = int(d.uvarint() & (1<<31 - 1))
	}
	if op&opTags != 0 {
		a.Tags = d.tags()
		d.bad = d.bad || c.Op != cache.Put && c.Op != cache.Remove
	}
	n := d.uvarint()
	if n > uint64(len(d.s)) || n > cache.MaxKey {
		d.bad = true
		return c, 0
	}
	e.Key, e.Value.Bytes = d.s[:n], d.s[n:]
	if c.Op != cache.Put {
		if e.State = cache.Tombstone; a.Tags != "" {
			e.Attr = &cache.Attributes{Tags: strings.Clone(a.Tags)}
		}
		return c, region
	}
	if attr != nil && *attr == a {
		e.Attr = attr
	} else {
		a.Tags = strings.Clone(a.Tags) // attributes outlive the record that they came in
		e.Attr = &a
	}
	return c, region
}

func (d *decoder) tags() (joined string) {
	n := d.uvarint()
	if n == 0 || n > cache.MaxTagsBytes || n > uint64(len(d.s)) || cache.CheckTags(d.s[:n]) != nil {
		d.bad = true
		return ""
	}
	joined, d.s = d.s[:n], d.s[n:]
	return joined
}

func (d *decoder) millis() time.Duration {
	ms := d.varint()
	switch {
	case ms < 0:
		return -1
	case ms > maxMillis/4: // what a time.Duration holds
		return maxMillis / 4 * time.Millisecond
	}
	return time.Duration(ms) * time.Millisecond
}

func (d *decoder) byte() byte {
	if len(d.s) == 0 {
		d.bad = true
		return 0
	}
	b := d.s[0]
	d.s = d.s[1:]
	return b
}

func (d *decoder) uint64() (n uint64) {
	if len(d.s) < 8 {
		d.bad, d.s = true, ""
		return 0
	}
	for i := range 8 {
		n = n<<8 | uint64(d.s[i])
	}
	d.s = d.s[8:]
	return n
}

func (d *decoder) uvarint() uint64 {
	n, rest, ok := Uvarint(d.s)
	d.s, d.bad = rest, d.bad || !ok
	return n
}

// Uvarint takes a varint (encoding/binary) off the front of s. Where there is
// none, or one of more than 64 bits, ok is false and rest is empty, so that a
// decoder that goes on ends soon.
func Uvarint(s string) (n uint64, rest string, ok bool) {
	for i := 0; i < len(s) && i < binary.MaxVarintLen64; i++ {
		b := s[i]
		if i == binary.MaxVarintLen64-1 && b > 1 {
			break
		}
		n |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			return n, s[i+1:], true
		}
	}
	return 0, "", false
}

func (d *decoder) varint() int64 {
	u := d.uvarint()
	return int64(u>>1) ^ -int64(u&1)
}
