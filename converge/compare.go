// SPDX-License-Identifier: Apache-2.0

package converge

import "lateral/cache"

// A Replica is one node's copy of a replicated region.
type Replica interface {
	// Each offers every element that peers hold too, floors and tombstones
	// included, until yield returns false.
	Each(yield func(cache.Element) bool)
	// Lookup returns what is known of a key; shared is whether peers hold it.
	Lookup(key string) (e cache.Element, shared bool)
}

// An Entry is a key at a stamp.
type Entry struct {
	Key   string
	Stamp cache.Stamp
}

// A Listing holds the entries of the buckets in question.
type Listing map[int][]Entry

// List collects the entries of some buckets in one pass over the replica.
func List(d *Digest, r Replica, buckets []int) Listing {
	l := make(Listing, len(buckets))
	for _, b := range buckets {
		l[b] = nil
	}
	r.Each(func(e cache.Element) bool {
		b := d.BucketOf(e.Key)
		if entries, ok := l[b]; ok {
			l[b] = append(entries, Entry{e.Key, e.Stamp})
		}
		return true
	})
	return l
}

// Compare says, for one bucket, which of my keys the other side lacks or has
// older (send), and which of its keys I lack or have older (want).
func Compare(mine, theirs []Entry) (send, want []string) {
	known := make(map[string]cache.Stamp, len(mine))
	for _, e := range mine {
		known[e.Key] = e.Stamp
	}
	for _, e := range theirs {
		at, ok := known[e.Key]
		if !ok {
			want = append(want, e.Key)
			continue
		}
		delete(known, e.Key)
		switch c := at.Compare(e.Stamp); {
		case c < 0:
			want = append(want, e.Key)
		case c > 0:
			send = append(send, e.Key)
		}
	}
	for _, e := range mine {
		if _, ok := known[e.Key]; ok {
			send = append(send, e.Key)
		}
	}
	return send, want
}
