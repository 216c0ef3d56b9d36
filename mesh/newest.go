// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"

	"lateral/cache"
)

// A Common is a Region that can tell what it has in common with its peers. A
// replicated region that is none answers with whatever it holds.
type Common interface {
	// Common returns the live element of a key that peers hold, too; else, as
	// a Tombstone, the newest removal that is known of the key, alone or among
	// many; else false.
	Common(now int64, key string) (e cache.Element, ok bool)
}

// Newest asks all linked peers at once for a key of a replicated region and
// merges their answers: it returns the version with the largest stamp, which
// is a Tombstone if that is a removal; known is false if nobody has either. It
// waits for every answer, GetTimeout at most; silent is how many did not come.
func (m *Mesh) Newest(ctx context.Context, region, key string) (e cache.Element, known bool, silent int) {
	silent = m.inquire(ctx, region, key, true, func(a got) bool {
		if s := a.element.Stamp; !s.IsZero() && s.Compare(e.Stamp) > 0 {
			e, known = a.element, true
		}
		return false
	})
	return e, known, silent
}

// replyOf is what a peer that asks for a key is told.
func replyOf(r Region, now int64, key string) (c cache.Change, ok bool) {
	e, ok := r.Get(now, key) // which counts as an access
	if common, can := r.(Common); can && r.Digest() != nil {
		e, ok = common.Common(now, key)
	}
	c = cache.Change{Op: cache.Put, Element: e}
	if e.State == cache.Tombstone {
		c.Op = cache.Remove
	}
	return c, ok
}
