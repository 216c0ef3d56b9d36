// SPDX-License-Identifier: Apache-2.0

package fields

import (
	"slices"
	"strings"

	"github.com/zeebo/xxh3"

	"lateral/cache"
)

// Join is the region.Join of hashes: newer is one, older anything. Bytes that
// are no hash, which a peer may send, are left to the larger stamp.
func Join(older, newer cache.Element) (value cache.Value, mark cache.NodeID, same bool) {
	n, err := Decode(newer.Value.Bytes, newer.Stamp)
	if err != nil {
		return newer.Value, 0, true
	}
	o := Hash{floor: older.Stamp}
	if older.State == cache.Live && older.Value.Form == cache.FormHash {
		if o, err = Decode(older.Value.Bytes, older.Stamp); err != nil {
			return newer.Value, 0, true
		}
	}
	j := merge(&o, &n)
	j.forget(newer.Stamp)
	if len(j.fields) > MaxFields || j.equal(&n) { // too many for one value: the newer alone
		return newer.Value, 0, true
	}
	value = j.value()
	return value, cache.NodeID(xxh3.HashString(value.Bytes) | 1), false
}

// merge keeps of each field the version with the larger stamp.
func merge(a, b *Hash) Hash {
	j := Hash{floor: a.floor, fields: make([]field, 0, max(len(a.fields), len(b.fields)))}
	if j.floor.Before(b.floor) {
		j.floor = b.floor
	}
	x, y := a.fields, b.fields
	for len(x) > 0 && len(y) > 0 {
		switch c := strings.Compare(x[0].name, y[0].name); {
		case c < 0:
			j.fields, x = append(j.fields, x[0]), x[1:]
		case c > 0:
			j.fields, y = append(j.fields, y[0]), y[1:]
		default:
			f := x[0]
			if f.stamp.Before(y[0].stamp) {
				f = y[0]
			}
			j.fields, x, y = append(j.fields, f), x[1:], y[1:]
		}
	}
	j.fields = append(append(j.fields, x...), y...)
	return j
}

// equal reports whether two hashes hold the same fields of the same stamps.
func (h *Hash) equal(o *Hash) bool {
	return h.floor == o.floor && slices.EqualFunc(h.fields, o.fields, func(a, b field) bool {
		return a.name == b.name && a.stamp == b.stamp && a.gone == b.gone
	})
}
