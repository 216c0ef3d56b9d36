// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"lateral/cache"
)

// Who dials when. Of 300 nodes that are started at once each has 150 dials to
// make and as many to answer, at 1 to 2 ms of CPU each. If all were begun at once
// on machines that are busy, as they are then, none would be answered in time,
// and all be begun anew.
const (
	// dialSpread is the time, for each peer beyond a handful, over which the
	// first dials of a node are spread.
	dialSpread    = 2 * time.Millisecond
	maxDialSpread = time.Second
	handful       = 8
	// maxDialling dials of a node are under way; one that has not connected for
	// dialTurn lets the next begin, as hosts that are down must not hold up
	// the others. One that has waits for a host that is busy, for up to half of
	// OpenTimeout: to begin more meanwhile makes it busier.
	maxDialling = handful
	dialTurn    = 100 * time.Millisecond
	// missedPause is added, for each peer that is missed, to how long the one
	// of them is waited for: 150 beyond a partition are dialled 200 times a second.
	missedPause = 5 * time.Millisecond
)

// spread is the time in which a node makes its first dials.
func (m *Mesh) spread() time.Duration {
	m.mu.Lock()
	n := len(m.pursuits)
	m.mu.Unlock()
	return min(dialSpread*time.Duration(max(n-handful, 0)), maxDialSpread)
}

// firstMove waits until it is for this node to dial a peer that it has just
// heard of. The larger id leaves that to the smaller, so that most pairs are
// linked by one dial only.
func (m *Mesh) firstMove(ctx context.Context, id cache.NodeID) {
	if id == 0 {
		return
	}
	if m.c.ID < id {
		if most := m.spread(); most > 0 {
			m.waitLinked(ctx, id, rand.N(most))
		}
		return
	}
	began := time.Now()
	for m.c.DialGrace > 0 && ctx.Err() == nil && m.peer(id).link() == nil {
		d := m.c.DialGrace + 2*m.spread() - time.Since(began) // there may be more peers by now
		if d <= 0 {
			return
		}
		m.waitLinked(ctx, id, d)
	}
}

// missedAtMost is for how long a peer that there was a link with is not dialled.
func (m *Mesh) missedAtMost() time.Duration {
	m.mu.Lock()
	n := len(m.failures)
	m.mu.Unlock()
	return min(max(maxMissed, time.Duration(n)*missedPause), maxBackoff)
}

// A leave is one to dial.
type leave struct {
	late *time.Timer
	end  func()
}

// turn waits until a dial may begin; nil if ctx ends before.
func (m *Mesh) turn(ctx context.Context) *leave {
	select {
	case m.dialling <- struct{}{}:
	case <-ctx.Done():
		return nil
	}
	end := sync.OnceFunc(func() { <-m.dialling })
	return &leave{time.AfterFunc(dialTurn, end), end}
}

// connected keeps the turn until the peer has had the time to answer.
func (t *leave) connected(atMost time.Duration) {
	if t.late.Stop() {
		t.late.Reset(atMost)
	}
}

// over lets the next begin.
func (t *leave) over() {
	t.late.Stop()
	t.end()
}
