// SPDX-License-Identifier: Apache-2.0

package mesh

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"lateral/cache"
)

// known is what one member said of the suspects; err: it could not be asked.
type known struct {
	of  map[string]cache.Known
	err error
}

// question asks all members of the suspects, waits, and asks again.
func (v *verifying) question(ctx context.Context) {
	keys := slices.Sorted(maps.Keys(v.suspects))
	first := v.table(ctx, keys)
	keys = slices.DeleteFunc(keys, func(k string) bool { return len(lacking(k, first, nil)) == 0 })
	if len(keys) == 0 || v.failed(first) {
		return
	}
	if errs := v.settled(ctx); len(errs) > 0 {
		v.Why = append(v.Why, errs...)
		return
	}
	second := v.table(ctx, keys)
	if v.failed(second) {
		return
	}
	for _, k := range keys {
		if who := lacking(k, second, first); len(who) > 0 {
			v.Differences = append(v.Differences, v.difference(k, second, who))
		}
	}
}

// failed notes who could not be asked, if somebody could not.
func (v *verifying) failed(t []known) (some bool) {
	for i, k := range t {
		if k.err != nil && v.Members[i].Why == "" {
			v.lacking(&v.Members[i], k.err)
		}
		some = some || k.err != nil
	}
	return some
}

// table asks all for what they know of keys: this node first, then the links.
func (v *verifying) table(ctx context.Context, keys []string) []known {
	out := make([]known, 1+len(v.links))
	var all sync.WaitGroup
	all.Go(func() {
		out[0].of = map[string]cache.Known{}
		own, now := v.r.(Knower), v.m.c.Now().UnixMilli()
		for _, k := range keys {
			out[0].of[k] = own.Known(now, k)
		}
	})
	for i, l := range v.links {
		all.Go(func() { out[1+i].of, out[1+i].err = l.askKnown(ctx, v.Region, keys) })
	}
	all.Wait()
	return out
}

// askKnown asks a peer what it knows of keys, as many at once as fit a frame.
func (l *link) askKnown(ctx context.Context, region string, keys []string) (map[string]cache.Known, error) {
	out := make(map[string]cache.Known, len(keys))
	for len(keys) > 0 {
		q, room := look{Kind: lookKeys, Region: region}, maxLookBytes
		for _, k := range keys {
			if room -= len(k); len(q.Keys) > 0 && room < 0 || len(q.Keys) == maxLookKeys {
				break
			}
			q.Keys = append(q.Keys, []byte(k))
		}
		a, err := l.inspect(ctx, q)
		if err != nil {
			return nil, err
		}
		if len(a.Known) != len(q.Keys) {
			return nil, protocolErrorf("%d answers to a look at %d keys", len(a.Known), len(q.Keys))
		}
		for i, k := range a.Known {
			out[keys[i]] = k
		}
		keys = keys[len(q.Keys):]
	}
	return out, nil
}

// settled waits until everything that any member wrote before is with all, and
// says who could not make sure of that.
func (v *verifying) settled(ctx context.Context) (why []string) {
	ctx, cancel := context.WithTimeout(ctx, settlePatience+time.Second)
	defer cancel()
	errs := make([]error, 1+len(v.links))
	var all sync.WaitGroup
	all.Go(func() { _, errs[0] = v.m.see(ctx, &look{Kind: lookSettle}) })
	for i, l := range v.links {
		all.Go(func() { _, errs[1+i] = l.inspect(ctx, look{Kind: lookSettle}) })
	}
	all.Wait()
	for i, err := range errs {
		if err != nil {
			why = append(why, "not all that "+v.Members[i].Name+" wrote has arrived everywhere: "+err.Error())
		}
	}
	return why
}

// lacking returns who lacks what somebody else holds of a key. With what was
// known before, only of those who have not moved since.
func lacking(key string, now, before []known) (who []int) {
	top := cache.Stamp{}
	past := before
	if past == nil {
		past = now
	}
	for _, t := range past {
		if k := t.of[key]; k.State != cache.KnownExpired && k.State != cache.KnownForgotten && k.Newest().Compare(top) > 0 {
			top = k.Newest()
		}
	}
	for i, t := range now {
		k, old := t.of[key], past[i].of[key]
		if !k.Newest().Before(top) || k.Newest() != old.Newest() || k.State != old.State {
			continue
		}
		if slices.ContainsFunc(now, func(o known) bool { h := o.of[key]; return outdoes(&h, &k, top) }) {
			who = append(who, i)
		}
	}
	return who
}

// outdoes reports whether a member holds of a key, at least as new as top, what
// the other has to have and lacks.
func outdoes(h, lacks *cache.Known, top cache.Stamp) bool {
	switch {
	case h.Newest().Before(top), h.State == cache.KnownForgotten, h.State == cache.KnownExpired:
		return false
	case h.Removed():
		holds := lacks.State == cache.KnownLive
		return holds || h.Newest().Time > lacks.Stable // below it removals may be forgotten
	}
	return h.State == cache.KnownLive
}

func (v *verifying) difference(key string, t []known, who []int) cache.Difference {
	d := cache.Difference{KeyName: cache.NameKey(key), Raw: key}
	for i, k := range t {
		h := cache.Holding{Member: v.Members[i].Name, Own: i == 0, Known: k.of[key]}
		h.Writer = v.m.writerName(h.Stamp.Node)
		d.Held = append(d.Held, h)
	}
	for _, i := range who {
		d.Lacked = append(d.Lacked, v.Members[i].Name)
	}
	return d
}

// writerName returns the name of the node that gives such stamps, "" if it is
// not known.
func (m *Mesh) writerName(node cache.NodeID) string {
	if node == m.c.Node {
		return m.c.Host + "/" + m.c.Service
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, p := range m.peers {
		p.mu.Lock()
		k := p.known
		p.mu.Unlock()
		if cache.NodeID(k.Node) == node && node != 0 {
			return k.Host + "/" + k.Service
		}
	}
	return ""
}

// Repair compares this node with all others that hold replicated regions, twice:
// what the first round brings here the second takes to those before it.
func (m *Mesh) Repair(ctx context.Context, region string) error {
	for range 2 {
		links, _ := m.holders(region)
		for _, l := range links {
			n := l.syncShared()
			for l.peer.syncedRegion(region) < n {
				l.peer.mu.Lock()
				news, active := l.peer.news, l.peer.active
				l.peer.mu.Unlock()
				if l.peer.syncedRegion(region) >= n {
					break
				}
				if active != l {
					return protocolErrorf("the link with %s ended in a sync", l.peer.name())
				}
				select {
				case <-news:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
	}
	return nil
}
