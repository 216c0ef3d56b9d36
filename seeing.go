// SPDX-License-Identifier: Apache-2.0

package lateral

import (
	"context"
	"fmt"
	"slices"
	"time"

	"lateral/cache"
	"lateral/mesh"
)

// Verify compares the replicas of a region, or with "" of every replicated
// region, on all members, while writers go on: it is equal if nothing that was
// written before the call is missing on any of them. Members that cannot be
// asked are named, and then the verdict is never that all are equal. It lasts
// as long as a few round trips; where something is still on its way up to five
// seconds more, ctx permitting. With repair, what differs is brought together
// by syncs and verified again.
func (n *Node) Verify(ctx context.Context, region string, repair bool) (cache.Verification, error) {
	var out cache.Verification
	for _, b := range n.regions.all() {
		if region == "" && b.digest == nil && b.observed == "" || region != "" && b.Name() != region {
			continue
		}
		for _, e := range n.endpoints {
			if slices.Contains(b.aux, e.name) {
				out.Regions = append(out.Regions, e.verify(ctx, b, repair))
			}
		}
		if region != "" && len(b.aux) == 0 {
			out.Regions = append(out.Regions, cache.RegionVerdict{Region: region, Verdict: cache.Unknown, At: n.wall().UTC(),
				Why: []string{"this region has no lateral auxiliary: no other node holds it"}})
		}
	}
	if region != "" && len(out.Regions) == 0 {
		return out, fmt.Errorf("%w: %.100q", cache.ErrNoRegion, region)
	}
	out.Sum()
	return out, nil
}

func (e *endpoint) verify(ctx context.Context, b *bound, repair bool) cache.RegionVerdict {
	if b.observed == e.name {
		return e.verifyObserved(b)
	}
	v := e.mesh.Verify(ctx, b.Name())
	if repair && v.Verdict == cache.Different {
		err := e.mesh.Repair(ctx, b.Name())
		v = e.mesh.Verify(ctx, b.Name())
		v.Repaired = v.Verdict == cache.Equal
		if err != nil {
			v.Why = append(v.Why, "it could not be repaired: "+err.Error())
		}
	}
	if e.java == nil || b.digest == nil {
		return v
	}
	links, _ := e.java.links.Status()
	for _, l := range links {
		v.Members = append(v.Members, cache.VerifyMember{Name: partyText(l.To), ID: l.PeerID, Why: "a Java node: it has no stamps"})
		v.Why = append(v.Why, partyText(l.To)+" is a Java node, which applies what arrives last and cannot be compared")
		if v.Verdict == cache.Equal {
			v.Verdict = cache.Unknown
		}
	}
	return v
}

// Known returns what this node knows of a key.
func (b *bound) Known(now int64, key string) cache.Known {
	k := b.Region.Known(now, key)
	if b.outage != nil {
		k.Outage = b.outage.when
		k.Bypassed = b.bypass()
	}
	if s := b.strict; s != nil {
		k.Strict, k.Bypassed = true, b.bypass()
		k.Lease = b.Status().Lease.Milliseconds()
	}
	return k
}

var _ mesh.Knower = (*bound)(nil)

// Explain tells what this node and every linked peer, its disks and remote tiers
// know of a key, and which rules decide what a get is answered with. It waits for peers as long
// as ctx allows, six seconds at most, and for a remote tier as long as a get does (GetTimeoutMillis).
func (n *Node) Explain(ctx context.Context, region, key string) (cache.Explanation, error) {
	out := cache.Explanation{Region: region, At: n.wall().UTC(), KeyName: cache.NameKey(key)}
	i := slices.IndexFunc(n.regions.all(), func(b *bound) bool { return b.Name() == region })
	if i < 0 {
		return out, fmt.Errorf("%w: %.100q", cache.ErrNoRegion, region)
	}
	b := n.regions.all()[i]
	out.Mode = b.Mode().String()
	tiers := b.lookTiers(ctx, key)
	for _, e := range n.endpoints {
		if slices.Contains(b.aux, e.name) {
			held := e.mesh.Explain(ctx, region, key)
			if len(out.Held) > 0 {
				held = held[1:] // this node has told already
			}
			out.Held = append(out.Held, held...)
		}
	}
	if len(out.Held) == 0 {
		out.Held = []cache.Holding{{Member: n.host + "/" + n.service, Own: true, Known: b.Known(n.now(), key)}}
	}
	out.Remote = <-tiers
	out.Why = append(append(reasons(&out), b.diskReasons(key)...), tierReasons(out.Remote)...)
	return out, nil
}

// stale returns how stale at most what an invalidated region serves from memory
// may be, whatever link fails, and as things are.
func (b *bound) stale() (most, now time.Duration) {
	if b.bypass() {
		return 0, 0
	}
	most = b.Settings().Quiet
	for _, d := range b.outage.doubts {
		if since, ok := d.Since(); ok {
			return most, most - b.outage.staleMax + min(time.Since(since), b.outage.staleMax)
		}
	}
	for _, name := range b.aux {
		if e := b.n.endpoint(name); e != nil {
			d, ok := e.mesh.Silence()
			if !ok {
				return most, most
			}
			now = max(now, d)
		}
		if t := b.n.remotes.servers[name]; t != nil {
			d, ok := t.Silence()
			if !ok {
				return most, most
			}
			now = max(now, d)
		}
	}
	return most, min(now, most)
}
