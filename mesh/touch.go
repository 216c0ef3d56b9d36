// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"encoding/binary"
	"sync"
	"time"

	"lateral/cache"
)

// Limits of what is said of reads, and when.
const (
	touchDelay   = 100 * time.Millisecond // gathered for
	maxTouches   = 1 << 16                // that wait to be sent; further ones are dropped
	touchFrame   = 4 << 10                // bytes of a frame before the next is begun: the longest key still fits maxGet
	maxTouchWait = 64                     // small frames that may wait on a link for one of touches to join them
	maxTouchAge  = 1 << 40                // ms: 35 years. No number from a peer may overflow
)

// touches are accesses by readers of this node that peers are to hear of.
type touches struct {
	poke chan struct{} // there are some

	mu sync.Mutex // guards what follows
	of map[string][]touched
	n  int
}

type touched struct {
	key string
	at  int64 // ms
}

// A Toucher is a Region that wants to know what its peers read.
type Toucher interface {
	Touched(now int64, key string, at int64) bool
}

// Touch has the peers that hold a region's values hear that one was read. What
// cannot be sent soon is dropped: it is told of again within an eighth of its
// idle time.
func (m *Mesh) Touch(region, key string, at int64) {
	t := &m.touches
	t.mu.Lock()
	first := t.n == 0
	if t.n >= maxTouches {
		t.mu.Unlock()
		m.counters.touchesDropped.Add(1)
		return
	}
	if t.of == nil {
		t.of = map[string][]touched{}
	}
	t.of[region] = append(t.of[region], touched{key, at})
	t.n++
	t.mu.Unlock()
	if first {
		select {
		case t.poke <- struct{}{}:
		default:
		}
	}
}

// publishTouches sends what readers touched, gathered, until ctx ends.
func (m *Mesh) publishTouches(ctx context.Context) error {
	wait := time.NewTimer(touchDelay)
	wait.Stop()
	defer wait.Stop()
	for {
		select {
		case <-m.touches.poke:
			wait.Reset(touchDelay)
		case <-wait.C:
			m.touches.mu.Lock()
			of := m.touches.of
			m.touches.of, m.touches.n = nil, 0
			m.touches.mu.Unlock()
			for region, list := range of {
				m.sendTouches(region, list)
			}
		case <-ctx.Done():
			return nil
		}
	}
}

func (m *Mesh) sendTouches(region string, list []touched) {
	var to []*link
	for _, p := range m.linked() {
		p.mu.Lock()
		if l := p.active; l != nil && l.peerHello.Receive && p.shares[region] == replicates {
			to = append(to, l)
		}
		p.mu.Unlock()
	}
	now := m.c.Now().UnixMilli()
	for len(list) > 0 && len(to) > 0 {
		p := appendText(nil, region)
		n := 0
		for n < len(list) && len(p) < touchFrame {
			p = binary.AppendUvarint(appendText(p, list[n].key), uint64(max(now-list[n].at, 0)))
			n++
		}
		list = list[n:]
		f := appendFrame(nil, frameTouches, p)
		for _, l := range to {
			if l.offer(f) {
				m.counters.touchesOut.Add(int64(n))
			} else {
				m.counters.touchesDropped.Add(int64(n))
			}
		}
	}
}

// offer queues a frame that may as well be lost, if few wait.
func (l *link) offer(f []byte) bool {
	l.mu.Lock()
	few := len(l.queue) < maxTouchWait
	if few {
		l.queue = append(l.queue, f)
		l.queued += len(f)
	}
	l.mu.Unlock()
	if few {
		l.wake()
	}
	return few
}

// takeTouches merges what a peer's readers touched.
func (l *link) takeTouches(s *scan) error {
	name := s.text(cache.MaxRegion)
	if err := s.err(frameTouches); err != nil {
		return err
	}
	r, wants := l.m.held(name).(Toucher) // a touch makes no region
	now := l.m.c.Now().UnixMilli()
	for s.s != "" {
		key, age := s.text(cache.MaxKey), s.uvarint()
		if err := s.err(frameTouches); err != nil {
			return err
		}
		l.m.counters.touchesIn.Add(1)
		if wants && l.m.c.Receive && age < maxTouchAge {
			r.Touched(now, key, now-int64(age))
		}
	}
	return nil
}
