// SPDX-License-Identifier: Apache-2.0

package link

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/zeebo/xxh3"

	"lateral/cache"
	"lateral/javaser"
	"lateral/jcs"
)

// valueHash is a hash of a value as Java's equals has it: two maps or sets of
// the same elements are equal, though their streams list them in the order of
// tables that need not be of one size. Objects of other classes are compared by
// their streams. It is never 0.
func valueHash(v cache.Value) uint64 {
	h := xxh3.HashString(v.Bytes)
	if v.Form == cache.FormJava {
		if p, ok := jcs.Read(v); ok {
			h = plainHash(p)
		}
	}
	return max(h+uint64(v.Form), 1)
}

// plainHash is a hash of a plain value: of hashes, so that its cost is that of
// the value, however deep.
func plainHash(p any) uint64 {
	var kind byte
	var parts []uint64
	switch p := p.(type) {
	case []any:
		kind = 'l'
		for _, x := range p {
			parts = append(parts, plainHash(x))
		}
	case javaser.Set:
		kind = 's'
		for _, x := range p {
			parts = append(parts, plainHash(x))
		}
		slices.Sort(parts)
	case javaser.Map:
		kind = 'm'
		for _, e := range p {
			parts = append(parts, xxh3.HashSeed(binary.BigEndian.AppendUint64(nil, plainHash(e.Key)), plainHash(e.Value)))
		}
		slices.Sort(parts)
	default:
		return xxh3.HashString(fmt.Sprintf("%T %v", p, p))
	}
	b := []byte{kind}
	for _, h := range parts {
		b = binary.BigEndian.AppendUint64(b, h)
	}
	return xxh3.Hash(b)
}

func hashText(h uint64) string { return fmt.Sprintf("%016x", h) }
