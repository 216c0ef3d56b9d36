// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"fmt"
	"slices"

	"lateral/cache"
)

// An endpoint with ListenOnly observes a cluster of Java nodes. It is announced
// to them, since they write to whom they have heard of and to nobody else; that,
// the question who is there, and the goodbye are all it ever says. It dials
// nobody, neither over JCS nor over the mesh, and is no member of the mesh:
// members are waited for, vote and are counted. Lateral nodes of the cluster
// write to it as they do to Java nodes. Who asks it for a value is answered at
// once that there is none, as what it answered would be kept by who asked.

// silent is what an observed region writes to: nobody.
type silent struct{}

// Note tells nobody.
func (silent) Note(cache.Change) {}

// Fetch asks nobody.
func (silent) Fetch(context.Context, string, string) (cache.Element, bool, error) {
	return cache.Element{}, false, nil
}

// observedBy returns the endpoint with ListenOnly that a region is bound to.
func (n *Node) observedBy(auxiliaries []string) string {
	for _, e := range n.endpoints {
		if e.c.ListenOnly && slices.Contains(auxiliaries, e.name) {
			return e.name
		}
	}
	return ""
}

// unobserved returns the error of a write to a region that is only observed.
func (b *bound) unobserved(op cache.Op) error {
	if b.observed == "" {
		return nil
	}
	switch op {
	case cache.Get, cache.Touch, cache.Keys, cache.GetMatching:
		return nil
	}
	return fmt.Errorf("%w: %s in region %s: endpoint %s listens to its cluster (ListenOnly) and must not change it; write on one of that cluster's own nodes",
		cache.ErrObserved, op, b.Name(), b.observed)
}

// verifyObserved says what Java nodes disagree on, as far as can be heard.
func (e *endpoint) verifyObserved(b *bound) cache.RegionVerdict {
	v := cache.RegionVerdict{Region: b.Name(), Endpoint: e.name, Verdict: cache.Unknown, At: e.n.wall().UTC(), Members: []cache.VerifyMember{}, Observed: true}
	nodes := e.java.links.Observed().Nodes
	for _, n := range nodes {
		if slices.ContainsFunc(n.Regions, func(r cache.ObservedRegion) bool { return r.Region == b.Name() }) {
			v.Members = append(v.Members, cache.VerifyMember{Name: n.Addr + " " + n.Generation, ID: n.ID})
		}
	}
	list, crossed, inTurn := e.java.links.Disputes(b.Name())
	v.Disputes, v.Total, v.InTurn = list, crossed, inTurn
	if crossed > 0 {
		v.Verdict = cache.Different
		return v
	}
	v.Why = append(v.Why, fmt.Sprintf("no writes of different values crossed in what %d nodes said since this node listens; "+
		"what they hold cannot be told without asking them, which an observer does not", len(v.Members)))
	return v
}
