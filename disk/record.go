// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/zeebo/xxh3"

	"lateral/cache"
	"lateral/changelog"
)

// ErrHarmed is wrapped by every error about a file that does not agree with
// itself.
var ErrHarmed = errors.New("the file is harmed")

const sumBytes = 8

// checksum is over key and body, so that a record under another's key shows.
func checksum(key string, body []byte) uint64 {
	return xxh3.HashSeed(body, xxh3.HashString(key))
}

// encode makes a record of an element of state Live, Tombstone or Floor.
func encode(e *cache.Element) []byte {
	c := cache.Change{Op: cache.Put, Element: *e}
	if e.State != cache.Live {
		c.Op = cache.Remove
		c.Element.Value = cache.Value{}
	}
	b := make([]byte, sumBytes, sumBytes+len(e.Key)+len(e.Value.Bytes)+64)
	b = changelog.Append(b, &c, 0, 0)
	binary.BigEndian.PutUint64(b, checksum(e.Key, b[sumBytes:]))
	return b
}

// decode takes a record apart, which is copied. attr is reused where it is equal.
func decode(key string, b []byte, attr *cache.Attributes) (e cache.Element, sum uint64, err error) {
	if len(b) < sumBytes {
		return e, 0, fmt.Errorf("%w: a record of %d bytes", ErrHarmed, len(b))
	}
	if sum = binary.BigEndian.Uint64(b); sum != checksum(key, b[sumBytes:]) {
		return e, 0, fmt.Errorf("%w: a record's checksum is wrong", ErrHarmed)
	}
	c, _, rest, err := changelog.Decode(string(b[sumBytes:]), 0, attr)
	switch {
	case err != nil:
		return e, 0, fmt.Errorf("%w: %w", ErrHarmed, err)
	case rest != "" || c.Element.Key != key || c.Op != cache.Put && c.Op != cache.Remove:
		return e, 0, fmt.Errorf("%w: a record is not that of its key", ErrHarmed)
	}
	e = c.Element
	e.State = cache.Live
	if _, _, floor := cache.SplitFloor(key); floor {
		e.State = cache.Floor
	} else if c.Op == cache.Remove {
		e.State = cache.Tombstone
	}
	if e.State != cache.Live && e.Value != (cache.Value{}) {
		return e, 0, fmt.Errorf("%w: a removal that has a value", ErrHarmed)
	}
	return e, sum, nil
}

// place is where a record stands in the order of age.
func place(e *cache.Element) []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 24), e.Stamp.Time)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Stamp.Node))
	return binary.BigEndian.AppendUint64(b, xxh3.HashString(e.Key))
}

// totals are what a file says of all its records.
type totals struct {
	count, bytes, sum uint64
}

func (t *totals) add(record int, key int, sum uint64) {
	t.count++
	t.bytes += uint64(record + key)
	t.sum += sum
}

func (t *totals) drop(record int, key int, sum uint64) {
	t.count--
	t.bytes -= uint64(record + key)
	t.sum -= sum
}

func (t *totals) encode() []byte {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 24), t.count)
	b = binary.BigEndian.AppendUint64(b, t.bytes)
	return binary.BigEndian.AppendUint64(b, t.sum)
}
