// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	"lateral/cache"
	"lateral/ccf"
	"lateral/mesh"
	"lateral/region"
)

// strict is what a region with Strict=true has besides: its memory is served
// only under leases from all members of its endpoints, and a removal returns
// when nobody serves what was removed any more.
type strict struct {
	started time.Time // of the node; leases are counted from it
	meshes  []*mesh.Mesh

	unleased atomic.Uint64 // gets that found no lease
	alone    atomic.Uint64 // numbers the loads that nobody may join
}

// strictOf returns the strict of a region that is about to be made, nil if it
// has none.
func (rs *regions) strictOf(c ccf.Region, mode region.Mode) (*strict, error) {
	if !c.Strict {
		return nil, nil
	}
	if mode == region.Replicate {
		return nil, fmt.Errorf("region %s: Strict=true, but its values travel to the peers, which then hold copies that no lease covers: "+
			"set IsLateral=false in its elementattributes, or remove Strict", c.Name)
	}
	s := &strict{started: rs.n.started}
	for _, name := range c.Auxiliaries {
		if e := rs.n.endpoint(name); e != nil {
			s.meshes = append(s.meshes, e.mesh)
			if !e.c.Receive {
				rs.n.log.Warn("a strict region is never served from memory here: with Receive=false no removal would arrive", "region", c.Name, "endpoint", name)
			}
		}
	}
	return s, nil
}

// leaseOf is the shortest lease that a strict region wants of an endpoint, 0
// if it has none.
func leaseOf(c *ccf.Config, endpoint string) (lease time.Duration) {
	for _, r := range append([]ccf.Region{c.Default}, c.Regions...) {
		for _, name := range r.Auxiliaries {
			if r.Strict && name == endpoint && (lease == 0 || r.Lease < lease) {
				lease = r.Lease
			}
		}
	}
	return lease
}

// A lease says till when memory may be served: ns since the node's start.
type lease int64

// take is to be called before memory is read.
func (s *strict) take() lease {
	l := lease(math.MaxInt64)
	for _, m := range s.meshes {
		l = min(l, lease(m.Lease()))
	}
	return l
}

// good is to be called after memory was read: the process may have been
// stopped in between for any time, and a lease that came since says nothing of
// what was read before.
func (s *strict) good(l lease) bool { return lease(time.Since(s.started)) < l }

// get is Get of a strict region.
func (b *bound) strictGet(now int64, key string) (cache.Element, bool) {
	l := b.strict.take()
	e, ok := b.Region.Get(now, key)
	if !b.strict.good(l) {
		b.strict.unleased.Add(1)
		return cache.Element{}, false
	}
	return e, ok
}

// strictApply is Apply for commands that may be answered from memory.
func (b *bound) strictApply(now int64, c cache.Command) (cache.Reply, error) {
	l := b.strict.take()
	if (c.Op == cache.PutIfAbsent || c.Seen != nil) && !b.strict.good(l) { // what is there may be old
		if _, err := b.Apply(now, cache.Command{Op: cache.Remove, Origin: cache.LocalOnly, Key: c.Key}); err != nil {
			return cache.Reply{}, err
		}
	}
	rep, err := b.perform(now, &c)
	if err == nil && (c.Op == cache.Get || c.Op == cache.Touch || c.Op == cache.GetMatching) && !b.strict.good(l) {
		b.strict.unleased.Add(1)
		return cache.Reply{}, nil
	}
	return rep, err
}

// alone reports whether a load of the key must be made for its caller alone:
// one that began before he asked may have read what is old by now. It is to be
// asked before a ticket is taken.
func (b *bound) alone(key string) bool {
	return b.strict != nil && (!b.strict.good(b.strict.take()) || b.Held(key))
}

// flightKey is the key under which callers find each other's loads.
func (b *bound) flightKey(key string, load bool) flightKey {
	k := flightKey{key: key, load: load}
	if b.alone(key) {
		k.alone = b.strict.alone.Add(1)
	}
	k.t = b.Ticket(key)
	return k
}

// removes reports whether an operation of the application promises that what
// was there is served no more.
func removes(op cache.Op) bool {
	return op == cache.Remove || op == cache.RemoveAll || op == cache.RemoveGroup || op == cache.RemoveTag || op == cache.Update
}

// settle waits until nobody serves what was removed.
func (s *strict) settle(ctx context.Context) error {
	for _, m := range s.meshes {
		if err := m.Settle(ctx); err != nil {
			return err
		}
	}
	return nil
}

// hold keeps a key out of every memory until release is called.
func (b *bound) hold(ctx context.Context, key string) (release func(), err error) {
	b.Hold(b.n.now(), key)
	undo := []func(){func() { b.Release(b.n.now(), key) }}
	release = func() {
		for _, m := range b.strict.meshes { // who gets a lease from now on has heard of the removal first
			m.Fence()
		}
		for _, f := range undo {
			f()
		}
	}
	for _, m := range b.strict.meshes {
		r, err := m.Hold(ctx, b.Name(), key)
		if err != nil {
			release()
			return nil, err
		}
		undo = append(undo, r)
	}
	return release, nil
}
