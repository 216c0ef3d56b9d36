// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"slices"

	"lateral/cache"
	"lateral/region"
)

// A Store is a region as a front needs it that reads before it writes, scans
// and watches (package resp). Its methods may be called by many goroutines.
type Store struct {
	n *Node
	b *bound
}

// Store returns a region of a node. One that no ccf file declares is made from
// jcs.default.
func (n *Node) Store(name string) (*Store, error) {
	b, err := n.regions.get(name)
	if err != nil {
		return nil, err
	}
	return &Store{n, b}, nil
}

// Name returns the region's name.
func (s *Store) Name() string { return s.b.Name() }

// Mode returns how the region is kept coherent: local, invalidate, replicate.
func (s *Store) Mode() string { return s.b.Region.Mode().String() }

// Attributes returns those of elements put without their own.
func (s *Store) Attributes() *cache.Attributes { return s.b.attr }

// Acks reports whether writes are to be acknowledged by peers or a remote tier
// (Await), or, in a strict region, waited for until nobody serves what they replaced.
func (s *Store) Acks() bool {
	return s.b.strict != nil || s.b.through() || s.b.acks != cache.NoAcks && s.b.Region.Mode() == region.Replicate
}

// Asks reports whether a miss in memory may be found elsewhere.
func (s *Store) Asks() bool { return s.b.Asks() }

// Waits reports whether a write returns only when peers have heard of it.
func (s *Store) Waits() bool { return s.b.strict != nil }

// Now returns the node's clock, ms since 1970.
func (s *Store) Now() int64 { return s.n.now() }

// Len counts the live elements in memory.
func (s *Store) Len() int { return s.b.Len() }

// Get looks in memory only, at a time that Now has told lately: who asks for
// many keys reads the clock once.
func (s *Store) Get(now int64, key string) (cache.Element, bool) { return s.b.Get(now, key) }

// Warm prepares for calls of Get and Do with these keys, which are then faster.
// More than region.WarmAtOnce are not looked at.
func (s *Store) Warm(keys []string) { s.b.Warm(keys) }

// Do carries out a command on the region, without waiting for acknowledgements.
func (s *Store) Do(ctx context.Context, c cache.Command) (cache.Reply, error) {
	c.Region, c.Acks = s.b.Name(), cache.NoAcks
	return s.n.do(ctx, s.b, &c)
}

// Put stores a value under a key that it follows in one string, which is kept,
// with the attributes attr, nil for the region's own, and like Do waits for no
// acknowledgement. caller is for those who watch, more as in cache.Command.
func (s *Store) Put(ctx context.Context, whole string, keyLen int, attr *cache.Attributes, caller uint64, more bool) error {
	c := cache.Command{Op: cache.Put, Region: s.b.Name(), Key: whole[:keyLen], Value: cache.Value{Bytes: whole[keyLen:]}, Whole: whole, Attr: attr, Acks: cache.NoAcks, Caller: caller, More: more}
	_, err := s.n.do(ctx, s.b, &c)
	return err
}

// Tell has peers be sent what was written with more to follow.
func (s *Store) Tell() {
	for _, e := range s.n.endpoints {
		if slices.Contains(s.b.aux, e.name) {
			e.mesh.Tell()
		}
	}
}

// Scan returns about n keys in memory, in the order of a hash, from a place on,
// and the next place, 0 at the end. The lower 19 bits of places are zero.
func (s *Store) Scan(from uint64, n int) (keys []string, next uint64) {
	return s.b.Scan(s.n.now(), from, n)
}

// Watch opens a queue of the region's events.
func (s *Store) Watch(room int) (cache.Watcher, error) { return s.n.WatchRegion(s.b.Name(), room) }

// Await waits until what was written on this node before is acknowledged as
// the region's settings say.
func (s *Store) Await(ctx context.Context) error {
	if s.b.strict != nil {
		return s.b.strict.settle(ctx)
	}
	return s.n.await(ctx, s.b, cache.Put, cache.RegionAcks)
}

// Acked waits until what was written on this node before is acknowledged by
// want peers that hold the region's values, or ctx ends, and returns how many
// have it.
func (s *Store) Acked(ctx context.Context, want int) int {
	have := 0
	for _, e := range s.n.endpoints {
		if s.b.Region.Mode() == region.Replicate && slices.Contains(s.b.aux, e.name) {
			have = max(have, e.mesh.Acked(ctx, s.b.Name(), e.mesh.Logged(), want))
		}
	}
	return have
}
