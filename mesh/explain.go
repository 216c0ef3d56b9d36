// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"sync"

	"lateral/cache"
)

// Explain asks all linked peers that have a region, in whatever mode, for what
// they know of a key; this node comes first.
func (m *Mesh) Explain(ctx context.Context, region, key string) []cache.Holding {
	own := cache.Holding{Member: m.name(), Own: true, Known: cache.Known{State: cache.KnownAbsent}}
	if k, knows := m.held(region).(Knower); knows {
		own.Known = k.Known(m.c.Now().UnixMilli(), key)
	}
	out := []cache.Holding{own}
	var links []*link
	for _, p := range m.linked() {
		if l := p.link(); l != nil && p.sharedRegions()[region] != "" {
			links = append(links, l)
			out = append(out, cache.Holding{Member: p.name(), Known: cache.Known{State: cache.KnownAbsent}})
		}
	}
	var all sync.WaitGroup
	for i, l := range links {
		all.Go(func() {
			of, err := l.askKnown(ctx, region, []string{key})
			if err != nil {
				out[1+i].Err = err.Error()
				return
			}
			out[1+i].Known = of[key]
		})
	}
	all.Wait()
	for i := range out {
		out[i].Writer = m.writerName(out[i].Stamp.Node)
	}
	return out
}
