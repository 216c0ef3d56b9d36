// SPDX-License-Identifier: Apache-2.0

package metrics

import (
	"slices"
	"strings"
)

// Most names that have series of their own. Regions can be made by whoever
// names them, peers come and go under new names where containers run.
const (
	maxEndpoints = 32
	maxRegions   = 200
	maxPeers     = 200
)

// other is the label of all that have no series of their own.
const other = "other"

// seats give names series of their own, first come, first served. Who has a
// seat keeps it as long as it is there; that of one who has gone is given away
// when it is needed.
type seats struct {
	limit int
	taken map[string]bool
}

// seat gives seats to those who are there, as far as there are any.
func (s *seats) seat(present []string) {
	if s.taken == nil {
		s.taken = map[string]bool{}
	}
	var waiting []string
	there := make(map[string]bool, len(present))
	for _, name := range present {
		if !s.taken[name] && !there[name] {
			waiting = append(waiting, name)
		}
		there[name] = true
	}
	if len(s.taken)+len(waiting) > s.limit {
		for name := range s.taken {
			if !there[name] {
				delete(s.taken, name)
			}
		}
	}
	slices.Sort(waiting)
	for _, name := range waiting[:min(len(waiting), max(s.limit-len(s.taken), 0))] {
		s.taken[name] = true
	}
}

// name returns the label of a name.
func (s *seats) name(name string) string {
	if s.taken[name] {
		return name
	}
	return other
}

// clean makes text of bytes: a region may have any name.
func clean(labels []string) []string {
	for i, l := range labels {
		labels[i] = strings.ToValidUTF8(l, "�")
	}
	return labels
}

// key is one string of several.
func key(labels []string) string { return strings.Join(labels, "\x00") }

// rows gathers what shares the values of its labels, in the order of the first.
func rows[T any](all []T, labels func(*T) []string) (out []*row[T]) {
	at := map[string]*row[T]{}
	for i := range all {
		names := clean(labels(&all[i]))
		k := key(names)
		r := at[k]
		if r == nil {
			r = &row[T]{labels: names, shared: slices.Contains(names, other)}
			at[k] = r
			out = append(out, r)
		}
		r.of = append(r.of, &all[i])
	}
	return out
}
