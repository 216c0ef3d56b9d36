// SPDX-License-Identifier: Apache-2.0

package fields

import (
	"cmp"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"

	"lateral/cache"
)

const (
	// MaxFields bounds what a decoder makes room for: a field takes two bytes
	// at least, in memory eighty.
	MaxFields = 1 << 16
	// MaxRemoved is how many removed fields a hash remembers.
	MaxRemoved = 1024
)

// keepRemoved is how long a removal is remembered: as long as a peer may be cut
// off and come back with what was removed (region.DefaultRetention).
const keepRemoved = 24 * time.Hour

// ErrHash is wrapped by errors about bytes that are no hash.
var ErrHash = errors.New("not a hash")

// A Hash is a decoded value. The zero Hash is empty.
type Hash struct {
	floor  cache.Stamp
	fields []field // ascending by name
	live   int
}

// field is one name. A zero stamp is that of the write that is being made.
type field struct {
	name, value string
	stamp       cache.Stamp
	gone        bool
}

func byName(f field, name string) int { return strings.Compare(f.name, name) }

// Len counts the fields that have a value.
func (h *Hash) Len() int { return h.live }

// Get returns the value of a field.
func (h *Hash) Get(name string) (value string, ok bool) {
	i, ok := slices.BinarySearchFunc(h.fields, name, byName)
	if !ok || h.fields[i].gone {
		return "", false
	}
	return h.fields[i].value, true
}

// All offers the fields that have a value, ascending by name.
func (h *Hash) All() iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for i := range h.fields {
			if f := &h.fields[i]; !f.gone && !yield(f.name, f.value) {
				return
			}
		}
	}
}

// Set writes a field and reports whether it had no value before. An error says
// that the hash is full.
func (h *Hash) Set(name, value string) (fresh bool, err error) {
	i, ok := slices.BinarySearchFunc(h.fields, name, byName)
	switch {
	case ok:
		fresh = h.fields[i].gone
	case len(h.fields) >= MaxFields:
		return false, fmt.Errorf("%w: a hash with more than %d fields", cache.ErrTooLarge, MaxFields)
	default:
		fresh = true
		h.fields = slices.Insert(h.fields, i, field{})
	}
	if fresh {
		h.live++
	}
	h.fields[i] = field{name: name, value: value}
	return fresh, nil
}

// Remove takes a field's value away and reports whether it had one. With
// traced, which is for values that travel, older values are kept out.
func (h *Hash) Remove(name string, traced bool) bool {
	i, ok := slices.BinarySearchFunc(h.fields, name, byName)
	if !ok || h.fields[i].gone {
		return false
	}
	h.live--
	if !traced {
		h.fields = slices.Delete(h.fields, i, i+1)
		return true
	}
	h.fields[i] = field{name: name, gone: true}
	return true
}

// Renew makes of a hash one of another key: all of its fields are written now,
// and nothing of its past remains.
func (h *Hash) Renew() {
	h.floor = cache.Stamp{}
	h.fields = slices.DeleteFunc(h.fields, func(f field) bool { return f.gone })
	for i := range h.fields {
		h.fields[i].stamp = cache.Stamp{}
	}
}

// forget drops what a hash need not remember: everything at or below the
// floor, and removals that are old, as seen from the newest of its stamps, or
// too many.
func (h *Hash) forget(newest cache.Stamp) {
	horizon := newest.UnixMilli() - keepRemoved.Milliseconds()
	removed := 0
	h.fields = slices.DeleteFunc(h.fields, func(f field) bool {
		if !f.stamp.IsZero() && (f.stamp.Compare(h.floor) <= 0 || f.gone && f.stamp.UnixMilli() < horizon) {
			return true
		}
		if f.gone {
			removed++
		}
		return false
	})
	if removed > MaxRemoved {
		h.forgetOldest(removed - MaxRemoved)
	}
	h.live = 0
	for i := range h.fields {
		if !h.fields[i].gone {
			h.live++
		}
	}
}

// forgetOldest drops the n oldest removals; of those with one stamp, by name,
// so that every replica drops the same.
func (h *Hash) forgetOldest(n int) {
	var old []field
	for _, f := range h.fields {
		if f.gone && !f.stamp.IsZero() {
			old = append(old, f)
		}
	}
	slices.SortFunc(old, func(a, b field) int { return cmp.Or(a.stamp.Compare(b.stamp), strings.Compare(a.name, b.name)) })
	drop := map[string]bool{}
	for _, f := range old[:min(n, len(old))] {
		drop[f.name] = true
	}
	h.fields = slices.DeleteFunc(h.fields, func(f field) bool { return f.gone && drop[f.name] })
}
