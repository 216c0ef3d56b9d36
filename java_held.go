// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"fmt"
	"slices"

	"lateral/cache"
)

// AskJava asks every Java node that shares a region what it holds in memory and
// on disk, which no other call does but a Get or a Touch that misses, where the
// ccf lets misses ask (AllowGet, PutOnlyMode). c is a Keys or a GetMatching with
// Region and Pattern; what it returns is kept by nobody, and is of the moment
// at which each node answered. A node that can't be asked is in the answer with
// the reason in Err: one that is not connected, JCS before 1.3.3, which knows
// neither question (its getKeySet has no JCS 1.3 at all: from 1.3.3 keys come
// with their values, which are dropped), and one that has not answered in 10 s.
// All together answer with at most 256 MiB. To be asked for an element is an
// access at a Java node: it renews its idle time, and one that is over its
// lifetime is removed there, of which JCS tells everybody. Keys are none since
// JCS 2. JCS 3 looks up what it answers in the thread that takes changes, so
// these wait there meanwhile.
//
// Pattern is a regular expression that the whole key must match, "" is every
// key. Of a GetMatching the Java node applies it, in Java's syntax and to Java's
// text of a key, so it finds no keys of groups as "group/name"; JCS before 2
// does so with Keys, too.
//
// The error is that of a region that is not there or of which this node only
// listens (ListenOnly: it asks nobody; cache.ErrObserved), of a pattern or
// operation that is none, or cache.ErrClosed.
func (n *Node) AskJava(ctx context.Context, c cache.Command) ([]cache.JavaHeld, error) {
	if n.closed.Load() {
		return nil, cache.ErrClosed
	}
	if c.Op != cache.Keys && c.Op != cache.GetMatching {
		return nil, fmt.Errorf("%s is not asked of Java nodes: keys and get-matching are", c.Op)
	}
	b, err := n.regions.get(c.Region)
	if err != nil {
		return nil, err
	}
	if b.observed != "" {
		return nil, fmt.Errorf("%w: endpoint %s listens to the cluster of region %s (ListenOnly) and asks nobody; ask on one of that cluster's own nodes",
			cache.ErrObserved, b.observed, c.Region)
	}
	out := []cache.JavaHeld{}
	for _, e := range n.endpoints {
		if e.java == nil || !slices.Contains(b.aux, e.name) {
			continue
		}
		held, err := e.java.links.Held(ctx, c)
		if err != nil {
			return nil, fmt.Errorf("%s in region %s: %w", c.Op, c.Region, err)
		}
		out = append(out, held...)
	}
	return out, nil
}
