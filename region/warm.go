// SPDX-License-Identifier: Apache-2.0

package region

import "unsafe"

// WarmAtOnce is how many keys Warm looks at, at most.
const WarmAtOnce = 32

// Warm has the processor fetch what is needed to look keys up, of all of them
// at the same time. A key's place in the index, its entry and its bytes are
// mostly in no cache of the processor, and each is known only when the one
// before has come: three waits for memory, which are most of what a lookup
// takes. Who is about to look for many keys waits three times for all of them.
// It changes nothing, and what changes meanwhile costs a wait.
func (r *Region) Warm(keys []string) {
	t, ok := r.mem.(*table)
	if !ok || len(keys) < 2 {
		return
	}
	keys = keys[:min(len(keys), WarmAtOnce)]
	var hashes [WarmAtOnce]uint64
	for i, key := range keys {
		hashes[i] = hashOf(key, r.seed)
		t.look(hashes[i], func(s *shard, hash uint32) {
			prefetch(unsafe.Pointer(&s.index[hash&uint32(len(s.index)-1)]))
		})
	}
	for _, h := range hashes[:len(keys)] {
		t.look(h, func(s *shard, hash uint32) {
			if e := s.likely(hash); e != nil {
				prefetch(unsafe.Pointer(e))
				prefetch(unsafe.Pointer(&e.pos))
			}
		})
	}
	for _, h := range hashes[:len(keys)] {
		t.look(h, func(s *shard, hash uint32) {
			if e := s.likely(hash); e != nil {
				data := unsafe.Pointer(unsafe.StringData(e.data))
				prefetch(data)
				if len(e.data) > 64 {
					prefetch(unsafe.Add(data, 64))
				}
				prefetch(unsafe.Pointer(&s.ranks[e.pos]))
			}
		})
	}
}

// look has a shard that nobody writes to looked at.
func (t *table) look(hash uint64, at func(s *shard, hash uint32)) {
	s := t.shard(hash)
	if s.mu.TryRLock() {
		if len(s.index) > 0 {
			at(s, uint32(hash))
		}
		s.mu.RUnlock()
	}
}

// likely returns the entry that find would compare first, nil if none.
func (s *shard) likely(hash uint32) *entry {
	mask := uint32(len(s.index) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		switch c := s.index[i]; {
		case c == 0:
			return nil
		case (c^hash)&^mask == 0:
			return s.at(c&mask - 1)
		}
	}
}
