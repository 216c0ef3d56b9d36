// SPDX-License-Identifier: Apache-2.0

package converge

import "lateral/cache"

// A Replica is one node's copy of a replicated region.
type Replica interface {
	// Each offers every element that peers hold too, floors and tombstones
	// included, until yield returns false.
	Each(yield func(cache.Element) bool)
	// Shared returns the version of a key that peers hold too; ok is whether
	// there is one.
	Shared(key string) (e cache.Element, ok bool)
}

// An Entry is a key at a stamp.
type Entry struct {
	Key   string
	Stamp cache.Stamp
}

// Settle says what is to be done about an entry that another replica has: want
// it, if it is missing here or older. mine, which lists what only this replica
// has, keeps of it what the other lacks or has older.
func Settle(r Replica, mine map[string]cache.Stamp, theirs Entry) (want bool) {
	if s, ok := mine[theirs.Key]; ok && s.Compare(theirs.Stamp) <= 0 {
		delete(mine, theirs.Key)
	}
	e, ok := r.Shared(theirs.Key)
	return !ok || e.Stamp.Before(theirs.Stamp)
}
