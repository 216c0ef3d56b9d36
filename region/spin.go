// SPDX-License-Identifier: Apache-2.0

package region

// A shard is locked for some hundred nanoseconds at a time. A sync.RWMutex parks at once who finds it
// locked, and hands it to whom it wakes: where every processor is busy he has it for tens
// of microseconds before he runs, and a writer who waits for him keeps new readers out,
// who are parked in their turn, and so on. So whoever finds a shard locked tries a little longer
// than it is locked for, and then waits at the gate, a sync.Mutex, which nobody gets before he runs. Writers of
// one key at a time hold it with the lock. Passes over a whole shard need not.
const (
	tries = 100 // a put of a large region waits for memory some five times while it has the lock
	nap   = 40  // turns of a loop between two tries, some 20 ns
)

func (s *shard) rlock() {
	if s.mu.TryRLock() || persist(s.mu.TryRLock) {
		return
	}
	s.gate.Lock()
	s.mu.RLock()
	s.gate.Unlock()
}

func (s *shard) lock() {
	s.gate.Lock()
	if !s.mu.TryLock() && !persist(s.mu.TryLock) {
		s.mu.Lock()
	}
}

func (s *shard) unlock() {
	s.mu.Unlock()
	s.gate.Unlock()
}

func persist(try func() bool) bool {
	for range tries {
		if idle(); try() {
			return true
		}
	}
	return false
}

//go:noinline
func idle() {
	for range nap {
	}
}
