// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"lateral/cache"
)

// ackers are the writers that wait for acknowledgements. Whoever wakes them
// pays one load while there are none.
type ackers struct {
	waiting atomic.Int64
	mu      sync.Mutex    // guards news
	news    chan struct{} // closed and replaced when a peer has acknowledged more, come or gone
}

func (a *ackers) wake() {
	if a.waiting.Load() == 0 {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.news != nil {
		close(a.news)
		a.news = nil
	}
}

func (a *ackers) wait() <-chan struct{} {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.news == nil {
		a.news = make(chan struct{})
	}
	return a.news
}

// Logged is the number of the last change in this endpoint's log.
func (m *Mesh) Logged() uint64 { return m.c.Log.Next() - 1 }

// WaitAcks returns when as many linked peers that hold the region's values as
// want says have acknowledged a change of this endpoint's log: they hold it,
// or something newer in its place. It fails with cache.ErrNotReplicated, at
// once if fewer such peers are linked, else when ctx ends first.
func (m *Mesh) WaitAcks(ctx context.Context, region string, change uint64, want cache.Acks) error {
	m.ackers.waiting.Add(1)
	defer m.ackers.waiting.Add(-1)
	for {
		news := m.ackers.wait() // before counting, so that nothing is missed between
		have, of := m.acked(region, change)
		need := needed(want, of)
		switch {
		case have >= need:
			return nil
		case of < need:
			return fmt.Errorf("%w: stored here, but of %d peers wanted only %d that hold region %s are linked; see lateral mesh", cache.ErrNotReplicated, need, of, region)
		}
		select {
		case <-news:
		case <-ctx.Done():
			return fmt.Errorf("%w: stored here and on its way, but only %d of %d peers have acknowledged it: %w", cache.ErrNotReplicated, have, need, ctx.Err())
		}
	}
}

// needed is how many peers are wanted where so many are linked.
func needed(want cache.Acks, linked int) int {
	switch want {
	case cache.AllAcks:
		return max(linked, 1)
	case cache.LinkedAcks:
		return linked
	}
	return int(want)
}

// Acked waits until as many linked peers that hold the region's values as want
// says have acknowledged a change of this endpoint's log, or until ctx ends,
// and returns how many have.
func (m *Mesh) Acked(ctx context.Context, region string, change uint64, want int) int {
	m.ackers.waiting.Add(1)
	defer m.ackers.waiting.Add(-1)
	for {
		news := m.ackers.wait()
		have, _ := m.acked(region, change)
		if have >= want {
			return have
		}
		select {
		case <-news:
		case <-ctx.Done():
			return have
		}
	}
}

// acked counts the linked peers that hold the region's values, and those of
// them that have acknowledged a change.
func (m *Mesh) acked(region string, change uint64) (have, of int) {
	for _, p := range m.linked() {
		p.mu.Lock()
		holds := p.active != nil && p.active.peerHello.Receive && p.shares[region] == replicates
		has := p.hasLocked(change)
		p.mu.Unlock()
		if !holds {
			continue
		}
		of++
		if has {
			have++
		}
	}
	return have, of
}

// Barrier returns when every linked peer has applied and acknowledged what was
// written here before the call, or when ctx ends: then its error. Of changes
// that fell off the log before a peer read them it waits for the sync that
// brings their values. Peers without a link are not waited for; whether the mesh
// is complete is Status's to say.
func (m *Mesh) Barrier(ctx context.Context) error {
	last := m.Logged()
	for _, p := range m.linked() {
		if err := p.waitHolds(ctx, last); err != nil && ctx.Err() != nil {
			return fmt.Errorf("%w: %w", err, ctx.Err())
		}
	}
	return nil
}

// replicates is the mode of a region whose values travel, as hellos say it.
const replicates = "replicate"
