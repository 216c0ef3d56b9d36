// SPDX-License-Identifier: Apache-2.0

package region

import (
	"context"

	"lateral/cache"
)

// Asks reports whether a miss may go to any auxiliary at all.
func (r *Region) Asks() bool {
	for i := range r.s.Auxiliaries {
		if b := &r.s.Auxiliaries[i]; Asks(b.Kind, b.Gates) {
			return true
		}
	}
	return false
}

// Fetch takes a miss to the auxiliaries in the order of the ccf, as far as
// their settings allow. It returns the first element found, and an error only
// if none was found.
func (r *Region) Fetch(ctx context.Context, key string) (e cache.Element, ok bool, err error) {
	for i := range r.s.Auxiliaries {
		b := &r.s.Auxiliaries[i]
		if !Asks(b.Kind, b.Gates) {
			continue
		}
		var ferr error
		if e, ok, ferr = b.Aux.Fetch(ctx, r.s.Name, key); ok {
			return e, true, nil
		}
		if ferr != nil {
			err = ferr
		}
	}
	return cache.Element{}, false, err
}
